import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { RoleName } from '../services/roles.ts';
import type { Alarm, Severity, Whole } from './alarm.ts';
import { ALARMS, pageOf, WHOLES } from './alarms.ts';
import { filled, filledSeries, type Place, placesOf } from './places.ts';
import type { Series } from './series.ts';
import type { Stage } from './stages.ts';

type Query = CfnAlarm.MetricDataQueryProperty;
type Options = {
  readonly stage: Stage;
  /** Of what alarms are made here. */
  readonly places: Partial<ReturnType<typeof placesOf>>;
  readonly topicOf: (severity: Severity) => string;
};
type Made = ReadonlyMap<string, CfnAlarm>;

/** All of the catalogue that there is something for. */
export const addAlarms = (scope: Construct, { stage, places, topicOf }: Options): Made => {
  const made = new Map<string, CfnAlarm>();
  for (const [name, alarm] of Object.entries(ALARMS)) {
    if (alarm.on !== undefined && alarm.on !== stage.settings.kafka.profile) continue;
    for (const place of places[alarm.each] ?? []) {
      const full = fullName(name, place);
      const actions = alarm.severity === null ? [] : [topicOf(alarm.severity)];
      const resource = new CfnAlarm(scope, full, {
        alarmName: `${stage.prefix}-${full}`,
        alarmDescription: described(name, alarm),
        alarmActions: actions,
        okActions: actions,
        ...conditionOf(alarm, place),
      });
      made.set(full, resource);
    }
  }
  return made;
};

/** Those that are rung by others, which are there. */
export const addWholes = (scope: Construct, { stage, topicOf }: Omit<Options, 'places'>, made: Made): void => {
  for (const [name, whole] of Object.entries(WHOLES)) {
    const actions = [topicOf(whole.severity)];
    const composite = new CfnCompositeAlarm(scope, name, {
      alarmName: `${stage.prefix}-${name}`,
      alarmDescription: described(name, whole),
      alarmRule: whole.parts.map((part) => `ALARM("${stage.prefix}-${part}")`).join(' AND '),
      alarmActions: actions,
      okActions: actions,
    });
    for (const part of whole.parts) composite.addResourceDependency(made.get(part)!);
  }
};

/** What takes a deployment of the role back. ECS refuses to deploy where one of them is not there. */
export const takingBack = (stage: Stage, role: RoleName): string[] => {
  const places = placesOf(stage);
  return Object.entries(ALARMS)
    .flatMap(([name, { each, takesBack = [] }]) => {
      const isFor = (place: Place): boolean =>
        takesBack === 'its role' ? place.fill['role'] === role : takesBack.includes(role);
      return places[each].filter(isFor).map((place) => fullName(name, place));
    })
    .map((name) => `${stage.prefix}-${name}`);
};

const fullName = (name: string, { id }: Place): string => (id === '' ? name : `${name}-${id}`);

const described = (name: string, alarm: Pick<Alarm | Whole, 'says' | 'page'>): string =>
  `${alarm.says} See docs/runbook/${pageOf(name, alarm)}.md.`;

const conditionOf = (alarm: Alarm, place: Place) => {
  const { of, minutes, silence, is } = alarm;
  const period = minutes * 60;
  const stats = Object.entries(alarm.series).map(([id, series]) => statOf(id, filledSeries(series, place), period));
  const only = alarm.expression ?? Object.keys(alarm.series)[0]!;
  const told: Query = { id: 'told', expression: filled(only, place), returnData: true };
  const common = {
    evaluationPeriods: of[1],
    datapointsToAlarm: of[0],
    treatMissingData: silence === 'fine' ? 'notBreaching' : 'breaching',
  };
  if (is === 'above its band')
    return {
      ...common,
      metrics: [...stats, told, { id: 'band', expression: `ANOMALY_DETECTION_BAND(told, ${BAND})`, returnData: true }],
      thresholdMetricId: 'band',
      comparisonOperator: 'GreaterThanUpperThreshold',
    };
  const [threshold, comparisonOperator] =
    'over' in is ? [is.over, 'GreaterThanThreshold'] : [is.under, 'LessThanThreshold'];
  return { ...common, metrics: [...stats, told], threshold: round(threshold), comparisonOperator };
};

/** Standard deviations, of which one hour of 370 lies outside three by chance. */
const BAND = 3;
/** 14.4 × 0.001 is 0.0144 and not 0.014400000000000013. */
const round = (value: number): number => Number(value.toPrecision(6));

const statOf = (id: string, { namespace, metric, dimensions, statistic }: Series, period: number): Query => ({
  id,
  returnData: false,
  metricStat: {
    metric: {
      namespace,
      metricName: metric,
      dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
    },
    period,
    stat: statistic,
  },
});
