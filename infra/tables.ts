import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { ATTRIBUTES, listsOf } from '../schemas/dynamo-layout.ts';
import { TABLE_NAMES, type TableName } from '../schemas/tables.ts';
import type { Stage } from './stages.ts';

export const tableNameOf = (stage: Stage, table: TableName): string => `${stage.prefix}-${table}`;

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** The tables of the catalogue, as the services want to find them. */
export const addTables = (scope: Construct, stage: Stage): readonly Table[] =>
  TABLE_NAMES.map((name) => {
    const table = new Table(scope, `Table-${name}`, {
      tableName: tableNameOf(stage, name),
      partitionKey: text(ATTRIBUTES.key),
      sortKey: text(ATTRIBUTES.id),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: ATTRIBUTES.ttl,
      deletionProtection: stage.settings.protected,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const list of listsOf(name))
      table.addLocalSecondaryIndex({ indexName: list, sortKey: text(list), projectionType: ProjectionType.ALL });
    return table;
  });
