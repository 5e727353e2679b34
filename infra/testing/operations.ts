import { expect, it } from '@jest/globals';
import { COPIES } from '../../schemas/stores.ts';
import { TABLE_NAMES } from '../../schemas/tables.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { groupsOf, type RoleName, ROLE_NAMES, ROLES } from '../../services/roles.ts';
import { ALARMS, WHOLES } from '../alarms.ts';
import { GRAPHS } from '../graphs.ts';
import { STAGES, type StageName } from '../stages.ts';
import { type Resource, resourcesOf, type Template, textOf } from './synth.ts';

type Deployment = {
  readonly DeploymentCircuitBreaker: unknown;
  readonly Alarms?: { readonly AlarmNames: readonly string[] };
};
const folding = (role: RoleName): readonly string[] => [
  `paused-${role}`,
  ...groupsOf(role).map((group) => `lag-${group}`),
];
const TAKING_BACK: Readonly<Partial<Record<RoleName, readonly string[]>>> = {
  ...Object.fromEntries(ROLE_NAMES.map((role) => [role, folding(role)])),
  ingest: ['heartbeats-fast-5m', 'starts-fast-5m'],
  concurrency: ['freshness-fast-5m', ...folding('concurrency')],
};

type Query = { readonly MetricStat?: { readonly Period: number } };
const periodsOf = (properties: Resource['Properties']): readonly number[] =>
  (properties['Metrics'] as Query[]).flatMap(({ MetricStat }) => MetricStat?.Period ?? []);
/** From when it is looked at until it rings. */
const secondsOf = (properties: Resource['Properties']): number =>
  Number(properties['EvaluationPeriods']) * Math.max(...periodsOf(properties));

/** What is claimed of a stage's alarms, dashboards, budget and household. */
export const operationsClaims = (stage: StageName, template: (stack: string) => Template): void => {
  // Those that scale have no name, and are the scaling's.
  const alarms = (): readonly Resource[] =>
    ['alarms', ...ROLE_NAMES]
      .flatMap((stack) => resourcesOf(template(stack), 'AWS::CloudWatch::Alarm'))
      .filter(({ Properties }) => Properties['AlarmName'] !== undefined);
  const wholes = (): readonly Resource[] => resourcesOf(template('alarms'), 'AWS::CloudWatch::CompositeAlarm');
  const nameOf = ({ Properties }: Resource): string =>
    textOf(Properties['AlarmName']).replace(`playbeat-${stage}-`, '');

  it('has every alarm of the catalogue that its brokers have the metric of, and says where the page is', () => {
    const small = STAGES[stage].kafka.profile === 'small';
    const names = alarms().map(nameOf);
    for (const [name, { each, on }] of Object.entries(ALARMS)) {
      const made = names.filter((one) => one === name || (each !== 'stage' && one.startsWith(`${name}-`)));
      expect([name, made.length > 0]).toEqual([name, on === undefined || small]);
    }
    expect(wholes().map(nameOf).sort()).toEqual(Object.keys(WHOLES).sort());
    for (const { Properties } of [...alarms(), ...wholes()])
      expect(textOf(Properties['AlarmDescription'])).toMatch(/ See docs\/runbook\/[\w-]+\.md\.$/);
  });

  it('takes a deployment of each role that runs back by alarms that are there before, and that ring within ten minutes', () => {
    const before = resourcesOf(template('alarms'), 'AWS::CloudWatch::Alarm');
    const requested: readonly RoleName[] = STAGES[stage].requested;
    for (const role of ROLE_NAMES) {
      const [service] = resourcesOf(template(role), 'AWS::ECS::Service');
      const { Alarms, DeploymentCircuitBreaker } = service?.Properties['DeploymentConfiguration'] as Deployment;
      expect([role, DeploymentCircuitBreaker]).toEqual([role, { Enable: true, Rollback: true }]);
      if (ROLES[role].onRequest && !requested.includes(role)) {
        expect([role, Alarms]).toEqual([role, undefined]);
        continue;
      }
      expect([role, Alarms]).toMatchObject([role, { Enable: true, Rollback: true }]);
      const named = before.filter((one) => Alarms?.AlarmNames.includes(textOf(one.Properties['AlarmName'])));
      expect([role, named.map(nameOf).sort()]).toEqual([role, [...(TAKING_BACK[role] ?? [])].sort()]);
      expect(Alarms?.AlarmNames).toHaveLength(named.length);
      for (const { Properties } of named) expect(secondsOf(Properties)).toBeLessThanOrEqual(600);
    }
  });

  it('rings by mail with what has a severity, and only with that', () => {
    for (const one of alarms()) {
      const { severity } = ALARMS[nameOf(one)] ?? { severity: 'ticket' };
      expect([nameOf(one), (one.Properties['AlarmActions'] as unknown[]).length]).toEqual([
        nameOf(one),
        severity === null ? 0 : 1,
      ]);
    }
    for (const one of wholes()) expect(one.Properties['AlarmActions']).toHaveLength(1);
    expect(resourcesOf(template('alarms'), 'AWS::SNS::Subscription')).toHaveLength(2);
  });

  it('has metrics of one period in each alarm, ten at most, and names in none that nothing stands for', () => {
    for (const { Properties } of alarms()) {
      const periods = periodsOf(Properties);
      expect(new Set(periods).size).toBe(1);
      expect(periods.length).toBeLessThanOrEqual(10);
      expect(JSON.stringify(Properties)).not.toMatch(/\{[a-z]+\}/);
    }
  });

  it('draws every graph, with the names of its metrics', () => {
    const bodies = resourcesOf(template('alarms'), 'AWS::CloudWatch::Dashboard').map(({ Properties }) =>
      textOf(Properties['DashboardBody']),
    );
    type Widget = { readonly properties: { readonly title: string; readonly metrics: readonly unknown[] } };
    const widgets = bodies.flatMap((body) => (JSON.parse(body) as { readonly widgets: readonly Widget[] }).widgets);
    expect(widgets.map(({ properties }) => properties.title)).toEqual(
      Object.values(GRAPHS)
        .flat()
        .map(({ title }) => title),
    );
    expect(widgets.filter(({ properties }) => properties.metrics.length === 0)).toEqual([]);
  });

  it('copies every table at night, and keeps the copies as long as the catalogue says', () => {
    const [plan] = resourcesOf(template('data'), 'AWS::Backup::BackupPlan');
    const days = COPIES.backups.retentionMs / DAY_MS;
    expect(plan?.Properties['BackupPlan']).toMatchObject({
      BackupPlanRule: [{ Lifecycle: { DeleteAfterDays: days } }],
    });
    const [selection] = resourcesOf(template('data'), 'AWS::Backup::BackupSelection');
    const { Resources } = selection?.Properties['BackupSelection'] as { readonly Resources: readonly unknown[] };
    expect(Resources).toHaveLength(TABLE_NAMES.length);
  });

  it('finds its costs by a tag, and says when they are too many', () => {
    const [budget] = resourcesOf(template('alarms'), 'AWS::Budgets::Budget');
    expect(budget?.Properties['Budget']).toMatchObject({
      BudgetLimit: { Amount: STAGES[stage].monthlyUsd },
      CostFilters: { TagKeyValue: [`user:stage$${stage}`] },
    });
    for (const type of ['AWS::MSK::Cluster', 'AWS::ElastiCache::ReplicationGroup', 'AWS::DynamoDB::Table'])
      for (const { Properties } of resourcesOf(template('data'), type))
        expect(JSON.stringify(Properties['Tags'])).toContain(
          type === 'AWS::MSK::Cluster' ? `"stage":"${stage}"` : `"Value":"${stage}"`,
        );
  });

  it('plays the synthetic household every five minutes, from outside, with its secret by reference', () => {
    const [schedule] = resourcesOf(template('household'), 'AWS::Scheduler::Schedule');
    expect(schedule?.Properties['ScheduleExpression']).toBe('rate(5 minutes)');
    const [task] = resourcesOf(template('household'), 'AWS::ECS::TaskDefinition');
    expect((task?.Properties['ContainerDefinitions'] as object[])[0]).toMatchObject({
      EntryPoint: ['node', 'services/household.ts'],
      Command: expect.arrayContaining([STAGES[stage].url, `playbeat-${stage}`]),
      Secrets: [{ Name: 'HOUSEHOLD_SECRET' }],
    });
  });
};
