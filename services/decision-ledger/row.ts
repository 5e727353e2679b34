import type { KeptDecision } from '../../schemas/generated/http.ts';
import type { StreamDecided } from '../../schemas/generated/records.ts';
import { DAY_MS, epochMs } from '../../schemas/time.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import type { TableRow } from '../../shared/table/table.ts';

/** How decisions lie in the durable tables: for support by account, for reports by day. */
export const LEDGER = 'decisions';
export const BY_DAY = 'decisions-by-day';

/** What the ledger says of a decision. Nobody can be found by it who does not have the account's id and the pepper. */
export type Kept = Omit<KeptDecision, 'explanation'>;

/** What a report counts. It belongs to no account. */
export type Counted = Pick<
  StreamDecided,
  'tenant' | 'outcome' | 'reason' | 'rule' | 'observed' | 'returned' | 'holders' | 'deviceType' | 'contentId'
>;

/** Of the items; rows outlive many releases. */
const FORMAT = 1;

/** A day of one installation is read in so many parts at once, and no key of a table takes more than its share of the writes. */
export const SHARDS = 16;
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
export const dayKey = (day: number, shard: number): string => `${day}/${shard}`;

const MS_DIGITS = 16;
const OFFSET_DIGITS = 15;
const INDEX_DIGITS = 4;
/** Ids of rows begin with it, so that text is sorted by time. */
export const timeText = (ms: number): string => String(Math.max(0, ms)).padStart(MS_DIGITS, '0');

/** By time, then in the order of the log. The same for every repeat of the output. */
const idOf = ({ decidedAtMs, cause, id }: StreamDecided): string => {
  const place = cause.replace(/\d+$/, (offset) => offset.padStart(OFFSET_DIGITS, '0'));
  const [source = '', , index = ''] = id.split(':');
  return `${timeText(decidedAtMs)} ${place} ${index.padStart(INDEX_DIGITS, '0')} ${source}`;
};

/** The two rows of one decision. */
export const rowsOf = (decided: StreamDecided, key: string, keptMs: number): readonly TableRow[] => {
  const id = idOf(decided);
  const common = { version: '', places: {}, expiresAtMs: epochMs(decided.decidedAtMs + keptMs) };
  const { tenant, sessionId, outcome, reason, rule, policyVersion, limit, observed, returned } = decided;
  const { bySessionId, holders, deviceType, contentId, contentType, decidedAtMs, cause } = decided;
  const kept = {
    ...{ sessionId, outcome, reason, rule, policyVersion, limit, observed, returned, bySessionId, holders },
    ...{ deviceType, contentId, contentType, decidedAtMs, position: cause },
  } satisfies Record<keyof Kept, unknown>;
  const counted: Counted = { tenant, outcome, reason, rule, observed, returned, holders, deviceType, contentId };
  const shard = partitionOf(key, SHARDS);
  return [
    { ...common, table: LEDGER, key, id, item: { format: FORMAT, ...kept } },
    { ...common, table: BY_DAY, key: dayKey(dayOf(decidedAtMs), shard), id, item: { format: FORMAT, ...counted } },
  ];
};

const itemOf = ({ table, item }: Pick<TableRow, 'table' | 'item'>): TableRow['item'] => {
  if (item['format'] !== FORMAT) throw new Error(`a row of ${table} has the format ${String(item['format'])}`);
  const { format: _, ...rest } = item;
  return rest;
};
// Of this format, an item is what `rowsOf` made.
export const keptIn = (row: TableRow): Kept => itemOf(row) as Kept;
export const countedIn = (row: TableRow): Counted => itemOf(row) as Counted;
