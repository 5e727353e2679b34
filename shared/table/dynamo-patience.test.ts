import { beforeEach, describe, expect, it } from '@jest/globals';
import { beginCall, type CallOptions, PartlyAnswered } from './dynamo-patience.ts';
import { TableUnavailable } from './table-errors.ts';

const DEADLINE_MS = 10_000;
let elapsedMs: number;
let troubles: TableUnavailable[];
const begin = (options: Partial<CallOptions> = {}) =>
  beginCall({
    where: 'here',
    attemptMs: 1_500,
    deadlineMs: DEADLINE_MS,
    random: () => 0.999,
    elapsedMs: () => elapsedMs,
    after: () => () => {},
    pause: async (ms) => void (elapsedMs += ms),
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
beforeEach(() => {
  elapsedMs = 0;
  troubles = [];
});

/** As the client makes them of an answer. */
const answered = (name: string, httpStatusCode: number, more: object = {}): Error =>
  Object.assign(new Error('words'), { name, $fault: 'client', $metadata: { httpStatusCode, ...more } });

const failsOnce = async (error: unknown): Promise<'repeated' | 'given up'> => {
  let requests = 0;
  const attempt = begin().attempt(async () => {
    requests += 1;
    if (requests === 1) throw error;
  });
  await attempt.catch(() => {});
  return requests === 2 ? 'repeated' : 'given up';
};

describe('a call to DynamoDB', () => {
  it.each([
    ['no connection', Object.assign(new Error(''), { code: 'ECONNREFUSED' })],
    ['credentials that cannot be had', new Error('Could not load credentials')],
    ['a throttled table', answered('ProvisionedThroughputExceededException', 400)],
    ['a throttled account', answered('RequestLimitExceeded', 400)],
    ['too many requests', answered('ThrottlingException', 400)],
    ['credentials that ran out', answered('ExpiredTokenException', 400)],
    ['a clock that the client has corrected', answered('InvalidSignatureException', 400, { clockSkewCorrected: true })],
    ['an error of the service', answered('InternalServerError', 500)],
    ['a gateway without a service', answered('Unknown', 503)],
    ['an answer that is no JSON', Object.assign(new SyntaxError('words'), { $metadata: { httpStatusCode: 400 } })],
    ['a part of an answer', new PartlyAnswered(true)],
  ])('repeats after %s', async (_, error) => {
    expect(await failsOnce(error)).toBe('repeated');
  });

  it.each([
    ['a request that is wrong', answered('ValidationException', 400)],
    ['a right that is missing', answered('AccessDeniedException', 400)],
    ['a table that is missing', answered('ResourceNotFoundException', 400)],
    ['a signature that is wrong', answered('InvalidSignatureException', 400)],
  ])('gives up at once after %s', async (_, error) => {
    expect(await failsOnce(error)).toBe('given up');
  });

  it('gives up before a pause that would end after the deadline, and names place and reason', async () => {
    const failing = begin().attempt(() => Promise.reject(Object.assign(new Error(''), { code: 'ECONNRESET' })));
    await expect(failing).rejects.toThrow(
      'The tables in here cannot be had (ECONNRESET). The caller tries again what failed.',
    );
    expect(elapsedMs).toBeGreaterThan(DEADLINE_MS - 1_000);
    expect(elapsedMs).toBeLessThan(DEADLINE_MS);
    expect(troubles).toHaveLength(1);
  });

  it('goes on for ten deadlines while others of its requests succeed', async () => {
    const call = begin();
    let requests = 0;
    const answer = await call.attempt(async () => {
      requests += 1;
      if (requests % 5 === 0) await call.attempt(async () => {});
      if (elapsedMs < 10 * DEADLINE_MS) throw answered('ThrottlingException', 400);
      return 'done';
    });
    expect(answer).toBe('done');
  });

  it('counts a part of an answer as success, and an answer with nothing in it as none', async () => {
    let left = 100;
    await begin().attempt(async () => {
      left -= 1;
      if (left > 0) throw new PartlyAnswered(true);
    });
    expect(elapsedMs).toBeGreaterThan(5 * DEADLINE_MS);
    await expect(begin().attempt(() => Promise.reject(new PartlyAnswered(false)))).rejects.toBeInstanceOf(
      TableUnavailable,
    );
  });

  it('ends an attempt after its time, tells the client so, and hears no more of it', async () => {
    const timers: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const call = begin({ after: (_, run) => (timers.push(run), () => {}) });
    const answer = call.attempt((signal) => {
      signals.push(signal);
      if (signals.length === 2) return Promise.resolve('second');
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(answered('Ignored', 400))));
    });
    timers[0]!();
    expect(await answer).toBe('second');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(String(troubles[0])).toContain('no answer within 1500 ms');
  });

  it('calls the timer of an attempt off when its answer comes', async () => {
    let running = 0;
    await begin({ after: () => ((running += 1), () => (running -= 1)) }).attempt(async () => {});
    expect(running).toBe(0);
  });
});
