import { TABLES, type TableName } from './tables.ts';

/** How a row lies in its DynamoDB table: the adapter writes and checks it, the infrastructure makes it. */
export const ATTRIBUTES = {
  /** Partition key: the account key. */
  key: 'pk',
  /** Sort key: the id. */
  id: 'sk',
  version: 'version',
  /** In milliseconds; says what is visible. */
  expires: 'expires',
  /** The same in seconds, as the service wants it: it deletes the row some time later. */
  ttl: 'ttl',
  /** Absent from a tombstone. */
  item: 'item',
  /** Of a tombstone, and of what was put over one: the place of the erasure in the log, and how long it counts, in milliseconds. */
  erased: 'erased',
  erasedUntil: 'erasedUntil',
} as const;

/** The place in the first list of the table and in the second; each is also the name of the index that sorts by it. */
export const LIST_ATTRIBUTES = ['list1', 'list2'] as const;

/** The attributes that its indexes sort by. */
export const listsOf = (table: TableName): readonly string[] => LIST_ATTRIBUTES.slice(0, TABLES[table].lists.length);
