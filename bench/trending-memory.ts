/**
 * `node --expose-gc bench/trending-memory.ts [rows]` says what trending keeps in memory: the difference of the heap after
 * garbage collection, before and after so many rows are there: contents of the board, and rows of the two folds.
 */
import Table from 'cli-table3';
import type { AudienceCounted, AudiencePlace, AudienceWindow } from '../schemas/generated/records.ts';
import { decodeOutput, encodeOutput } from '../schemas/codec.ts';
import { board } from '../services/trending/board.ts';
import { nobodyAt, withPlace } from '../services/trending/stood.ts';
import type { Viewer } from '../services/trending/viewer.ts';
import { randomOf } from '../services/testing/random.ts';
import { headerOf, machine } from './report.ts';

type Row = {
  readonly what: string;
  /** Makes so many of them, and answers what keeps them. */
  readonly fill: (count: number) => unknown;
};

const START_MS = 1_800_014_400_000;
const COUNTRIES = ['DE', 'US', 'FR', 'AT', 'CH', 'GB', 'ES', 'IT', 'PL', 'NL', 'SE', 'BR'];
const DEVICE_TYPES = ['tv', 'phone', 'browser', 'tablet', 'console'];

/** Records as `audience` writes them, with numbers that follow from a seed. */
const audienceWith =
  (names: { readonly countries: number; readonly deviceTypes: number }) =>
  (contentId: string, atMs: number, seed: number): AudienceCounted => {
    const random = randomOf(seed);
    const counts = (all: readonly string[], most: number): Readonly<Record<string, number>> =>
      Object.fromEntries(all.slice(0, most).map((name) => [name, random.below(1_000)]));
    const window = (momentum: number | null): AudienceWindow => ({
      audience: 10 + random.below(10_000),
      suspicious: random.below(10),
      momentum,
      byCountry: counts(COUNTRIES, names.countries),
      byDeviceType: counts(DEVICE_TYPES, names.deviceTypes),
    });
    const value = {
      tenant: 'default',
      contentId,
      contentType: seed % 4 === 0 ? ('live' as const) : ('vod' as const),
      atMs,
      windows: [window(random.next()), window(random.next()), window(random.next()), window(null)],
    };
    // As it comes out of the log: with texts of its own.
    const decoded = decodeOutput(encodeOutput({ type: 'AudienceCounted', value }, { id: 'output', cause: '1.0.0' }));
    if (decoded.type !== 'AudienceCounted') throw new Error('another record than was written');
    return decoded.value;
  };

const contentIdOf = (i: number): string => `content-${String(i).padStart(8, '0')}`;

const boardWith =
  (of: ReturnType<typeof audienceWith>, { minutes }: { readonly minutes: number }) =>
  (count: number): unknown => {
    const filled = board();
    for (let minute = 0; minute < minutes; minute++)
      for (let i = 0; i < count; i++)
        filled.take(of(contentIdOf(i), START_MS + minute * 60_000, i + minute), minute * count + i);
    return filled;
  };

const plainRecords =
  (of: ReturnType<typeof audienceWith>) =>
  (count: number): unknown => {
    const newest = new Map<string, AudienceCounted>();
    for (let i = 0; i < count; i++) newest.set(contentIdOf(i), of(contentIdOf(i), START_MS, i));
    return newest;
  };

/** Text of its own for each row, as a store hands it out. */
const asStored = <T>(state: T): T => JSON.parse(JSON.stringify(state)) as T;

const place = (minute: number, n: number): AudiencePlace => ({
  minute,
  counted: true,
  country: COUNTRIES[n % 2]!,
  deviceType: DEVICE_TYPES[n % 3]!,
  network: `network-${n % 20}`,
});

/** Accounts that watch one thing now, and watched others today. */
const viewersOf =
  (contents: number) =>
  (count: number): unknown => {
    const rows = new Map<string, Viewer>();
    for (let i = 0; i < count; i++) {
      const [contentId, heardLiveMs] = [contentIdOf(i % 100_000), START_MS];
      const session = {
        sessionId: `session-${i}`,
        contentId,
        sequence: 9,
        playing: true,
        positionMs: 90_000,
        heardLiveMs,
      };
      const pairs = Array.from({ length: contents }, (_, n) => ({
        contentId: contentIdOf((i + n) % 100_000),
        place: place(START_MS / 60_000, i + n),
        movedLiveMs: START_MS,
      }));
      rows.set(`account-key-${i}`, asStored({ sessions: [session], pairs }));
    }
    return rows;
  };

/** Contents with so many viewers, in as many minutes of the last hour. */
const audiencesOf =
  (viewers: number) =>
  (count: number): unknown => {
    const now = START_MS / 60_000;
    const rows = new Map<string, unknown>();
    for (let i = 0; i < count; i++) {
      let stood = nobodyAt(now - 60);
      for (let n = 0; n < viewers; n++) stood = withPlace(stood, place(now - (n % 60), i + n));
      rows.set(
        contentIdOf(i),
        asStored({ tenant: 'default', contentType: 'vod', stood, atMs: START_MS, seen: [0, 1, now] }),
      );
    }
    return rows;
  };

const few = audienceWith({ countries: 2, deviceTypes: 3 });
const many = audienceWith({ countries: 12, deviceTypes: 5 });
const ROWS: readonly Row[] = [
  { what: 'trending: accounts that watch 1 content', fill: viewersOf(1) },
  { what: 'trending: accounts that watched 5 contents today', fill: viewersOf(5) },
  { what: 'audience: contents with 10 viewers', fill: audiencesOf(10) },
  { what: 'audience: contents with 100 viewers', fill: audiencesOf(100) },
  { what: 'board: contents of 2 countries, said once', fill: boardWith(few, { minutes: 1 }) },
  { what: 'board: contents of 2 countries, said each minute', fill: boardWith(few, { minutes: 2 }) },
  { what: 'board: contents of 12 countries, said once', fill: boardWith(many, { minutes: 1 }) },
  { what: 'board: contents of 12 countries, said each minute', fill: boardWith(many, { minutes: 2 }) },
  { what: 'for comparison: the records of 2 countries as they are', fill: plainRecords(few) },
  { what: 'for comparison: the records of 12 countries as they are', fill: plainRecords(many) },
];

const heapBytes = (): number => {
  if (globalThis.gc === undefined) throw new Error('run it with node --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};

const bytesOf = ({ fill }: Row, count: number): number => {
  fill(100);
  const before = heapBytes();
  const kept = [fill(count)];
  const bytes = heapBytes() - before;
  kept.pop();
  return bytes;
};

const count = Number(process.argv[2] ?? 100_000);
if (!Number.isSafeInteger(count) || count < 1) throw new Error('how many rows? A whole number of at least 1');
console.error(headerOf(machine()));
const table = new Table({ head: ['what', 'rows', 'bytes per row', 'total MiB'], style: { head: [], border: [] } });
for (const row of ROWS) {
  const bytes = bytesOf(row, count);
  table.push([row.what, count, Math.round(bytes / count), (bytes / 1_048_576).toFixed(1)].map(String));
}
console.log(table.toString());
