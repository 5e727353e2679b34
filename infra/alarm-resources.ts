import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Alarm, Severity, Whole } from './alarm.ts';
import { ALARMS, WHOLES } from './alarms.ts';
import { filled, filledSeries, type Place, type placesOf } from './places.ts';
import type { Series } from './series.ts';
import type { Stage } from './stages.ts';

type Query = CfnAlarm.MetricDataQueryProperty;
type Options = {
  readonly stage: Stage;
  readonly places: ReturnType<typeof placesOf>;
  /** Topics by severity. */
  readonly topics: Readonly<Record<Severity, string>>;
};

/** All of the catalogue that the stage has something for. */
export const addAlarms = (scope: Construct, { stage, places, topics }: Options): void => {
  const made = new Map<string, CfnAlarm>();
  const actions = (severity: Severity | null): string[] => (severity === null ? [] : [topics[severity]]);
  for (const [name, alarm] of Object.entries(ALARMS)) {
    if (alarm.on !== undefined && alarm.on !== stage.settings.kafka.profile) continue;
    for (const place of places[alarm.each]) {
      const full = place.id === '' ? name : `${name}-${place.id}`;
      const resource = new CfnAlarm(scope, full, {
        alarmName: `${stage.prefix}-${full}`,
        alarmDescription: described(alarm),
        alarmActions: actions(alarm.severity),
        okActions: actions(alarm.severity),
        ...conditionOf(alarm, place),
      });
      made.set(full, resource);
    }
  }
  for (const [name, whole] of Object.entries(WHOLES)) {
    const composite = new CfnCompositeAlarm(scope, name, {
      alarmName: `${stage.prefix}-${name}`,
      alarmDescription: described(whole),
      alarmRule: whole.parts.map((part) => `ALARM("${stage.prefix}-${part}")`).join(' AND '),
      alarmActions: actions(whole.severity),
      okActions: actions(whole.severity),
    });
    for (const part of whole.parts) composite.addResourceDependency(made.get(part)!);
  }
};

const described = ({ says, runbook }: Pick<Alarm | Whole, 'says' | 'runbook'>): string => {
  const [page, section] = runbook.split('#');
  return `${says} See docs/runbook/${page}.md, ${section}.`;
};

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
