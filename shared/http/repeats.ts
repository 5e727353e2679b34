import { type Call, ProblemError } from './call.ts';

/** The id by which a call sent again is known: from its body, else its `Idempotency-Key`, else a new one. */
export const repeatIdOf = (call: Call, inBody: string | undefined, next: () => string): string => {
  const header = call.req.headers['idempotency-key'];
  const given = inBody ?? (typeof header === 'string' ? header : undefined);
  if (given === undefined) return next();
  if (given.length <= 128) return given;
  const detail = 'must have at most 128 characters';
  throw new ProblemError('VALIDATION_FAILED', `/idempotency-key: ${detail}`, {
    errors: [{ path: '/idempotency-key', code: 'RANGE', detail }],
  });
};
