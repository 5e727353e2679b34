import { type App, Duration, Stack } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { AlarmBehavior, Cluster, FargateService, PropagatedTagSource } from 'aws-cdk-lib/aws-ecs';
import { type RoleName, ROLES } from '../../services/roles.ts';
import { addAlarms, takingBack } from '../alarm-resources.ts';
import { containerOf, newTask, serviceGroup } from '../container.ts';
import { environmentOf, secretsOf } from '../environment.ts';
import { KAFKA_PORT } from '../kafka.ts';
import { allow, readNetwork } from '../network-read.ts';
import { placesOf } from '../places.ts';
import { HEALTH_COMMAND, PORT } from '../ports.ts';
import { readFact } from '../published.ts';
import { REGISTRY_PORT } from '../registry.ts';
import { rightsOf } from '../rights.ts';
import { addRoutes } from '../routes.ts';
import { addScaling } from '../scaling.ts';
import { runs, sizeOf } from '../settings.ts';
import type { Stage } from '../stages.ts';
import { VALKEY_PORT } from '../valkey.ts';

/** Longer than the balancer needs to forget a task and the service to answer what is in flight; Fargate waits 120 s at most. */
const STOP = Duration.seconds(60);
/** Kafka, Redis and the topics are found and checked meanwhile. */
const START = Duration.seconds(60);

/** One role as a service of its own. */
export const serviceStack = (app: App, stage: Stage, role: RoleName): Stack => {
  const { account, region } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-${role}`, { env: { account, region } });
  const { vpc } = readNetwork(stack, stage);
  const fact = (name: Parameters<typeof readFact>[2]): string => readFact(stack, stage, name);

  const task = newTask(stack, stage, role, sizeOf(stage.settings, role));
  task.addContainer('Role', {
    ...containerOf(stack, stage, role),
    command: [role],
    environment: { ...environmentOf(stack, stage, role) },
    secrets: secretsOf(stack, stage),
    portMappings: [{ containerPort: PORT }],
    healthCheck: {
      command: ['CMD', ...HEALTH_COMMAND],
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: START,
    },
    stopTimeout: STOP,
  });
  for (const statement of rightsOf(stack, stage, role, fact('data/kafka-arn'))) task.addToTaskRolePolicy(statement);

  const group = serviceGroup(stack, vpc.vpcId, `Tasks of ${role}`);
  const from = group.attrGroupId;
  const reach = (id: string, to: Parameters<typeof readFact>[2], port: number): void =>
    allow(stack, id, { from, to: fact(to), port, why: `${role} to ${id}` });
  reach('Kafka', 'data/kafka-group', KAFKA_PORT);
  reach('Valkey', 'data/valkey-group', VALKEY_PORT);
  reach('Registry', 'platform/registry-group', REGISTRY_PORT);

  const here = runs(stage.settings, role);
  const alarmNames = here ? takingBack(stage, role) : [];
  const service = new FargateService(stack, 'Service', {
    cluster: Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: stage.prefix, vpc }),
    serviceName: `${stage.prefix}-${role}`,
    taskDefinition: task,
    // What scales knows how many; a deployment at the peak must not take them away.
    ...(here ? {} : { desiredCount: 0 }),
    // A new task is there before an old one goes.
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    circuitBreaker: { rollback: true },
    ...(alarmNames.length === 0 ? {} : { deploymentAlarms: { alarmNames, behavior: AlarmBehavior.ROLLBACK_ON_ALARM } }),
    vpcSubnets: { subnets: vpc.privateSubnets },
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Grouped', from, { mutable: false })],
    enableECSManagedTags: true,
    propagateTags: PropagatedTagSource.SERVICE,
    ...(ROLES[role].serves.length === 0 ? {} : { healthCheckGracePeriod: START }),
  });
  const reached = addRoutes(stack, stage, { role, service, vpc, group: from });
  for (const { way, targets } of reached) {
    const known = { balancer: fact(way.balancer), targets: targets.targetGroupFullName };
    const served = placesOf(stage, known)
      .served.filter(({ id }) => id === role)
      .map((place) => ({ ...place, id: [role, way.name].filter(Boolean).join('-') }));
    addAlarms(stack, { stage, places: { served }, topicOf: (severity) => fact(`alarms/${severity}`) });
  }
  if (here) addScaling(stack, stage, { role, service, reached });
  return stack;
};
