import type { LogEvent } from '../../schemas/events.ts';
import { decode, encode } from '../../schemas/codec.ts';
import { TABLES, type TableName } from '../../schemas/tables.ts';
import { HOUR_MS, SECOND_MS } from '../../schemas/time.ts';
import { isFolding, type RoleName } from '../../services/roles.ts';
import { packed } from '../../services/packed.ts';
import { type AnyProcessor, ROOMS } from '../../services/rooms.ts';
import { accountKeys } from '../../shared/identity/account-keys.ts';
import { testDriver, type TestDriver } from '../../shared/runtime/test-driver.ts';
import { heartbeat } from '../../shared/sessions/testing/heartbeat.ts';
import type { TableRow } from '../../shared/table/table.ts';

/** What one viewing of an hour leaves behind. Bytes are those before compression. */
export type Viewing = {
  readonly beats: number;
  /** Of the records of all topics, their keys among them. */
  readonly logBytes: number;
  readonly outputs: number;
  /** Of the states of all folds in the middle of it, as they are written: each beat writes them anew. */
  readonly stateBytes: number;
  readonly folds: number;
  readonly tables: Readonly<Partial<Record<TableName, Puts>>>;
};
export type Puts = {
  readonly puts: number;
  /** As DynamoDB charges them, indexes included. */
  readonly units: number;
  /** Of its last row, and how often it lies there: in the table and in each of its lists. */
  readonly rowBytes: number;
  readonly copies: number;
};

/** The roles that come with Playbeat and run everywhere. Who adds a service and wants to see its price puts it here. */
export const COUNTED: readonly RoleName[] = [
  'ingest',
  'concurrency',
  'resume-position',
  'view-end',
  'trending',
  'decision-ledger',
];

const KEY = accountKeys(Buffer.alloc(32, 7))('default', 'account-1');
const EVERY_MS = 10 * SECOND_MS;
const BEATS = HOUR_MS / EVERY_MS;
const UNIT_BYTES = 1_024;

/** An hour of a film as a television tells it: a start, 359 beats 10 s apart, the last of which ends it. */
const beatAt = (index: number, nowMs: number): LogEvent => ({
  type: 'Heartbeat',
  value: heartbeat('5f0c2d1e-8a4b-4c6d-9e7f-000000000001', nowMs, {
    ...{ tenant: 'default', sequence: index, profileId: 'profile-1', deviceId: 'living-room-1' },
    ...{ deviceName: 'Living room', contentId: 'film-1', durationMs: 5_400_000, positionMs: index * EVERY_MS },
    ...{ state: index === 0 ? 'starting' : index === BEATS - 1 ? 'ended' : 'playing' },
    ...{ playbackRate: 1, country: 'DE', cdn: 'cdn-a', appVersion: '8.4.1', player: 'shaka 4.11.2' },
    ...{ networkKey: 'c2l4dGVlbi1jaGFy', lastDecision: index === 0 ? null : 'OK' },
  }),
});

/** A put moves the row in each list whose place changes: DynamoDB deletes the old entry and writes the new one. */
const unitsOf = (row: TableRow, before: TableRow | undefined): number => {
  const size = Math.ceil(bytesOf(row) / UNIT_BYTES);
  const lists = TABLES[row.table].lists.map((list) => {
    const [old, now] = [before?.places[list], row.places[list]];
    if (old === undefined && now === undefined) return 0;
    return old === undefined || now === undefined || old === now ? size : 2 * size;
  });
  return lists.reduce((sum, units) => sum + units, size);
};
const bytesOf = ({ key, id, item, places }: TableRow): number =>
  Buffer.byteLength(key + id + JSON.stringify(item) + JSON.stringify(places));

const tally = () => {
  const last = new Map<string, TableRow>();
  const tables = new Map<TableName, Puts>();
  const take = (rows: readonly TableRow[]): void => {
    for (const row of rows) {
      const id = `${row.table} ${row.key} ${row.id}`;
      const { puts = 0, units = 0 } = tables.get(row.table) ?? {};
      tables.set(row.table, {
        puts: puts + 1,
        units: units + unitsOf(row, last.get(id)),
        rowBytes: bytesOf(row),
        copies: 1 + Object.keys(row.places).length,
      });
      last.set(id, row);
    }
  };
  return { take, tables };
};

type Folded = Pick<TestDriver<unknown>, 'sent'>;

/** Folds the hour with every processor of heartbeats, and with the ledger what they send. */
export const viewing = (): Viewing => {
  const { take, tables } = tally();
  let [logBytes, outputs, stateBytes, folds] = [0, 0, 0, 0];
  const fold = (processor: AnyProcessor, feed: (driver: TestDriver<unknown>) => void): Folded => {
    const driver = testDriver(processor);
    const { put } = driver.table;
    driver.table.put = (rows) => {
      take(rows);
      put(rows);
    };
    feed(driver);
    driver.fold();
    // How far a partition has come is said once a second, however many watch.
    const own = driver.sent.filter(
      ({ topic, value }) => topic !== 'audience-moves.v1' || decode(value).type !== 'TimeRelayed',
    );
    for (const { key, value } of own) logBytes += (key?.length ?? 0) + (value?.length ?? 0);
    outputs += own.length;
    return driver;
  };
  const processors = COUNTED.filter(isFolding).flatMap((role) => ROOMS[role].folds({ ledgerMs: 90 * 24 * HOUR_MS }));
  for (const processor of processors.filter(({ input }) => input === 'heartbeats.v1')) {
    folds += 1;
    const { sent } = fold(processor, (driver) => {
      for (let index = 0; index < BEATS; index += 1) {
        driver.append(KEY, beatAt(index, driver.now()));
        driver.advance(EVERY_MS);
        driver.fold();
        if (index !== BEATS / 2) continue;
        const state = driver.state(KEY);
        const { pack } = packed(processor.name);
        if (state !== undefined) stateBytes += Buffer.byteLength(JSON.stringify(pack(state)));
      }
      driver.advance(HOUR_MS);
    });
    if (processor.name !== 'concurrency') continue;
    const ledger = processors.find(({ name }) => name === 'decision-ledger');
    if (ledger !== undefined)
      fold(ledger, (driver) => {
        for (const { key, value } of sent) driver.appendBytes(key, value);
      });
  }
  for (let index = 0; index < BEATS; index += 1) {
    const event = beatAt(index, 1_800_000_000_000);
    if (event.type === 'Heartbeat') logBytes += KEY.length + encode('Heartbeat', event.value).length;
  }
  return { beats: BEATS, logBytes, outputs, stateBytes, folds, tables: Object.fromEntries(tables) };
};
