import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type OwnDynamo, startOwnDynamo } from '../../tools/stack/own-dynamodb.ts';
import { TABLE_NAMES, type TableName } from '../../schemas/tables.ts';
import { epochMs } from '../../schemas/time.ts';
import { openDynamoAccounts } from './dynamo-accounts.ts';
import { openDynamoTable } from './dynamo-table.ts';
import { createDynamoTables, verifyDynamoTables } from './dynamo-tables.ts';
import { newAccount, rowIn, START_MS, tableContract } from './table.contract.ts';
import { TableMisconfigured } from './table-errors.ts';

let dynamo: OwnDynamo;
let client: DynamoDBClient;
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const at = (prefix: string) => ({ endpoint: dynamo.endpoint, region: 'eu-central-1', credentials, prefix });
beforeAll(async () => {
  dynamo = await startOwnDynamo();
  client = new DynamoDBClient(at(''));
  await createDynamoTables(at('playbeat'));
}, 90_000);
afterAll(async () => {
  client?.destroy();
  await dynamo?.stop();
});

tableContract({ name: 'the DynamoDB table', make: async (clock) => openDynamoTable({ ...at('playbeat'), clock }) });

describe('the DynamoDB table', () => {
  it('keeps a row under account key and id, with its time to live in seconds, rounded up', async () => {
    const table = openDynamoTable({ ...at('playbeat'), clock: () => epochMs(START_MS) });
    const key = newAccount();
    const row = rowIn(key, 'id', { expiresAtMs: epochMs(START_MS + 1_001), places: { history: '7' }, item: { n: 1 } });
    await table.put([row]);
    await table.close();
    const command = new GetItemCommand({
      TableName: 'playbeat-resume-positions',
      Key: { pk: { S: key }, sk: { S: 'id' } },
    });
    expect((await client.send(command)).Item).toEqual({
      pk: { S: key },
      sk: { S: 'id' },
      version: { S: '1' },
      list2: { S: '7' },
      expires: { N: '4000000001001' },
      ttl: { N: '4000000002' },
      item: { S: '{"n":1}' },
    });
  });

  it('keeps of an erased row its keys, its time to live and the place of the erasure, and nothing else', async () => {
    const table = openDynamoTable({ ...at('playbeat'), clock: () => epochMs(START_MS) });
    const key = newAccount();
    await table.put([rowIn(key, 'id', { places: { history: '7', 'in-progress': '8' }, item: { who: 'a viewer' } })]);
    await table.erase({ table: 'resume-positions', key, source: 5, untilMs: epochMs(START_MS + 1_001) });
    await table.close();
    const command = new QueryCommand({
      TableName: 'playbeat-resume-positions',
      KeyConditionExpression: 'pk = :key',
      ExpressionAttributeValues: { ':key': { S: key } },
    });
    expect((await client.send(command)).Items).toEqual([
      {
        pk: { S: key },
        sk: { S: 'id' },
        expires: { N: '4000000001001' },
        ttl: { N: '4000000002' },
        erased: { N: '5' },
        erasedUntil: { N: '4000000001001' },
      },
    ]);
  });

  it('lets go of a key for good, rows and tombstones, and counts the rows of each key', async () => {
    const clock = () => epochMs(START_MS);
    const table = openDynamoTable({ ...at('playbeat'), clock });
    const accounts = openDynamoAccounts(at('playbeat'));
    const [one, other] = [newAccount(), newAccount()];
    await table.put([rowIn(one, 'erased')]);
    await table.erase({ table: 'resume-positions', key: one, source: 5, untilMs: epochMs(START_MS + 1_001) });
    for (const key of [one, other])
      await table.put(Array.from({ length: 40 }, (_, i) => rowIn(key, `id-${i}`, { source: 6 })));
    const countOf = async () => {
      const rows = await accounts.rowsOfKeys('resume-positions');
      return [one, other].map((key) => rows.get(key));
    };
    expect(await countOf()).toEqual([40, 40]);
    await accounts.remove('resume-positions', one);
    await accounts.remove('resume-positions', one);
    expect(await countOf()).toEqual([undefined, 40]);
    const command = new QueryCommand({
      TableName: 'playbeat-resume-positions',
      KeyConditionExpression: 'pk = :key',
      ExpressionAttributeValues: { ':key': { S: one } },
    });
    expect((await client.send(command)).Count).toBe(0);
    await table.close();
    accounts.close();
  });

  it('installations with another prefix do not see each other', async () => {
    await createDynamoTables(at('other'));
    const clock = () => epochMs(START_MS);
    const [one, other] = [openDynamoTable({ ...at('playbeat'), clock }), openDynamoTable({ ...at('other'), clock })];
    const row = rowIn(newAccount(), 'a');
    await one.put([row]);
    expect(await one.get([row])).toEqual([row]);
    expect(await other.get([row])).toEqual([null]);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('verifying the DynamoDB tables', () => {
  const problems = async (prefix: string, tables: readonly TableName[]): Promise<readonly string[]> => {
    const error: unknown = await verifyDynamoTables(at(prefix), tables).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TableMisconfigured);
    return error instanceof TableMisconfigured ? error.problems : [];
  };
  const made: string[] = [];
  const make = async (TableName: string, of: Partial<CreateTableCommandInput>): Promise<void> => {
    made.push(TableName);
    await client.send(new CreateTableCommand({ TableName, BillingMode: 'PAY_PER_REQUEST', ...KEYS, ...of }));
  };
  afterEach(async () => {
    for (const TableName of made.splice(0)) await client.send(new DeleteTableCommand({ TableName }));
  });

  const string = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
  const pair = (first: string, second: string) => [
    { AttributeName: first, KeyType: 'HASH' as const },
    { AttributeName: second, KeyType: 'RANGE' as const },
  ];
  const KEYS = { AttributeDefinitions: [string('pk'), string('sk')], KeySchema: pair('pk', 'sk') };

  it('finds nothing in those that were made here, once or twice', async () => {
    await createDynamoTables(at('twice'));
    await createDynamoTables(at('twice'));
    await verifyDynamoTables(at('twice'));
    const command = new DescribeTimeToLiveCommand({ TableName: 'twice-views' });
    expect((await client.send(command)).TimeToLiveDescription).toMatchObject({ AttributeName: 'ttl' });
  });

  it('names those that are missing', async () => {
    expect(await problems('none', TABLE_NAMES)).toEqual(TABLE_NAMES.map((name) => `table none-${name} is missing`));
    expect(await problems('none', ['views'])).toEqual(['table none-views is missing']);
  });

  it('names other keys, indexes that are missing or others, and a time to live that is off or elsewhere', async () => {
    await make('wrong-resume-positions', {
      AttributeDefinitions: [string('pk'), string('sk'), string('list1')],
      LocalSecondaryIndexes: [
        { IndexName: 'list1', KeySchema: pair('pk', 'list1'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
    });
    await make('wrong-views', {
      AttributeDefinitions: [string('pk'), { AttributeName: 'sk', AttributeType: 'N' }],
    });
    const elsewhere = { AttributeName: 'expires', Enabled: true };
    await client.send(new UpdateTimeToLiveCommand({ TableName: 'wrong-views', TimeToLiveSpecification: elsewhere }));
    expect(await problems('wrong', ['resume-positions', 'views'])).toEqual([
      'index list1 of table wrong-resume-positions is pk HASH S, list1 RANGE S, KEYS_ONLY and not pk HASH S, list1 RANGE S, ALL: make it anew',
      'table wrong-resume-positions has no local index list2: make it anew with one',
      'table wrong-resume-positions does not expire rows: enable its time to live on the attribute ttl',
      'table wrong-views has the key pk HASH S, sk RANGE N and not pk HASH S, sk RANGE S: make it anew',
      'table wrong-views has no local index list1: make it anew with one',
      'table wrong-views does not expire rows: enable its time to live on the attribute ttl',
    ]);
  });
});
