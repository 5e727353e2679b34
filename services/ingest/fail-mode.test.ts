import { describe, expect, it } from '@jest/globals';
import { decodeOutput } from '../../schemas/codec.ts';
import { accountKey } from '../../schemas/ids.ts';
import { epochMs } from '../../schemas/time.ts';
import { createListLog } from '../../shared/runtime/testing/list-log.ts';
import { type FailModeAnswer, failModeTeller } from './fail-mode.ts';

const NOW_MS = 1_800_000_000_000;
const answer = (offset: number, said: Partial<FailModeAnswer> = {}): FailModeAnswer => ({
  key: accountKey('household'),
  tenant: 'tenant',
  claim: { sessionId: `s-${offset}`, deviceId: 'tv-1', deviceType: 'tv', contentId: 'film', contentType: 'vod' },
  stored: { partition: 1, offset },
  allowed: true,
  ...said,
});

const open = () => {
  const clock = () => epochMs(NOW_MS);
  const log = createListLog({ partitions: 2, clock });
  const troubles: unknown[] = [];
  const deferred: (() => void)[] = [];
  const tell = failModeTeller({
    log,
    clock,
    defer: (run) => deferred.push(run),
    onTrouble: (error) => troubles.push(error),
  });
  const turn = (): void => deferred.splice(0).forEach((run) => run());
  const told = () => (log.lists.get('stream-decisions.v1/1') ?? []).map(({ value }) => decodeOutput(value).value);
  return { log, tell, turn, troubles, told };
};

describe('what the fail mode answered', () => {
  it('is told by the claim’s position and with the reason, allowed or refused, once a turn', () => {
    const { tell, turn, told } = open();
    tell(answer(7));
    tell(answer(8, { allowed: false }));
    expect(told()).toEqual([]);
    turn();
    turn();
    expect(told()).toMatchObject([
      { id: 'ingest:1.1.7:0', cause: '1.1.7', outcome: 'admitted', reason: 'SERVICE_DEGRADED', decidedAtMs: NOW_MS },
      { id: 'ingest:1.1.8:0', cause: '1.1.8', outcome: 'denied', reason: 'SERVICE_DEGRADED', sessionId: 's-8' },
    ]);
  });

  it('is told of 1,000 claims of a partition in a turn, however many there were', () => {
    const { tell, turn, told } = open();
    for (let offset = 0; offset < 1_500; offset++) tell(answer(offset));
    turn();
    expect(told()).toHaveLength(1_000);
  });

  it('is lost, and said to be trouble, where the log does not take it', async () => {
    const { log, tell, turn, troubles, told } = open();
    log.failAppends('stream-decisions.v1', 1);
    tell(answer(1));
    turn();
    await new Promise((resolve) => setImmediate(resolve));
    tell(answer(2));
    turn();
    expect([troubles.length, told().length]).toEqual([1, 1]);
  });
});
