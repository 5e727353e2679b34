import { once } from 'node:events';
import { decode, decodeOutput } from '../schemas/codec.ts';
import type { AccountKey } from '../schemas/ids.ts';
import { ACCOUNT_PLACES, type AccountPlace } from '../schemas/places.ts';
import type { StateName } from '../schemas/stores.ts';
import type { TableName } from '../schemas/tables.ts';
import type { TopicName } from '../schemas/topics.ts';
import type { Call } from '../shared/http/call.ts';
import { idOf, tenantAsked } from '../shared/http/query.ts';
import type { Route } from '../shared/http/route.ts';
import type { Log, LogRecord } from '../shared/log/log.ts';
import { recordsBetween } from '../shared/log/log-records.ts';
import { formatPosition, positionOf } from '../shared/log/position.ts';
import type { StateStore } from '../shared/state/state.ts';
import { rowsById, type Table } from '../shared/table/table.ts';

export type ExportOptions = {
  readonly log: Pick<Log, 'read' | 'bounds'>;
  readonly store: Pick<StateStore, 'read'>;
  /** Null where this process has no tables. */
  readonly table: Pick<Table, 'list'> | null;
  /** Those that it has. */
  readonly tables: readonly TableName[];
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly partitionOf: (key: AccountKey) => number;
};

/** One thing that is kept of an account. `at`: its id in a table, its position in a topic. */
type Kept = { readonly at?: string; readonly appendedAtMs?: number; readonly type?: string; readonly value: unknown };

const NDJSON = 'application/x-ndjson; charset=utf-8';

/** All that is kept of an account, as far as this process has it: JSON, a line for each thing. */
export const exportRoutes = (options: ExportOptions): readonly Route[] => [
  {
    method: 'GET',
    path: '/admin/accounts/{accountId}/export',
    operationId: 'exportAccount',
    summary:
      'All that is kept of an account in the places that this process has, a JSON object per line. The last one, `kind: end`, says which these are: without it something is missing.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    query: [{ name: 'tenant', description: "Of the account, where it is not the caller's own." }],
    responses: { 200: null },
    problems: ['VALIDATION_FAILED'],
    handle: async (call) => {
      await exported(options, call);
      return null;
    },
  },
];

/** Every process reads every state and topic; of the tables it has some. */
const placesOf = ({ tables }: ExportOptions): readonly AccountPlace[] =>
  ACCOUNT_PLACES.filter((place) => place.kind !== 'table' || tables.includes(place.name));

const exported = async (options: ExportOptions, call: Call): Promise<void> => {
  const { res } = call;
  const key = options.accountKey(
    tenantAsked(call, call.query.get('tenant') ?? undefined),
    idOf('accountId', call.params['accountId'] ?? ''),
  );
  const places = placesOf(options);
  const say = async (line: object): Promise<void> => {
    if (!res.write(`${JSON.stringify(line)}\n`) && !res.destroyed)
      await Promise.race([once(res, 'drain'), once(res, 'close')]);
  };
  res.writeHead(200, ['content-type', NDJSON, 'x-request-id', call.requestId, 'cache-control', 'no-store']);
  try {
    for (const place of places)
      for await (const kept of keptIn(options, place, key)) {
        // Who asked has gone.
        if (res.destroyed) return;
        await say({ kind: place.kind, name: place.name, ...kept });
      }
    await say({ kind: 'end', places: places.map(({ kind, name }) => ({ kind, name })) });
    res.end();
  } catch (error) {
    // The answer has begun: that it stops before its last line says that it is not whole.
    res.destroy();
    throw error;
  }
};

const keptIn = (options: ExportOptions, place: AccountPlace, key: AccountKey): AsyncIterable<Kept> => {
  switch (place.kind) {
    case 'state':
      return stateOf(options, place.name, key);
    case 'table':
      return rowsOf(options, place.name, key);
    case 'topic':
      return recordsOf(options, place.name, key);
  }
};

async function* stateOf({ store, partitionOf }: ExportOptions, name: StateName, key: AccountKey): AsyncIterable<Kept> {
  const { rows } = await store.read(name, partitionOf(key), [key]);
  for (const row of rows) if (row !== null) yield { value: row.state };
}

async function* rowsOf({ table }: ExportOptions, name: TableName, key: AccountKey): AsyncIterable<Kept> {
  if (table === null) return;
  for await (const { id, item } of rowsById(table, { table: name, key, below: null })) yield { at: id, value: item };
}

/** Of one partition, from what the log still holds to its end when the call came. */
async function* recordsOf({ log, partitionOf }: ExportOptions, name: TopicName, key: AccountKey): AsyncIterable<Kept> {
  const partition = partitionOf(key);
  const bounds = await log.bounds(name, partition);
  for await (const records of recordsBetween(log, { topic: name, partition }, bounds))
    for (const record of records)
      if (record.key === key) yield { at: formatPosition(positionOf(partition, record.offset)), ...said(name, record) };
}

const said = (topic: TopicName, { value, appendedAtMs }: LogRecord): Kept => {
  if (value === null) return { appendedAtMs, value: null };
  return { appendedAtMs, ...(topic === 'heartbeats.v1' ? decode(value) : decodeOutput(value)) };
};
