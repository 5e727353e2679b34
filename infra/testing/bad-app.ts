import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnService, ContainerImage, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { CfnListener } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { gated } from '../gate.ts';

/** Does once each what no stack of ours may do, so that a test sees it found. */
const app = new App();
const stack = new Stack(app, 'bad');
const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
const task = new FargateTaskDefinition(stack, 'Task');
task.addContainer('careless', {
  image: ContainerImage.fromRegistry('nginx'),
  environment: { SESSION_TOKEN_KEY: 'in-the-open' },
});
task.addToTaskRolePolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }));
new CfnService(stack, 'Service', {
  launchType: 'FARGATE',
  taskDefinition: task.taskDefinitionArn,
  networkConfiguration: {
    awsvpcConfiguration: { assignPublicIp: 'ENABLED', subnets: vpc.publicSubnets.map(({ subnetId }) => subnetId) },
  },
});
new CfnListener(stack, 'Http', {
  loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/bad/1',
  port: 80,
  protocol: 'HTTP',
  defaultActions: [{ type: 'fixed-response', fixedResponseConfig: { statusCode: '404' } }],
});
new LogGroup(stack, 'Lines', { retention: RetentionDays.INFINITE, removalPolicy: RemovalPolicy.DESTROY });
gated(app);
