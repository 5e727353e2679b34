import type { ToldName } from '../shared/telemetry/told.ts';

/** A series of CloudWatch. What stands in braces is filled in for each stage, broker, role and so on. */
export type Series = {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Sum' | 'Average' | 'Minimum' | 'Maximum' | 'SampleCount';
};

/** Of our own, under the stage's own namespace. */
export const own = (
  metric: ToldName,
  dimensions: Readonly<Record<string, string>>,
  statistic: Series['statistic'] = 'Sum',
): Series => ({ namespace: '{prefix}', metric, dimensions: { role: '{role}', ...dimensions }, statistic });
const aws =
  (namespace: string, place: Readonly<Record<string, string>>) =>
  (metric: string, statistic: Series['statistic']): Series => ({
    namespace: `AWS/${namespace}`,
    metric,
    dimensions: place,
    statistic,
  });

export const cluster = aws('Kafka', { 'Cluster Name': '{prefix}' });
export const broker = aws('Kafka', { 'Cluster Name': '{prefix}', 'Broker ID': '{broker}' });
export const node = aws('ElastiCache', { CacheClusterId: '{node}' });
export const table = aws('DynamoDB', { TableName: '{table}' });
export const balancer = aws('ApplicationELB', { LoadBalancer: '{balancer}' });
/** The one that heartbeats come by. */
export const heartbeats = aws('ApplicationELB', { LoadBalancer: '{heartbeats}' });
export const targets = aws('ApplicationELB', { LoadBalancer: '{balancer}', TargetGroup: '{targets}' });
export const certificate = aws('CertificateManager', { CertificateArn: '{certificate}' });
export const tasks: Series = {
  namespace: 'ECS/ContainerInsights',
  metric: 'RunningTaskCount',
  dimensions: { ClusterName: '{prefix}', ServiceName: '{prefix}-{role}' },
  statistic: 'Average',
};
