import { fileURLToPath } from 'node:url';
import { RemovalPolicy, Size } from 'aws-cdk-lib';
import { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriverMode,
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  type LogDriver,
  LogDrivers,
} from 'aws-cdk-lib/aws-ecs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ServiceSize } from './settings.ts';
import type { Stage } from './stages.ts';

/** When it is full, lines are dropped and calls go on: logs are no record of what happened. */
const LOG_BUFFER = Size.mebibytes(4);

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A task of the one image, which runs on ARM. */
export const newTask = (
  scope: Construct,
  stage: Stage,
  name: string,
  { cpu, memoryMib }: Pick<ServiceSize, 'cpu' | 'memoryMib'>,
): FargateTaskDefinition =>
  new FargateTaskDefinition(scope, 'Task', {
    family: `${stage.prefix}-${name}`,
    cpu,
    memoryLimitMiB: memoryMib,
    runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64 },
  });

/** What is the same of every container of it: nothing that it could write to, a first process that passes signals on, and its log. */
export const containerOf = (scope: Construct, stage: Stage, name: string) => ({
  containerName: name,
  image: ContainerImage.fromAsset(ROOT, { platform: Platform.LINUX_ARM64 }),
  readonlyRootFilesystem: true,
  linuxParameters: new LinuxParameters(scope, 'Linux', { initProcessEnabled: true }),
  logging: serviceLogs(scope, stage, name),
});

export const serviceLogs = (scope: Construct, stage: Stage, name: string): LogDriver =>
  LogDrivers.awsLogs({
    streamPrefix: name,
    mode: AwsLogDriverMode.NON_BLOCKING,
    maxBufferSize: LOG_BUFFER,
    logGroup: new LogGroup(scope, 'Log', {
      logGroupName: `/${stage.prefix}/${name}`,
      retention: stage.settings.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    }),
  });

/** Of a service’s tasks: AWS’s own interfaces are called over HTTPS, all else is let in one by one. */
export const serviceGroup = (scope: Construct, vpcId: string, what: string): CfnSecurityGroup =>
  new CfnSecurityGroup(scope, 'Group', {
    vpcId,
    groupDescription: what,
    securityGroupEgress: [
      {
        ipProtocol: 'tcp',
        fromPort: 443,
        toPort: 443,
        cidrIp: '0.0.0.0/0',
        description: 'AWS, and the keys that tokens are verified with',
      },
    ],
  });
