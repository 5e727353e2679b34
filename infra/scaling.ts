import { Duration } from 'aws-cdk-lib';
import {
  AdjustmentType,
  PredefinedMetric,
  ScalableTarget,
  Schedule,
  ServiceNamespace,
} from 'aws-cdk-lib/aws-applicationautoscaling';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { topicNameIn } from '../schemas/topics.ts';
import { groupsOf, type RoleName, ROLES } from '../services/roles.ts';
import { readFact } from './published.ts';
import type { Reached } from './routes.ts';
import { generationOf, sizeOf } from './settings.ts';
import type { Stage } from './stages.ts';
import { idOf } from './ways.ts';

/** A loop that is busy for more answers late. */
const CPU_PERCENT = 55;
/** Of one task in a minute; the bench answers some 5,000 beats a second on one core, and a core has other work. */
const CALLS_PER_TARGET = 120_000;
/** Each step moves partitions, which takes some seconds: not for less than is worth it. */
const LAG_STEPS_S = [
  { upper: 2, change: -1 },
  { lower: 10, change: 1 },
  { lower: 60, change: 3 },
];
const SLOW = Duration.minutes(15);

type Scaled = {
  readonly role: RoleName;
  readonly service: FargateService;
  readonly reached: readonly Reached[];
};

export const addScaling = (scope: Construct, stage: Stage, { role, service, reached }: Scaled): void => {
  const { least, most } = sizeOf(stage.settings, role);
  const scaled = new ScalableTarget(scope, 'Tasks', {
    serviceNamespace: ServiceNamespace.ECS,
    resourceId: `service/${stage.prefix}/${service.serviceName}`,
    scalableDimension: 'ecs:service:DesiredCount',
    minCapacity: least,
    maxCapacity: most,
  });
  if (stage.event !== null) {
    scaled.scaleOnSchedule('EventBegins', { schedule: Schedule.at(stage.event.from), minCapacity: most });
    scaled.scaleOnSchedule('EventEnds', { schedule: Schedule.at(stage.event.until), minCapacity: least });
  }
  const [group] = groupsOf(role);
  const [topic] = ROLES[role].consumes;
  if (group !== undefined && topic !== undefined) {
    const lag = new Metric({
      namespace: 'AWS/Kafka',
      metricName: 'EstimatedMaxTimeLag',
      dimensionsMap: {
        'Cluster Name': stage.prefix,
        'Consumer Group': group,
        Topic: topicNameIn(topic, generationOf(stage.settings)),
      },
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(1),
    });
    scaled.scaleOnMetric('Lag', {
      metric: lag,
      scalingSteps: LAG_STEPS_S,
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      cooldown: SLOW,
      evaluationPeriods: 3,
    });
    return;
  }
  scaled.scaleToTrackMetric('Cpu', {
    predefinedMetric: PredefinedMetric.ECS_SERVICE_AVERAGE_CPU_UTILIZATION,
    targetValue: CPU_PERCENT,
  });
  for (const { way, targets } of reached)
    scaled.scaleToTrackMetric(idOf(way, 'Calls'), {
      predefinedMetric: PredefinedMetric.ALB_REQUEST_COUNT_PER_TARGET,
      resourceLabel: `${readFact(scope, stage, way.balancer)}/${targets.targetGroupFullName}`,
      targetValue: CALLS_PER_TARGET,
    });
};
