import { type Stack, Validations } from 'aws-cdk-lib';

/** Findings of cdk-nag that stay: in which stack, and why. */
export type Acknowledged = { readonly stack: RegExp; readonly id: string; readonly reason: string };

const SERVICES = /-(?!network$|data$|platform$)[a-z-]+$/;

export const ACKNOWLEDGED: readonly Acknowledged[] = [
  {
    stack: /-data$/,
    id: 'AwsSolutions::AwsSolutions-SMG4',
    reason:
      'Another pepper is another household for everybody; the token key is changed by hand, with the old one beside it; the password of ' +
      'Valkey is changed by a deployment.',
  },
  {
    stack: /-data$/,
    id: 'AwsSolutions::AwsSolutions-AEC6',
    reason: 'Users with rights of their own take the place of the one password for everybody that is asked for.',
  },
  {
    stack: /-data$/,
    id: 'AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]',
    reason: 'AWS Backup copies the tables with the rights that AWS gives it for that.',
  },
  {
    stack: /-household$/,
    id: 'AwsSolutions::AwsSolutions-SMG4',
    reason: 'The identity provider gives the secret of the synthetic household, and it is changed there first.',
  },
  {
    stack: /-platform$/,
    id: 'AwsSolutions::AwsSolutions-EC23',
    reason: 'The load balancer is there for players, who are anywhere; its one open port is 443.',
  },
  {
    stack: /-platform$/,
    id: 'AwsSolutions::AwsSolutions-ELB2',
    reason: 'Ids of accounts stand in paths: an access log would keep them longer than Playbeat does.',
  },
  {
    stack: /-platform$/,
    id: 'AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    reason: 'The function that asks MSK for its addresses writes its own log, and the CDK gives it that policy.',
  },
  {
    stack: SERVICES,
    id: 'AwsSolutions::AwsSolutions-ECS2',
    reason:
      'Variables hold addresses and sizes; what is secret comes from Secrets Manager, which a check of our own holds.',
  },
  {
    stack: SERVICES,
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason: 'Of ecr:GetAuthorizationToken alone, which ECS calls to fetch the image and which knows no resource.',
  },
  {
    stack: /-(?!network$)[a-z-]+$/,
    id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
    reason: 'Subnets are read by their ids, and nothing here asks for their routes.',
  },
];

export const acknowledge = (stacks: readonly Stack[]): void => {
  for (const stack of stacks)
    for (const { id, reason } of ACKNOWLEDGED.filter((one) => one.stack.test(stack.stackName)))
      Validations.of(stack).acknowledge({ id, reason });
};
