import { PLACES, type Place } from '../schemas/places.ts';
import { COPIES, STATES, type StateName } from '../schemas/stores.ts';
import { TABLE_NAMES, TABLES } from '../schemas/tables.ts';
import { DAY_MS, HOUR_MS } from '../schemas/time.ts';
import { type Topic, type TopicName, TOPICS } from '../schemas/topics.ts';

type Cells = readonly string[];
/** How a page is made of rows. */
type Making = {
  readonly table: (head: Cells, rows: readonly Cells[]) => string;
  readonly madeFrom: (source: string) => string;
};

const code = (text: string): string => `\`${text}\``;
const lasting = (ms: number): string => {
  if (ms === HOUR_MS) return 'an hour';
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} hours`;
  return `${Math.ceil((10 * ms) / DAY_MS) / 10} days`;
};

const placeOf = (kind: Place['kind'], name: string): Place | undefined =>
  PLACES.find((place) => place.kind === kind && place.name === name);
const erasureAt = (kind: Place['kind'], name: string): string => {
  const place = placeOf(kind, name);
  if (place === undefined) return 'has nothing of an account';
  return place.goneWithinMs === null ? 'nothing' : `${place.remains}; for ${lasting(place.goneWithinMs)} at most`;
};

const ACCOUNT: Readonly<Record<Topic['account'], string>> = {
  key: 'as the key',
  named: 'its key, within',
  unnamed: 'not named',
  unread: 'not known',
  nothing: 'nothing',
};

/** What is kept, how long and why, of every topic, state and table; and what an erasure leaves there. */
export const retention = ({ table, madeFrom }: Making): string => {
  const topics = (Object.keys(TOPICS) as TopicName[]).map((name) => {
    const { retentionMs, retentionReason, account }: Topic = TOPICS[name];
    const kept = retentionMs === 'compact' ? 'the newest of each key, for ever' : lasting(retentionMs);
    return [code(name), kept, retentionReason, ACCOUNT[account], erasureAt('topic', name)];
  });
  const states = (Object.keys(STATES) as StateName[]).map((name) => {
    const { rowsOf, kept, reason } = STATES[name];
    return [code(name), rowsOf, kept, reason, erasureAt('state', name)];
  });
  const tables = TABLE_NAMES.map((name) => {
    const { retentionMs, retentionReason } = TABLES[name];
    return [code(name), `${lasting(retentionMs)} after its newest put`, retentionReason, erasureAt('table', name)];
  });
  const copies = Object.entries(COPIES).map(([name, { retentionMs, reason }]) => [name, lasting(retentionMs), reason]);
  return `# What is kept, and how long

${madeFrom('schemas/topics.ts, schemas/tables.ts, schemas/stores.ts')}

The last column says what [an erasure](../how-to/forget-an-account.md) leaves: the same that its receipt says. A log drops whole segments, and a table
deletes what has expired some time later (DynamoDB within two days), so that each is a little longer than what is promised to readers.

## Topics

${table(['Topic', 'Kept', 'Why', 'Account', 'After an erasure'], topics)}

## State of the processors

${table(['Processor', 'Rows of', 'Kept', 'Why', 'After an erasure'], states)}

## Tables

${table(['Table', 'Kept', 'Why', 'After an erasure'], tables)}

## Copies

What a copy holds is no longer Playbeat's to delete: these times are the operator's promise.

${table(['What', 'Kept', 'Why'], copies)}
`;
};
