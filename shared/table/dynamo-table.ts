import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  type KeysAndAttributes,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { TABLE_NAMES, TABLES, type TableName } from '../../schemas/tables.ts';
import type { EpochMs } from '../../schemas/time.ts';
import { connectDynamo, type DynamoOptions } from './dynamo-connection.ts';
import { allThrough, openGate } from './dynamo-gate.ts';
import { ATTRIBUTES, type Item, itemOf, keyOf, LIST_ATTRIBUTES, rowOfItem } from './dynamo-items.ts';
import { type Call, PartlyAnswered } from './dynamo-patience.ts';
import { TableClosed, TableUnavailable } from './table-errors.ts';
import { checkedList, checkKeys, rowsToStore, type StoredRow } from './table-rows.ts';
import { nameOf, type ListRequest, type Table, type TableKey, type TableRow } from './table.ts';

export type DynamoTableOptions = DynamoOptions & {
  /** Says what has expired. */
  readonly clock: () => EpochMs;
};

/** Of all puts together, and of all reads: so a burst of puts, which nobody waits for, does not hold up a reader. */
const PUTS_AT_ONCE = 32;
const READS_AT_ONCE = 64;
/** What BatchGetItem takes. A row is at most 70 KB, so a hundred stay under its 16 MB too. */
const KEYS_PER_REQUEST = 100;
/** What BatchWriteItem takes. */
const ROWS_PER_REQUEST = 25;

/** Names, for `version` and `ttl` are words that DynamoDB keeps for itself. */
const NAMES = { '#version': ATTRIBUTES.version, '#expires': ATTRIBUTES.expires };

/**
 * The tables in DynamoDB: one for each of the catalogue, rows of an account together, and a local index for each list. Local
 * and not global, for only a local one can be read consistently, as the port promises; its price, at most 10 GB per
 * account key, is far off: 400 days of one household are megabytes.
 */
export const openDynamoTable = (options: DynamoTableOptions): Table => {
  const { clock } = options;
  const dynamo = connectDynamo(options);
  const { client } = dynamo;
  const puts = openGate(PUTS_AT_ONCE);
  const reads = openGate(READS_AT_ONCE);
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;

  const call = async <T>(work: (call: Call) => Promise<T>): Promise<T> => {
    if (closing !== null) throw new TableClosed(dynamo.where);
    const working = work(dynamo.begin());
    underWay.add(working);
    try {
      return await working;
    } finally {
      underWay.delete(working);
    }
  };

  const putOne = (attempts: Call, row: StoredRow): Promise<void> =>
    attempts.attempt(async (abortSignal) => {
      const command = new PutItemCommand({
        TableName: dynamo.nameOf(row.table),
        Item: itemOf(row),
        // An expired row counts as none, whether DynamoDB has deleted it or not: that takes it up to days.
        ConditionExpression: 'attribute_not_exists(pk) OR #version < :version OR #expires <= :now',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: { ':version': { S: row.version }, ':now': { N: String(clock()) } },
      });
      try {
        await client.send(command, { abortSignal });
      } catch (error) {
        // A version that is not smaller is there: a newer one, or this very one where an answer was lost.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    });

  /** BatchWriteItem takes no conditions: it writes over what is there, which is the same row or none. */
  const putSome = async (attempts: Call, rows: readonly StoredRow[]): Promise<void> => {
    const requests: Record<string, WriteRequest[]> = {};
    for (const row of rows) (requests[dynamo.nameOf(row.table)] ??= []).push({ PutRequest: { Item: itemOf(row) } });
    await untilAllDone(attempts, requests, async (left, abortSignal) => {
      const answer = await client.send(new BatchWriteItemCommand({ RequestItems: left }), { abortSignal });
      return answer.UnprocessedItems;
    });
  };

  const read = (table: TableName, item: Item): TableRow => {
    try {
      return rowOfItem(table, item);
    } catch (cause) {
      throw new TableUnavailable(dynamo.where, { detail: `a row cannot be read: ${String(cause)}`, cause });
    }
  };

  /** The keys are different ones; the rows come in any order. */
  const getSome = async (attempts: Call, keys: readonly TableKey[]): Promise<readonly TableRow[]> => {
    const items = new Map<TableName, Item[]>(TABLE_NAMES.map((table) => [table, []]));
    const requests: Record<string, KeysAndAttributes> = {};
    for (const table of TABLE_NAMES) {
      const own = keys.filter((key) => key.table === table);
      if (own.length > 0) requests[dynamo.nameOf(table)] = { Keys: own.map(keyOf), ConsistentRead: true };
    }
    await untilAllDone(attempts, requests, async (left, abortSignal) => {
      const answer = await client.send(new BatchGetItemCommand({ RequestItems: left }), { abortSignal });
      for (const [table, found] of items) found.push(...(answer.Responses?.[dynamo.nameOf(table)] ?? []));
      return answer.UnprocessedKeys;
    });
    return [...items].flatMap(([table, found]) => found.map((item) => read(table, item)));
  };

  /** Up to `limit` rows that have not expired; with those that have, and a megabyte at a time, that may be many requests. */
  const query = async (
    attempts: Call,
    { table, key, below, limit }: ListRequest,
    which: 0 | 1,
  ): Promise<TableRow[]> => {
    const place = LIST_ATTRIBUTES[which];
    const rows: TableRow[] = [];
    let from: QueryCommandOutput['LastEvaluatedKey'];
    do {
      const command = new QueryCommand({
        TableName: dynamo.nameOf(table),
        IndexName: place,
        ConsistentRead: true,
        ScanIndexForward: false,
        KeyConditionExpression: below === null ? 'pk = :key' : 'pk = :key AND #place < :below',
        FilterExpression: '#expires > :now',
        ExpressionAttributeNames: {
          '#expires': ATTRIBUTES.expires,
          ...(below === null ? {} : { '#place': place }),
        },
        ExpressionAttributeValues: {
          ':key': { S: key },
          ':now': { N: String(clock()) },
          ...(below === null ? {} : { ':below': { S: below } }),
        },
        Limit: limit,
        ExclusiveStartKey: from,
      });
      const answer = await reads(() => attempts.attempt((abortSignal) => client.send(command, { abortSignal })));
      for (const item of answer.Items ?? []) rows.push(read(table, item));
      from = answer.LastEvaluatedKey;
    } while (from !== undefined && rows.length < limit);
    return rows.slice(0, limit);
  };

  const close = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    client.destroy();
  };

  return {
    put: (rows) =>
      call(async (attempts) => {
        const { once = [], newest = [] } = Object.groupBy(rowsToStore(rows), ({ table }) =>
          TABLES[table].immutable ? 'once' : 'newest',
        );
        const work = [
          ...newest.map((row) => () => putOne(attempts, row)),
          ...inPieces(once, ROWS_PER_REQUEST).map((piece) => () => putSome(attempts, piece)),
        ];
        await allThrough(puts, work, (one) => one());
      }),

    get: (keys) =>
      call(async (attempts) => {
        checkKeys(keys);
        const different = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
        const pieces = await allThrough(reads, inPieces(different, KEYS_PER_REQUEST), (piece) =>
          getSome(attempts, piece),
        );
        const found = new Map(pieces.flat().map((row) => [nameOf(row), row]));
        const now = clock();
        return keys.map((key) => {
          const row = found.get(nameOf(key));
          return row !== undefined && row.expiresAtMs > now ? row : null;
        });
      }),

    list: (request) =>
      call(async (attempts) => {
        const which = checkedList(request);
        // One more than asked for tells whether there is another page.
        const found = await query(attempts, { ...request, limit: request.limit + 1 }, which);
        const rows = found.slice(0, request.limit);
        return { rows, next: found.length > rows.length ? (rows.at(-1)?.places[request.list] ?? null) : null };
      }),

    close: () => (closing ??= close()),
  };
};

/** What is asked for of one table: keys to look up, or rows to write. */
type Requested = KeysAndAttributes | WriteRequest[];

const countOf = (requests: Readonly<Record<string, Requested>>): number =>
  Object.values(requests).reduce((sum, own) => sum + (Array.isArray(own) ? own : (own.Keys ?? [])).length, 0);

/** Asks again for what the service hands back undone, until there is nothing left. */
const untilAllDone = async <R extends Requested>(
  attempts: Call,
  requests: Readonly<Record<string, R>>,
  send: (left: Record<string, R>, abortSignal: AbortSignal) => Promise<Record<string, R> | undefined>,
): Promise<void> => {
  let left: Record<string, R> = requests;
  await attempts.attempt(async (abortSignal) => {
    const before = countOf(left);
    left = (await send(left, abortSignal)) ?? {};
    if (countOf(left) > 0) throw new PartlyAnswered(countOf(left) < before);
  });
};

const inPieces = <T>(all: readonly T[], size: number): (readonly T[])[] => {
  const pieces: (readonly T[])[] = [];
  for (let at = 0; at < all.length; at += size) pieces.push(all.slice(at, at + size));
  return pieces;
};
