import { type App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Secret as EcsSecret } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { containerOf, newTask, serviceGroup } from '../container.ts';
import { readNetwork } from '../network-read.ts';
import type { Stage } from '../stages.ts';

/** The synthetic household: a task of half a minute, every five minutes, that calls from outside as players do. */
export const householdStack = (app: App, stage: Stage): Stack => {
  const { account, region, household, url, firewall } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-household`, { env: { account, region } });
  const { vpc, subnets } = readNetwork(stack, stage);
  // Made here with something in it; whoever runs the identity provider puts the right one in.
  const secret = new Secret(stack, 'Secret', {
    secretName: `${stage.prefix}/household-secret`,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const task = newTask(stack, stage, 'household', { cpu: 256, memoryMib: 512 });
  task.addContainer('Household', {
    ...containerOf(stack, stage, 'household'),
    entryPoint: ['node', 'services/household.ts'],
    command: [
      ...(firewall === undefined ? [] : ['--heartbeats-url', firewall.heartbeatsUrl]),
      ...['--url', url, '--limit', String(household.limit), '--namespace', stage.prefix],
      ...['--token-url', household.tokenUrl, '--client-id', household.clientId],
    ],
    secrets: {
      HOUSEHOLD_SECRET: EcsSecret.fromSecretsManager(Secret.fromSecretCompleteArn(stack, 'Read', secret.secretArn)),
    },
  });
  const group = serviceGroup(stack, vpc.vpcId, 'The synthetic household');
  const starter = new Role(stack, 'Starter', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
  starter.addToPolicy(new PolicyStatement({ actions: ['ecs:RunTask'], resources: [task.taskDefinitionArn] }));
  const roles = [task.taskRole.roleArn, task.obtainExecutionRole().roleArn];
  starter.addToPolicy(new PolicyStatement({ actions: ['iam:PassRole'], resources: roles }));
  const clusterArn = stack.formatArn({ service: 'ecs', resource: 'cluster', resourceName: stage.prefix });
  new CfnSchedule(stack, 'Schedule', {
    name: `${stage.prefix}-household`,
    scheduleExpression: 'rate(5 minutes)',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: clusterArn,
      roleArn: starter.roleArn,
      ecsParameters: {
        taskDefinitionArn: task.taskDefinitionArn,
        launchType: 'FARGATE',
        propagateTags: 'TASK_DEFINITION',
        networkConfiguration: {
          awsvpcConfiguration: { subnets, securityGroups: [group.attrGroupId], assignPublicIp: 'DISABLED' },
        },
      },
      // The next round comes soon enough.
      retryPolicy: { maximumRetryAttempts: 0 },
    },
  });
  return stack;
};
