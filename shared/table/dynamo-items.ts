import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ATTRIBUTES, LIST_ATTRIBUTES } from '../../schemas/dynamo-layout.ts';
import { SECOND_MS, epochMs } from '../../schemas/time.ts';
import type { TableName } from '../../schemas/tables.ts';
import { rowOf, type StoredRow } from './table-rows.ts';
import type { TableKey, TableRow } from './table.ts';

/** For expressions: `version`, `ttl` and some others are words that DynamoDB keeps for itself. */
export const NAMES = {
  '#version': ATTRIBUTES.version,
  '#expires': ATTRIBUTES.expires,
  '#ttl': ATTRIBUTES.ttl,
  '#item': ATTRIBUTES.item,
  '#erased': ATTRIBUTES.erased,
  '#erasedUntil': ATTRIBUTES.erasedUntil,
} as const;

export type Item = Record<string, AttributeValue>;

export const keyOf = ({ key, id }: Pick<TableKey, 'key' | 'id'>): Item => ({
  [ATTRIBUTES.key]: { S: key },
  [ATTRIBUTES.id]: { S: id },
});

/** What an update has to set, and to take away, so that the item holds this row. */
export const changeTo = (row: StoredRow): { readonly set: string; readonly remove: string; readonly values: Item } => {
  const set = ['#version = :version', '#expires = :expires', '#ttl = :ttl', '#item = :item'];
  const values: Item = {
    ':version': { S: row.version },
    ':expires': { N: String(row.expiresAtMs) },
    // Rounded up: never deleted before its time.
    ':ttl': { N: String(Math.ceil(row.expiresAtMs / SECOND_MS)) },
    ':item': { S: row.item },
  };
  const remove: string[] = [];
  for (const [i, name] of LIST_ATTRIBUTES.entries()) {
    const place = row.places[i] ?? null;
    if (place === null) remove.push(name);
    else {
      set.push(`${name} = :${name}`);
      values[`:${name}`] = { S: place };
    }
  }
  return { set: set.join(', '), remove: remove.length === 0 ? '' : `REMOVE ${remove.join(', ')}`, values };
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
