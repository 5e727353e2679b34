import { DeleteItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ATTRIBUTES } from '../../schemas/dynamo-layout.ts';
import type { TableName } from '../../schemas/tables.ts';
import { connectDynamo, type DynamoOptions } from './dynamo-connection.ts';
import { allThrough, openGate } from './dynamo-gate.ts';
import { type From, keysOfAccount, type Page, pages } from './dynamo-pages.ts';

/** What a move of accounts to other keys needs beside the port, and beside the rights of a service: to look at all, and to delete. */
export type DynamoAccounts = {
  /** How many rows each key has; of tombstones none. Reads the whole table. Needs the right Scan. */
  rowsOfKeys(table: TableName): Promise<ReadonlyMap<string, number>>;
  /**
   * Deletes all rows and tombstones of a key for good: DynamoDB itself lets those stand that expired more than five years ago.
   * Needs the rights Query and DeleteItem.
   */
  remove(table: TableName, key: string): Promise<void>;
  close(): void;
};

const DELETES_AT_ONCE = 32;

export const openDynamoAccounts = (options: DynamoOptions): DynamoAccounts => {
  const { client, nameOf, begin } = connectDynamo(options);
  const deletes = openGate(DELETES_AT_ONCE);

  // Each page is a call of its own: all of them together may take hours.
  const pagesOf = (ask: (from: From, abortSignal: AbortSignal) => Promise<Page>) =>
    pages((from) => begin().attempt((abortSignal) => ask(from, abortSignal)));

  return {
    rowsOfKeys: async (table) => {
      const keys = new Map<string, number>();
      const scan = {
        TableName: nameOf(table),
        ConsistentRead: true,
        // Of a tombstone nothing is left to be moved.
        FilterExpression: 'attribute_exists(#item)',
        ProjectionExpression: 'pk',
        ExpressionAttributeNames: { '#item': ATTRIBUTES.item },
      };
      for await (const items of pagesOf((from, abortSignal) =>
        client.send(new ScanCommand({ ...scan, ExclusiveStartKey: from }), { abortSignal }),
      ))
        for (const { pk } of items) keys.set(pk?.S ?? '', (keys.get(pk?.S ?? '') ?? 0) + 1);
      return keys;
    },
    remove: async (table, key) => {
      const TableName = nameOf(table);
      const keys = keysOfAccount(TableName, key);
      for await (const items of pagesOf((from, abortSignal) =>
        client.send(new QueryCommand({ ...keys, ExclusiveStartKey: from }), { abortSignal }),
      ))
        await allThrough(deletes, items, async (Key) => {
          await begin().attempt((abortSignal) =>
            client.send(new DeleteItemCommand({ TableName, Key }), { abortSignal }),
          );
        });
    },
    close: () => client.destroy(),
  };
};
