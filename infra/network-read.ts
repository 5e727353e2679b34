import { Fn, Stack } from 'aws-cdk-lib';
import { CfnSecurityGroupEgress, CfnSecurityGroupIngress, type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { readFact } from './published.ts';
import type { Stage } from './stages.ts';

/** The network as those stacks see it that lie in it. */
export const readNetwork = (scope: Construct, stage: Stage): { readonly vpc: IVpc; readonly subnets: string[] } => {
  const { zones } = stage.settings;
  const all = Fn.split(',', readFact(scope, stage, 'network/private-subnets'), zones);
  const subnets = all.slice(0, zones);
  const vpc = Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId: readFact(scope, stage, 'network/vpc-id'),
    availabilityZones: Stack.of(scope).availabilityZones.slice(0, zones),
    privateSubnetIds: subnets,
  });
  return { vpc, subnets };
};

/** A group without a rule of its own for what goes out may call everything: this one leads nowhere. */
export const NO_EGRESS = [
  { ipProtocol: 'icmp', fromPort: 252, toPort: 86, cidrIp: '255.255.255.255/32', description: 'Nowhere' },
];

type Pair = { readonly from: string; readonly to: string; readonly port: number; readonly why: string };

/** One group may call another on one port; both ends are in the stack that asks. */
export const allow = (scope: Construct, id: string, { from, to, port, why }: Pair): void => {
  const rule = { ipProtocol: 'tcp', fromPort: port, toPort: port, description: why };
  new CfnSecurityGroupIngress(scope, `${id}In`, { ...rule, groupId: to, sourceSecurityGroupId: from });
  new CfnSecurityGroupEgress(scope, `${id}Out`, { ...rule, groupId: from, destinationSecurityGroupId: to });
};
