import type { QueryCommandInput, QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Item } from './dynamo-items.ts';

export type Page = Pick<QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>;
export type From = Page['LastEvaluatedKey'];

/** What a query or a scan finds, page by page, for as long as somebody wants more. */
export async function* pages(ask: (from: From) => Promise<Page>): AsyncGenerator<readonly Item[]> {
  let from: From;
  do {
    const page = await ask(from);
    yield page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

const KEYS_PER_PAGE = 100;

/** Asks for the keys of all items of an account, tombstones and expired rows among them. */
export const keysOfAccount = (TableName: string, key: string): QueryCommandInput => ({
  TableName,
  ConsistentRead: true,
  KeyConditionExpression: 'pk = :key',
  ExpressionAttributeValues: { ':key': { S: key } },
  ProjectionExpression: 'pk, sk',
  Limit: KEYS_PER_PAGE,
});
