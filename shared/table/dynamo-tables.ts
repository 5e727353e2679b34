import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type KeySchemaElement,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { ATTRIBUTES, listsOf } from '../../schemas/dynamo-layout.ts';
import { TABLE_NAMES, type TableName } from '../../schemas/tables.ts';
import { connectDynamo, type DynamoConnection, type DynamoOptions } from './dynamo-connection.ts';
import { reasonOf } from './dynamo-patience.ts';
import { TableMisconfigured, TableUnavailable } from './table-errors.ts';

/** How the DynamoDB tables of the catalogue are made, and how a service finds out that they were made otherwise. */

const CREATED_SECONDS = 60;

const keySchema = (sortKey: string): KeySchemaElement[] => [
  { AttributeName: ATTRIBUTES.key, KeyType: 'HASH' },
  { AttributeName: sortKey, KeyType: 'RANGE' },
];

/** Makes what is missing; for a stack on one machine and for tests. Elsewhere tables come from the infrastructure's code. */
export const createDynamoTables = async (
  options: DynamoOptions,
  tables: readonly TableName[] = TABLE_NAMES,
): Promise<void> => {
  const dynamo = connectDynamo(options);
  try {
    for (const table of tables) await createTable(dynamo, table);
  } catch (cause) {
    throw new TableUnavailable(dynamo.where, { detail: `a table cannot be made: ${reasonOf(cause)}`, cause });
  } finally {
    dynamo.client.destroy();
  }
};

const createTable = async ({ client, nameOf }: DynamoConnection, table: TableName): Promise<void> => {
  const TableName = nameOf(table);
  const lists = listsOf(table);
  const attributes = [ATTRIBUTES.key, ATTRIBUTES.id, ...lists];
  const command = new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    KeySchema: keySchema(ATTRIBUTES.id),
    // A row that stands in a list lies in its index whole, so that a page is one request.
    LocalSecondaryIndexes:
      lists.length === 0
        ? undefined
        : lists.map((list) => ({
            IndexName: list,
            KeySchema: keySchema(list),
            Projection: { ProjectionType: 'ALL' },
          })),
  });
  try {
    await client.send(command);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: CREATED_SECONDS, minDelay: 1, maxDelay: 2 }, { TableName });
  const { TimeToLiveDescription: ttl } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  if (ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING') return;
  const specification = { AttributeName: ATTRIBUTES.ttl, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: specification }));
};

/** Resolves when all tables are as they must be; else `TableMisconfigured` names all that is missing or wrong. */
export const verifyDynamoTables = async (
  options: DynamoOptions,
  tables: readonly TableName[] = TABLE_NAMES,
): Promise<void> => {
  const dynamo = connectDynamo(options);
  try {
    const problems = await Promise.all(tables.map((table) => problemsOf(dynamo, table)));
    if (problems.flat().length > 0) throw new TableMisconfigured(dynamo.where, problems.flat());
  } finally {
    dynamo.client.destroy();
  }
};

const problemsOf = async (dynamo: DynamoConnection, table: TableName): Promise<readonly string[]> => {
  const { client, begin } = dynamo;
  const TableName = dynamo.nameOf(table);
  const described = await begin().attempt(async (abortSignal) => {
    try {
      return (await client.send(new DescribeTableCommand({ TableName }), { abortSignal })).Table ?? null;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return null;
      throw error;
    }
  });
  if (described === null) return [`table ${TableName} is missing`];
  const { TimeToLiveDescription: ttl } = await begin().attempt((abortSignal) =>
    client.send(new DescribeTimeToLiveCommand({ TableName }), { abortSignal }),
  );
  const expires = ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING';
  return [
    ...keyProblems(described, TableName),
    ...listsOf(table).flatMap((list) => indexProblems(described, { list, TableName })),
    ...(expires && ttl?.AttributeName === ATTRIBUTES.ttl
      ? []
      : [`table ${TableName} does not expire rows: enable its time to live on the attribute ${ATTRIBUTES.ttl}`]),
  ];
};

const keyProblems = (described: TableDescription, TableName: string): readonly string[] => {
  const keys = keysText(described, described.KeySchema);
  const wanted = `${ATTRIBUTES.key} HASH S, ${ATTRIBUTES.id} RANGE S`;
  return keys === wanted ? [] : [`table ${TableName} has the key ${keys} and not ${wanted}: make it anew`];
};

const indexProblems = (
  described: TableDescription,
  { list, TableName }: { readonly list: string; readonly TableName: string },
): readonly string[] => {
  const index = described.LocalSecondaryIndexes?.find(({ IndexName }) => IndexName === list);
  // DynamoDB adds local indexes to no table that there is.
  if (index === undefined) return [`table ${TableName} has no local index ${list}: make it anew with one`];
  const is = `${keysText(described, index.KeySchema)}, ${index.Projection?.ProjectionType}`;
  const wanted = `${ATTRIBUTES.key} HASH S, ${list} RANGE S, ALL`;
  return is === wanted ? [] : [`index ${list} of table ${TableName} is ${is} and not ${wanted}: make it anew`];
};

const keysText = (described: TableDescription, keys: KeySchemaElement[] | undefined): string => {
  const typeOf = (name: string | undefined): string | undefined =>
    described.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  return (keys ?? []).map((key) => `${key.AttributeName} ${key.KeyType} ${typeOf(key.AttributeName)}`).join(', ');
};
