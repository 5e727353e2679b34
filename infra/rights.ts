import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { listsOf } from '../schemas/dynamo-layout.ts';
import { groupsOf, type Role, type RoleName, ROLES } from '../services/roles.ts';
import { MOVING_TOPICS, topicNameIn, TOPICS, type TopicName } from '../schemas/topics.ts';
import { kafkaArns } from './kafka.ts';
import { generationOf } from './settings.ts';
import type { Stage } from './stages.ts';
import { tableNameOf } from './tables.ts';

/** What the tables are asked. */
export const ROW_ACTIONS = ['DescribeTable', 'DescribeTimeToLive', 'UpdateItem', 'BatchGetItem', 'Query'];

/** What a role may do, from what it consumes, produces and keeps. Nobody writes a permission by hand. */
export const rightsOf = (scope: Construct, stage: Stage, name: RoleName, clusterArn: string): PolicyStatement[] => {
  const arns = kafkaArns(scope, stage, clusterArn);
  const generation = generationOf(stage.settings);
  const topics = (names: readonly TopicName[], of = generation): string[] =>
    names.map((name) => arns.topic(topicNameIn(name, of)));
  const tableArn = (resourceName: string): string =>
    Stack.of(scope).formatArn({
      service: 'dynamodb',
      resource: 'table',
      resourceName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  return [
    allow('Connect', ['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster'], [clusterArn]),
    // Every service checks all topics when it starts, and makes none. It finds out whether the log was moved, and whether to the end.
    allow(
      'VerifyTopics',
      ['kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration'],
      [
        ...topics(Object.keys(TOPICS) as TopicName[]),
        ...[generation - 1, generation + 1].filter((of) => of > 0).flatMap((of) => topics(MOVING_TOPICS, of)),
      ],
    ),
    allow('Read', ['kafka-cluster:ReadData'], topics(readBy(name))),
    allow('Write', ['kafka-cluster:WriteData'], topics(ROLES[name].produces)),
    // What is sent twice is stored once: Kafka has that right for the cluster alone.
    allow('WriteOnce', ['kafka-cluster:WriteDataIdempotently'], ROLES[name].produces.length === 0 ? [] : [clusterArn]),
    allow('Groups', ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], groupsOf(name).map(arns.group)),
    allow(
      'Rows',
      ROW_ACTIONS.map((action) => `dynamodb:${action}`),
      ROLES[name].tables.map((table) => tableArn(tableNameOf(stage, table))),
    ),
    // An index is asked by a name of its own.
    allow(
      'Lists',
      ['dynamodb:Query'],
      ROLES[name].tables.flatMap((table) =>
        listsOf(table).map((list) => tableArn(`${tableNameOf(stage, table)}/index/${list}`)),
      ),
    ),
  ].flat();
};

const allow = (sid: string, actions: string[], resources: string[]): PolicyStatement[] =>
  resources.length === 0 ? [] : [new PolicyStatement({ sid, actions, resources })];

/** What it consumes, and of what it produces the topics with one partition: those it reads back whole. */
export const readBy = (name: RoleName): readonly TopicName[] => {
  const { consumes, produces }: Role = ROLES[name];
  return [...new Set([...consumes, ...produces.filter((topic) => TOPICS[topic].partitions === 'single')])];
};
