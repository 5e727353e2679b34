import { COPIES, STATES, type StateName, type StateSpec } from './stores.ts';
import { TABLE_NAMES, TABLES, TOMBSTONE_MS, type TableName } from './tables.ts';
import { DAY_MS, HOUR_MS } from './time.ts';
import { SEGMENTS_PER_RETENTION, type Topic, type TopicName, TOPICS } from './topics.ts';

/** Where something of an account may lie, made from the catalogues: a new topic, state or table is in it by being there. */
export type Place =
  /** `byKey`: what is of an account is found by its key. */
  | (Gone & { readonly kind: 'topic'; readonly name: TopicName; readonly byKey: boolean })
  | (Gone & { readonly kind: 'state'; readonly name: StateName })
  | (Gone & { readonly kind: 'table'; readonly name: TableName })
  | (Gone & { readonly kind: 'copies'; readonly name: keyof typeof COPIES });
type Gone = {
  /** What is left there when an erasure has been folded. */
  readonly remains: string;
  /** From the erasure until nothing is left; null: nothing is. */
  readonly goneWithinMs: number | null;
};

/** What DynamoDB takes to delete an item whose time is over. A local process sweeps every hour. */
const EXPIRY_MS = 2 * DAY_MS;

/** A log drops whole segments, which span a part of the retention, and looks for them now and then. */
const droppedWithinMs = (retentionMs: number): number => retentionMs + retentionMs / SEGMENTS_PER_RETENTION + HOUR_MS;

const REMAINS: Readonly<Record<Exclude<Topic['account'], 'nothing'>, string>> = {
  key: 'records of before, under the account key',
  named: 'records of before that name the account key',
  unnamed: 'records of before, which name no account, profile, device or session',
  unread: 'bytes that nobody could read: whose they are, nobody can tell',
};

const topics: readonly Place[] = (Object.keys(TOPICS) as TopicName[]).flatMap((name) => {
  const { account, retentionMs }: Topic = TOPICS[name];
  if (account === 'nothing') return [];
  // What is kept for ever must have nothing of anybody: see the test.
  if (retentionMs === 'compact') throw new Error(`${name} is kept for ever, and has something of accounts`);
  const goneWithinMs = droppedWithinMs(retentionMs);
  return [{ kind: 'topic', name, byKey: account === 'key', remains: REMAINS[account], goneWithinMs } as const];
});

const states: readonly Place[] = (Object.keys(STATES) as StateName[]).flatMap((name) => {
  const { rowsOf }: StateSpec = STATES[name];
  return rowsOf === 'account' ? [{ kind: 'state', name, remains: 'nothing', goneWithinMs: null } as const] : [];
});

const tables: readonly Place[] = TABLE_NAMES.filter((name) => TABLES[name].rowsOf === 'account').map((name) => {
  const { id, always, retentionMs } = TABLES[name];
  const tombstone = `of each row a tombstone, which no call shows: account key and ${id}`;
  return {
    kind: 'table',
    name,
    remains: always ? tombstone : `${tombstone}; where nobody keeps it at the moment, its rows`,
    goneWithinMs: EXPIRY_MS + (always ? TOMBSTONE_MS : Math.max(TOMBSTONE_MS, retentionMs)),
  };
});

const copies: readonly Place[] = (Object.keys(COPIES) as (keyof typeof COPIES)[]).map((name) => ({
  kind: 'copies',
  name,
  remains: 'what was copied before',
  goneWithinMs: COPIES[name].retentionMs,
}));

export const PLACES: readonly Place[] = [...topics, ...states, ...tables, ...copies];

/** Where what is of an account can be asked for. Nobody but the operator looks into copies. */
export type AccountPlace = Exclude<Place, { readonly kind: 'copies' }>;
export const ACCOUNT_PLACES: readonly AccountPlace[] = PLACES.filter((place) => place.kind !== 'copies').filter(
  (place) => place.kind !== 'topic' || place.byKey,
);
