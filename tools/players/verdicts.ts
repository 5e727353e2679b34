import { describe, type Fact } from './facts.ts';

/** What a server can be convicted of, with the sentence that the report shows. */
export const VIOLATIONS = {
  'false-block': 'a start was refused while the limit was not reached',
  'slot-stays-taken': 'a start was refused though every holder had been silent for 37 s',
  'zapping-refused': 'a start was refused on a device that already held a slot',
  'hand-over-refused': 'a start was refused that continues a session which held a slot',
  'stopped-without-cause': 'a running session was told to stop though nobody took its slot',
  'over-admission': 'more sessions than the limit certainly held slots',
  'unexplained-refusal': 'a refusal did not say who holds the slots',
  'repeat-differs': 'the repeat of an admitted start got another answer',
  'wrong-answer': 'a reply is not about what was sent',
  revived: 'a stopped session was told to go on',
  'refused-call': 'a call that is right was answered with 4xx',
} as const;

export type ViolationKind = keyof typeof VIOLATIONS;
export const FALSE_BLOCKS: readonly ViolationKind[] = [
  'false-block',
  'slot-stays-taken',
  'zapping-refused',
  'hand-over-refused',
  'stopped-without-cause',
];

export type Violation = {
  readonly kind: ViolationKind;
  readonly accountId: string;
  readonly sessionId: string;
  readonly atMs: number;
  readonly detail: string;
  /** What was said and answered in this account before, oldest first. */
  readonly history: readonly string[];
};

export type Verdicts = {
  /** The first ones, with their history. */
  readonly first: readonly Violation[];
  readonly total: () => number;
  count(kind: ViolationKind): number;
  add(violation: Omit<Violation, 'history'>, history: readonly Fact[]): void;
};

export const SHOWN_VIOLATIONS = 20;
const HISTORY_LINES = 60;

export function createVerdicts(): Verdicts {
  const first: Violation[] = [];
  const counts = new Map<ViolationKind, number>();
  return {
    first,
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    count: (kind) => counts.get(kind) ?? 0,
    add(violation, history) {
      counts.set(violation.kind, (counts.get(violation.kind) ?? 0) + 1);
      if (first.length >= SHOWN_VIOLATIONS) return;
      first.push({ ...violation, history: history.slice(-HISTORY_LINES).map(describe) });
    },
  };
}
