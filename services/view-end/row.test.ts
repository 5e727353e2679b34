import { describe, expect, it } from '@jest/globals';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { epochMs, liveMs } from '../../schemas/time.ts';
import type { At } from '../../shared/runtime/processor.ts';
import { createMemoryTable } from '../../shared/table/memory-table.ts';
import type { TableRow } from '../../shared/table/table.ts';
import { type Viewing, whatOf } from './household.ts';
import { viewOf } from './revision.ts';
import { rowOf, viewIn, viewingIn } from './row.ts';
import { NO_BEATS, withBeat } from './tally.ts';
import { beatOf, KEY, type Said } from './testing/evening.ts';

const START = 1_800_000_000_000;
const at: At<undefined> = {
  key: KEY,
  liveMs: liveMs(7_000_000),
  appendedAtMs: epochMs(START),
  position: { generation: 1, partition: 63, offset: 1_000_000_000 },
  control: undefined,
};

const viewingOf = (beats: readonly Heartbeat[]): Viewing => ({
  sessionId: beats[0]!.sessionId,
  since: '1.63.999999999',
  what: whatOf(beats[0]!),
  tally: beats.reduce(withBeat, NO_BEATS),
  status: 'final',
  revision: 10_004_000_000_000,
  finals: 2,
  changed: false,
  stoppedAtMs: START + 5,
  heardLiveMs: 1,
  touchedLiveMs: 2,
  finalLiveMs: 3,
});
const rowOfBeats = (beats: readonly Heartbeat[]): TableRow => {
  const viewing = viewingOf(beats);
  return rowOf(viewing, viewOf(KEY, viewing), at);
};
const bytesOf = ({ item }: TableRow): number => Buffer.byteLength(JSON.stringify(item));

type Ids = (name: string) => string;
const uuid: Ids = (name) => `${name.padEnd(8, '0')}-1c2d-4e5f-8a9b-0123456789ab`.slice(0, 36);

const beat = (ids: Ids, sequence: number, said: Said): Heartbeat =>
  beatOf(ids('session'), START + (sequence % 1_000_000) * 10_000, {
    sequence,
    profileId: ids('profile'),
    deviceId: ids('device'),
    contentId: ids('content'),
    durationMs: 5_400_000,
    lastDecision: 'OK',
    ...said,
  });
/** 128 runs of two beats, with a stretch of the content of its own in each. */
const wholly = (ids: Ids, first: number, said: (pair: number, inPair: number) => Said): readonly Heartbeat[] =>
  Array.from({ length: 256 }, (_, i) => {
    const [pair, inPair] = [Math.floor(i / 2), i % 2];
    return beat(ids, first + 4 * pair + inPair, {
      positionMs: 40_000 * pair + 10_000 * inPair,
      quality: { bitrateKbps: 5_800, stallMs: 0, stallCount: 0 },
      ...said(pair, inPair),
    });
  });

describe('the row of a view', () => {
  const plain = Array.from({ length: 540 }, (_, i) =>
    beat(uuid, i, { positionMs: i * 10_000, quality: { bitrateKbps: 5_800, stallMs: 0, stallCount: 0 } }),
  );
  /** As long as each id and each number may be. */
  const wide: Ids = (name) => `${'📺'.repeat(128 - name.length)}${name}`;
  const widest = wholly(wide, Number.MAX_SAFE_INTEGER - 600, (pair, inPair) => ({
    seriesId: wide('series'),
    deviceType: wide('tv'),
    positionMs: 300_000_000_000 + 90_000_000 * pair + 10_000 * inPair,
    durationMs: 315_576_000_000,
    playbackRate: 127.999_999_999_999_99,
    lastDecision: 'TERMINATED_BY_USER',
    ad: inPair === 1 ? { breakId: `${'電'.repeat(13)}${String(pair).padStart(3, '0')}` } : null,
    quality: { bitrateKbps: 9_999_999.9, stallMs: 8_600_000, stallCount: 1, startupMs: 86_400_000 },
  }));
  const broken = wholly(uuid, 0, () => ({}));

  it('takes 1.3 KB as a rule, 19 KB with 128 runs and 128 stretches, 44 KB where all of these is as long as it can be', () => {
    const kilobytes = [plain, broken, widest].map((beats) => bytesOf(rowOfBeats(beats)) / 1_000);
    expect(kilobytes.map((kb) => kb.toFixed(1))).toEqual(['1.3', '18.8', '43.9']);
    for (const beats of [broken, widest])
      expect([viewingOf(beats).tally.runs.length, viewingOf(beats).tally.ranges.length]).toEqual([128, 128]);
  });

  it('gives back the viewing that it was made of, but for its live times, which begin anew', () => {
    for (const beats of [plain, broken, widest]) {
      const table = createMemoryTable(() => at.appendedAtMs);
      table.put([rowOfBeats(beats)]);
      const [stored] = table.get([{ table: 'views', key: KEY, id: beats[0]!.sessionId }]);
      expect(viewingIn({ ...at, stored: stored! })).toEqual({
        ...viewingOf(beats),
        heardLiveMs: 0,
        touchedLiveMs: 7_000_000,
        finalLiveMs: 6_965_000,
      });
    }
  });

  it('is none to the record that its view began with: that makes it again', () => {
    const stored = rowOfBeats(plain);
    const first = { ...at, stored, position: { ...at.position, offset: 999_999_999 } };
    expect([viewingIn(first), viewingIn({ ...at, stored })?.since]).toEqual([null, '1.63.999999999']);
  });

  it('of before there were formats is answered, and nothing goes on from it', () => {
    const { view } = viewOf(KEY, viewingOf(plain));
    const stored = { ...rowOfBeats(plain), item: { ...view } };
    expect([viewIn(stored), viewingIn({ ...at, stored })]).toEqual([view, null]);
  });

  it('of a format that nobody knows is not taken for another', () => {
    const stored = { ...rowOfBeats(plain), item: { format: 2 } };
    expect(() => viewingIn({ ...at, stored })).toThrow('a view of format 2');
  });
});
