import type { Flaw } from './slots.ts';
import type { ViolationKind } from './verdicts.ts';

/** Each server that breaks one rule, and the violations of which one at least has to be found. */
export const WRONG_SERVERS: Readonly<Record<Flaw, readonly ViolationKind[]>> = {
  'limit and one': ['over-admission'],
  'silence holds': ['false-block', 'slot-stays-taken'],
  'zapping counts': ['zapping-refused', 'false-block'],
  'loses each 20th beat': ['stopped-without-cause'],
  'says not who': ['unexplained-refusal'],
  'stop forgotten': ['false-block', 'revived'],
  'two at once': ['over-admission'],
  'another sequence': ['wrong-answer'],
  'hand-over refused': ['hand-over-refused'],
  'old beats claim': ['false-block', 'unexplained-refusal'],
  'late beat revives': ['false-block', 'revived'],
};
