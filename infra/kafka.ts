import { ArnFormat, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnCluster, CfnConfiguration, CfnTopic } from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { kafkaSettingsOf } from '../schemas/kafka-settings.ts';
import { MOVING_TOPICS, partitionsOf, TOPICS, type Topic, type TopicName } from '../schemas/topics.ts';
import { NO_EGRESS } from './network-read.ts';
import { brokersOf, generationOf, replicasOf } from './settings.ts';
import type { Stage } from './stages.ts';

/** Of MSK, with TLS and IAM. */
export const KAFKA_PORT = 9098;

/** What Standard brokers have otherwise: they lose records of a partition rather than let it wait. */
const BROKER_SETTINGS = 'auto.create.topics.enable=false\nunclean.leader.election.enable=false\n';

const topicNames = Object.keys(TOPICS) as TopicName[];

type Kafka = { readonly cluster: CfnCluster; readonly group: CfnSecurityGroup };
type Place = { readonly vpcId: string; readonly subnets: string[] };

export const addKafka = (scope: Construct, stage: Stage, { vpcId, subnets }: Place): Kafka => {
  const { kafka, logDays } = stage.settings;
  const group = new CfnSecurityGroup(scope, 'KafkaGroup', {
    vpcId,
    groupDescription: 'Brokers: each service lets itself in',
    securityGroupEgress: NO_EGRESS,
  });
  const logs = new LogGroup(scope, 'KafkaLog', {
    logGroupName: `/${stage.prefix}/kafka`,
    retention: logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const small = kafka.profile === 'small' ? kafka : null;
  const configuration =
    small === null
      ? null
      : new CfnConfiguration(scope, 'KafkaConfiguration', {
          name: stage.prefix,
          serverProperties: BROKER_SETTINGS,
        });
  const cluster = new CfnCluster(scope, 'Kafka', {
    clusterName: stage.prefix,
    kafkaVersion: kafka.version,
    numberOfBrokerNodes: brokersOf(stage.settings),
    brokerNodeGroupInfo: {
      clientSubnets: subnets,
      instanceType: kafka.instance,
      securityGroups: [group.attrGroupId],
      ...(small === null ? {} : { storageInfo: { ebsStorageInfo: { volumeSize: small.gibPerBroker } } }),
    },
    ...(configuration === null ? {} : { configurationInfo: { arn: configuration.attrArn, revision: 1 } }),
    clientAuthentication: { sasl: { iam: { enabled: true } }, unauthenticated: { enabled: false } },
    encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
    enhancedMonitoring: 'PER_TOPIC_PER_BROKER',
    loggingInfo: { brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: logs.logGroupName } } },
  });
  cluster.applyRemovalPolicy(RemovalPolicy.RETAIN);
  // Those of a later generation are made by the move, which also deletes those of before.
  const moved: readonly TopicName[] = generationOf(stage.settings) === 1 ? [] : MOVING_TOPICS;
  for (const name of topicNames.filter((one) => !moved.includes(one))) {
    const replicas = replicasOf(stage.settings);
    const topic = new CfnTopic(scope, `Topic-${name}`, {
      clusterArn: cluster.ref,
      topicName: name,
      partitionCount: partitionsOf(name, stage.settings.partitions),
      replicationFactor: replicas,
      configs: Buffer.from(propertiesOf(TOPICS[name], replicas)).toString('base64'),
    });
    topic.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
  return { cluster, group };
};

const propertiesOf = (topic: Topic, replicas: number): string =>
  Object.entries(kafkaSettingsOf(topic, replicas))
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

/** The ARN by which IAM knows a topic or a consumer group of the cluster. */
export const kafkaArns = (scope: Construct, stage: Stage, clusterArn: string) => {
  // arn:aws:kafka:region:account:cluster/name/uuid
  const uuid = Fn.select(2, Fn.split('/', clusterArn));
  const arn = (resource: string, name: string): string =>
    Stack.of(scope).formatArn({
      service: 'kafka',
      resource,
      resourceName: `${stage.prefix}/${uuid}/${name}`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  return { topic: (name: string): string => arn('topic', name), group: (name: string): string => arn('group', name) };
};
