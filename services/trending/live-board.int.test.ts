import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeOutput, UnreadableRecord } from '../../schemas/codec.ts';
import { epochMs, MINUTE_MS } from '../../schemas/time.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import { type LiveBoard, openLiveBoard } from './live-board.ts';
import { rankings } from './ranking.ts';
import { counted, NOON, type Said } from './testing/counted.ts';

/** The board over the real log of this machine. */
describe('the live board', () => {
  let folder: string;
  let nowMs: number;
  let log: EmbeddedLog;
  let open: LiveBoard[];
  let troubles: unknown[];
  const openLog = async (): Promise<void> => {
    log = await openEmbeddedLog({ folder, partitions: 4, clock: () => epochMs(nowMs) });
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'playbeat-board-'));
    [nowMs, open, troubles] = [NOON, [], []];
    await openLog();
  });
  afterEach(async () => {
    await Promise.all(open.map((one) => one.close()));
    await log.close();
    rmSync(folder, { recursive: true });
  });

  const say = async (...said: readonly Said[]): Promise<void> => {
    const records = said.map((one) => {
      const { id, cause, ...value } = counted({ atMs: nowMs, ...one });
      return { key: value.contentId, value: encodeOutput({ type: 'AudienceCounted', value }, { id, cause }) };
    });
    await log.append('audience-counts.v1', 0, records);
  };
  const openBoard = (): LiveBoard => {
    const live = openLiveBoard({
      log,
      partitions: 4,
      clock: () => nowMs,
      pause: () => sleep(1),
      onTrouble: (error) => troubles.push(error),
    });
    open.push(live);
    return live;
  };
  const listOf = ({ board }: LiveBoard) =>
    rankings(board, 10)({ tenant: 'tenant', contentType: 'live', window: '5m', by: 'audience', scope: null });
  const idsOf = (live: LiveBoard): readonly string[] => listOf(live).map(({ contentId }) => contentId);
  const when = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await sleep(1);
  };

  it('has what was said, and what is said from now on', async () => {
    await say({ contentId: 'a', audience: 20 }, { contentId: 'b', audience: 30 });
    const live = openBoard();
    expect(live.isCaughtUp()).toBe(false);
    await live.caughtUp;
    expect([live.isCaughtUp(), idsOf(live), live.board.asOfMs()]).toEqual([true, ['b', 'a'], NOON]);
    nowMs += 5_000;
    await say({ contentId: 'a', audience: 40 });
    await when(() => live.board.asOfMs() === NOON + 5_000);
    expect(idsOf(live)).toEqual(['a', 'b']);
  });

  it('has the same lists, ranks and totals after a restart, out of the last 10 of 20 minutes', async () => {
    const before = openBoard();
    for (let i = 0; i < 300; i++) {
      nowMs = NOON + i * 4_000;
      await say(
        ...Array.from({ length: 10 }, (_, j) => ({
          contentId: `content-${(i * 10 + j) % 137}`,
          contentType: j % 3 === 0 ? ('vod' as const) : ('live' as const),
          audience: (i * 31 + j * 17) % 101,
          byCountry: { DE: j },
        })),
      );
    }
    await when(() => before.board.version() === 3_000);
    const [list, totals, history] = [listOf(before), before.board.totals('tenant'), before.board.history('tenant')];
    await before.close();
    await log.close();
    await openLog();
    const after = openBoard();
    await after.caughtUp;
    expect([listOf(after), after.board.totals('tenant')]).toEqual([list, totals]);
    expect([after.board.version(), list.length]).toEqual([1_510, 75]);
    // Its first 5 minutes are not whole.
    expect(history).toHaveLength(119);
    expect(after.board.history('tenant')).toEqual(history.slice(-30));
  });

  it('begins with what was said 10 minutes ago', async () => {
    await say({ contentId: 'gone' });
    nowMs += 1;
    await say({ contentId: 'a' });
    nowMs += 10 * MINUTE_MS;
    const live = openBoard();
    await live.caughtUp;
    expect(idsOf(live)).toEqual(['a']);
  });

  it('tells of bytes that nobody can read, and reads on', async () => {
    await say({ contentId: 'a' });
    await log.append('audience-counts.v1', 0, [{ key: 'b', value: Uint8Array.of(1, 2, 3) }]);
    await say({ contentId: 'c' });
    const live = openBoard();
    await live.caughtUp;
    expect([idsOf(live), troubles]).toEqual([['a', 'c'], [expect.any(UnreadableRecord)]]);
  });

  it('is caught up with a topic that is empty, and changes no more once it is closed', async () => {
    const live = openBoard();
    await live.caughtUp;
    expect([live.isCaughtUp(), live.board.asOfMs()]).toEqual([true, null]);
    await live.close();
    await say({ contentId: 'a' });
    const other = openBoard();
    await other.caughtUp;
    expect([idsOf(other), idsOf(live)]).toEqual([['a'], []]);
  });
});
