import type { Call } from './call.ts';
import { invalid } from './query.ts';

/** The id by which a call sent again is known: from its body, else its `Idempotency-Key`, else a new one. */
export const repeatIdOf = (call: Call, inBody: string | undefined, next: () => string): string => {
  const header = call.req.headers['idempotency-key'];
  const given = inBody ?? (typeof header === 'string' ? header : undefined);
  if (given === undefined) return next();
  if (given.length <= 128) return given;
  throw invalid('/idempotency-key', 'RANGE', 'must have at most 128 characters');
};
