import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import type { Stage } from './stages.ts';

const ANSWER = 'BootstrapBrokerStringSaslIam';

/** CloudFormation does not know them: MSK is asked, when the stack is made and when the cluster is another one. */
export const brokerAddresses = (scope: Construct, stage: Stage, clusterArn: string): string => {
  const logGroup = new LogGroup(scope, 'BrokerAddressesLog', {
    logGroupName: `/${stage.prefix}/broker-addresses`,
    retention: stage.settings.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const call = {
    service: '@aws-sdk/client-kafka',
    action: 'GetBootstrapBrokers',
    parameters: { ClusterArn: clusterArn },
    physicalResourceId: PhysicalResourceId.of(`${stage.prefix}-brokers`),
    outputPaths: [ANSWER],
  };
  return new AwsCustomResource(scope, 'BrokerAddresses', {
    resourceType: 'Custom::BrokerAddresses',
    onCreate: call,
    onUpdate: call,
    policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [clusterArn] }),
    installLatestAwsSdk: false,
    logGroup,
  }).getResponseField(ANSWER);
};
