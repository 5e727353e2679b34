import { Duration } from 'aws-cdk-lib';
import { type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, CpuArchitecture, FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { DnsRecordType, PrivateDnsNamespace } from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { serviceGroup, serviceLogs } from './container.ts';
import type { Stage } from './stages.ts';

export const REGISTRY_PORT = 8080;
const CPU = 256;
const MEMORY_MIB = 1024;

/**
 * The schema registry that the test stack runs. It keeps its schemas in memory: Playbeat waits for none, and registers them again
 * within 30 s of its restart. An id that readers have from before may then be another's; docs/how-to/deploy.md says so.
 */
export const addRegistry = (
  parent: Construct,
  stage: Stage,
  parts: { readonly cluster: Cluster; readonly vpc: IVpc },
) => {
  const scope = new Construct(parent, 'Registry');
  const namespace = new PrivateDnsNamespace(scope, 'Names', { name: `${stage.prefix}.internal`, vpc: parts.vpc });
  const task = new FargateTaskDefinition(scope, 'Task', {
    family: `${stage.prefix}-registry`,
    cpu: CPU,
    memoryLimitMiB: MEMORY_MIB,
    runtimePlatform: { cpuArchitecture: CpuArchitecture.X86_64 },
    volumes: [{ name: 'tmp' }],
  });
  const container = task.addContainer('Registry', {
    image: ContainerImage.fromRegistry(stage.settings.registryImage),
    portMappings: [{ containerPort: REGISTRY_PORT }],
    readonlyRootFilesystem: true,
    logging: serviceLogs(scope, stage, 'registry'),
  });
  // Java unpacks there what it loads.
  container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
  const group = serviceGroup(scope, parts.vpc.vpcId, 'The schema registry');
  const service = new FargateService(scope, 'Service', {
    cluster: Cluster.fromClusterAttributes(scope, 'Named', { clusterName: stage.prefix, vpc: parts.vpc }),
    serviceName: `${stage.prefix}-registry`,
    taskDefinition: task,
    desiredCount: 1,
    minHealthyPercent: 0,
    maxHealthyPercent: 100,
    circuitBreaker: { rollback: true },
    vpcSubnets: { subnets: parts.vpc.privateSubnets },
    securityGroups: [SecurityGroup.fromSecurityGroupId(scope, 'Grouped', group.attrGroupId, { mutable: false })],
    cloudMapOptions: {
      name: 'registry',
      cloudMapNamespace: namespace,
      dnsRecordType: DnsRecordType.A,
      dnsTtl: Duration.seconds(10),
    },
  });
  service.node.addDependency(parts.cluster);
  return { group, url: `http://registry.${stage.prefix}.internal:${REGISTRY_PORT}/apis/ccompat/v7` };
};
