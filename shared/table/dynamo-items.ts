import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { SECOND_MS, epochMs } from '../../schemas/time.ts';
import type { TableName } from '../../schemas/tables.ts';
import { rowOf, type StoredRow } from './table-rows.ts';
import type { TableKey, TableRow } from './table.ts';

/** How a row lies in its DynamoDB table. */
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
  item: 'item',
} as const;

/** The place in the first list of the table and in the second; each is also the name of the index that sorts by it. */
export const LIST_ATTRIBUTES = ['list1', 'list2'] as const;

export type Item = Record<string, AttributeValue>;

export const keyOf = ({ key, id }: Pick<TableKey, 'key' | 'id'>): Item => ({
  [ATTRIBUTES.key]: { S: key },
  [ATTRIBUTES.id]: { S: id },
});

export const itemOf = (row: StoredRow): Item => {
  const places = LIST_ATTRIBUTES.flatMap((name, i) => {
    const place = row.places[i] ?? null;
    return place === null ? [] : [[name, { S: place }] as const];
  });
  return {
    ...keyOf(row),
    [ATTRIBUTES.version]: { S: row.version },
    [ATTRIBUTES.expires]: { N: String(row.expiresAtMs) },
    // Rounded up: never deleted before its time.
    [ATTRIBUTES.ttl]: { N: String(Math.ceil(row.expiresAtMs / SECOND_MS)) },
    [ATTRIBUTES.item]: { S: row.item },
    ...Object.fromEntries(places),
  };
};

export const rowOfItem = (table: TableName, item: Item): TableRow =>
  rowOf({
    table,
    key: text(item, ATTRIBUTES.key),
    id: text(item, ATTRIBUTES.id),
    version: text(item, ATTRIBUTES.version),
    expiresAtMs: epochMs(Number(item[ATTRIBUTES.expires]?.N)),
    places: [item[LIST_ATTRIBUTES[0]]?.S ?? null, item[LIST_ATTRIBUTES[1]]?.S ?? null],
    item: text(item, ATTRIBUTES.item),
  });

const text = (item: Item, name: string): string => {
  const value = item[name]?.S;
  if (value === undefined) throw new Error(`a row has no text ${name}`);
  return value;
};
