import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type KeysAndAttributes,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { ATTRIBUTES, LIST_ATTRIBUTES } from '../../schemas/dynamo-layout.ts';
import { TABLE_NAMES, type TableName } from '../../schemas/tables.ts';
import { type EpochMs, SECOND_MS } from '../../schemas/time.ts';
import { connectDynamo, type DynamoOptions } from './dynamo-connection.ts';
import { allThrough, openGate } from './dynamo-gate.ts';
import { changeTo, type Item, keyOf, NAMES, rowOfItem } from './dynamo-items.ts';
import { type From, keysOfAccount, type Page, pages } from './dynamo-pages.ts';
import { type Call, PartlyAnswered } from './dynamo-patience.ts';
import { TableClosed, TableUnavailable } from './table-errors.ts';
import {
  checkedList,
  checkErasure,
  checkKeys,
  pageOf,
  rowsToStore,
  type StoredRow,
  type WhichList,
} from './table-rows.ts';
import { BY_ID, type Erasure, type ListRequest, nameOf, type Table, type TableKey, type TableRow } from './table.ts';

export type DynamoTableOptions = DynamoOptions & {
  /** Says what has expired. */
  readonly clock: () => EpochMs;
};

/** Of all puts together, and of all reads: so a burst of puts, which nobody waits for, does not hold up a reader. */
const PUTS_AT_ONCE = 32;
const READS_AT_ONCE = 64;
/** What BatchGetItem takes. A row is at most 70 KB, so a hundred stay under its 16 MB too. */
const KEYS_PER_REQUEST = 100;
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

  /** Refused by its condition, it has nothing to do: what is there is newer, or this very one where an answer was lost. */
  const update = (attempts: Call, command: UpdateItemCommandInput): Promise<void> =>
    attempts.attempt(async (abortSignal) => {
      try {
        await client.send(new UpdateItemCommand(command), { abortSignal });
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    });

  /** An update and no put of the whole item, for one that is put over a tombstone keeps what that refuses. */
  const putOne = (attempts: Call, row: StoredRow): Promise<void> => {
    const { set, remove, values } = changeTo(row);
    return update(attempts, {
      TableName: dynamo.nameOf(row.table),
      Key: keyOf(row),
      UpdateExpression: `SET ${set} ${remove}`,
      // An expired row counts as none, whether DynamoDB has deleted it or not: that takes it up to days.
      ConditionExpression:
        '(attribute_not_exists(#item) OR #version < :version OR #expires <= :now) ' +
        'AND (attribute_not_exists(#erased) OR #erased < :source OR #erasedUntil <= :now)',
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: { ...values, ':source': { N: String(row.source) }, ':now': { N: String(clock()) } },
    });
  };

  const eraseOne = (attempts: Call, { table, key, source, untilMs }: Erasure, id: string): Promise<void> =>
    update(attempts, {
      TableName: dynamo.nameOf(table),
      Key: keyOf({ key, id }),
      UpdateExpression:
        'SET #expires = :until, #ttl = :ttl, #erased = :source, #erasedUntil = :until REMOVE #item, #version, #list1, #list2',
      // What has gone meanwhile is not made again, and what has an erasure of later in the log is left alone.
      ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(#erased) OR #erased <= :source)',
      ExpressionAttributeNames: { ...NAMES, '#list1': LIST_ATTRIBUTES[0], '#list2': LIST_ATTRIBUTES[1] },
      ExpressionAttributeValues: {
        ':until': { N: String(untilMs) },
        ':ttl': { N: String(Math.ceil(untilMs / SECOND_MS)) },
        ':source': { N: String(source) },
      },
    });

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
    return [...items].flatMap(([table, found]) => found.filter(isRow).map((item) => read(table, item)));
  };

  const asked = (attempts: Call, command: QueryCommand): Promise<Page> =>
    reads(() => attempts.attempt((abortSignal) => client.send(command, { abortSignal })));

  /** Up to `limit` rows that have not expired; with those that have, and a megabyte at a time, that may be many requests. */
  const query = async (
    attempts: Call,
    { table, key, below, limit }: ListRequest,
    which: WhichList,
  ): Promise<TableRow[]> => {
    // The table itself is sorted by the ids.
    const place = which === BY_ID ? ATTRIBUTES.id : LIST_ATTRIBUTES[which];
    const rows: TableRow[] = [];
    const ask = (from: From): Promise<Page> => {
      const command = new QueryCommand({
        TableName: dynamo.nameOf(table),
        ...(which === BY_ID ? {} : { IndexName: place }),
        ConsistentRead: true,
        ScanIndexForward: false,
        KeyConditionExpression: below === null ? 'pk = :key' : 'pk = :key AND #place < :below',
        FilterExpression: '#expires > :now AND attribute_exists(#item)',
        ExpressionAttributeNames: {
          '#expires': ATTRIBUTES.expires,
          '#item': ATTRIBUTES.item,
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
      return asked(attempts, command);
    };
    for await (const items of pages(ask)) {
      for (const item of items) rows.push(read(table, item));
      if (rows.length >= limit) break;
    }
    return rows.slice(0, limit);
  };

  const close = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    client.destroy();
  };

  return {
    put: (rows) =>
      call(async (attempts) => {
        await allThrough(puts, rowsToStore(rows), (row) => putOne(attempts, row));
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
        return pageOf(request, await query(attempts, { ...request, limit: request.limit + 1 }, which));
      }),

    erase: (erasure) =>
      call(async (attempts) => {
        checkErasure(erasure);
        const keys = keysOfAccount(dynamo.nameOf(erasure.table), erasure.key);
        const found = pages((from) => asked(attempts, new QueryCommand({ ...keys, ExclusiveStartKey: from })));
        for await (const items of found) {
          const ids = items.map((item) => item[ATTRIBUTES.id]?.S ?? '');
          await allThrough(puts, ids, (id) => eraseOne(attempts, erasure, id));
        }
      }),

    close: () => (closing ??= close()),
  };
};

/** A tombstone has no item. */
const isRow = (item: Item): boolean => item[ATTRIBUTES.item] !== undefined;

type Requests = Readonly<Record<string, KeysAndAttributes>>;
const countOf = (requests: Requests): number =>
  Object.values(requests).reduce((sum, { Keys = [] }) => sum + Keys.length, 0);

/** Asks again for what the service hands back undone, until there is nothing left. */
const untilAllDone = async (
  attempts: Call,
  requests: Requests,
  send: (left: Requests, abortSignal: AbortSignal) => Promise<Requests | undefined>,
): Promise<void> => {
  let left = requests;
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
