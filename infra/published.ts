import type { Construct } from 'constructs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Severity } from './alarm.ts';
import type { Stage } from './stages.ts';

/**
 * What a stack tells those that are deployed after it. They read it when they are deployed, so that no stack holds another one
 * fast as an export of CloudFormation would.
 */
export type Fact =
  | 'network/vpc-id'
  | 'network/private-subnets'
  | 'network/public-subnets'
  | 'data/kafka-arn'
  | 'data/kafka-group'
  | 'data/valkey-address'
  | 'data/valkey-group'
  | 'data/valkey-password'
  | 'data/pepper'
  | 'data/token-key'
  | 'platform/kafka-brokers'
  | 'platform/listener'
  | 'platform/balancer'
  | 'platform/balancer-group'
  | 'platform/heartbeats-listener'
  | 'platform/heartbeats-balancer'
  | 'platform/registry-url'
  | 'platform/registry-group'
  | `alarms/${Severity}`;

const nameOf = (stage: Stage, fact: Fact): string => `/${stage.prefix}/${fact}`;

export const publish = (scope: Construct, stage: Stage, facts: Partial<Record<Fact, string>>): void => {
  for (const [fact, value] of Object.entries(facts))
    new StringParameter(scope, `Fact-${fact}`, { parameterName: nameOf(stage, fact as Fact), stringValue: value });
};

export const readFact = (scope: Construct, stage: Stage, fact: Fact): string =>
  StringParameter.valueForStringParameter(scope, nameOf(stage, fact));
