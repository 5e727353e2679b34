import { type App, Fn, Stack } from 'aws-cdk-lib';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { addBalancer } from '../balancer.ts';
import { brokerAddresses } from '../broker-addresses.ts';
import { readNetwork } from '../network-read.ts';
import { publish, readFact } from '../published.ts';
import { addRegistry } from '../registry.ts';
import type { Stage } from '../stages.ts';

/** What the services stand on, and may be made anew without a record lost. */
export const platformStack = (app: App, stage: Stage): Stack => {
  const { account, region, zones } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-platform`, { env: { account, region } });
  const { vpc } = readNetwork(stack, stage);
  const cluster = new Cluster(stack, 'Cluster', {
    clusterName: stage.prefix,
    vpc,
    containerInsightsV2: ContainerInsights.ENABLED,
  });
  const publicSubnets = Fn.split(',', readFact(stack, stage, 'network/public-subnets'), zones).slice(0, zones);
  const { ways, group } = addBalancer(stack, stage, { vpcId: vpc.vpcId, publicSubnets });
  const registry = addRegistry(stack, stage, { cluster, vpc });
  publish(stack, stage, {
    'platform/kafka-brokers': brokerAddresses(stack, stage, readFact(stack, stage, 'data/kafka-arn')),
    ...Object.fromEntries(
      ways.flatMap(({ way, balancer, listener }) => [
        [way.listener, listener.ref],
        [way.balancer, balancer.attrLoadBalancerFullName],
      ]),
    ),
    'platform/balancer-group': group.attrGroupId,
    'platform/registry-url': registry.url,
    'platform/registry-group': registry.group.attrGroupId,
  });
  return stack;
};
