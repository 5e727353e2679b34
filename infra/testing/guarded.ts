import { expect, it } from '@jest/globals';
import { ROLE_NAMES, ROLES } from '../../services/roles.ts';
import { CHANGED, GUARDED } from './guarded-stage.ts';
import { type Resource, resourcesOf, type Template } from './synth.ts';

/** What is claimed of a stage that names a web firewall, beside the same one without. */
export const guardedClaims = (guarded: (stack: string) => Template, plain: (stack: string) => Template): void => {
  const of = (stack: string, type: string): readonly Resource[] => resourcesOf(guarded(stack), type);

  it('puts the web ACL before the load balancer of everything, and not before that of heartbeats', () => {
    const names = of('platform', 'AWS::ElasticLoadBalancingV2::LoadBalancer').map(
      ({ Properties }) => Properties['Name'],
    );
    expect(names).toEqual(['playbeat-prod', 'playbeat-prod-heartbeats']);
    expect(of('platform', 'AWS::WAFv2::WebACLAssociation').map(({ Properties }) => Properties)).toEqual([
      { ResourceArn: { Ref: 'Balancer' }, WebACLArn: GUARDED.firewall.webAclArn },
    ]);
    expect(resourcesOf(plain('platform'), 'AWS::ElasticLoadBalancingV2::LoadBalancer')).toHaveLength(1);
    expect(resourcesOf(plain('platform'), 'AWS::WAFv2::WebACLAssociation')).toEqual([]);
  });

  it('leads every route of the table by the one, and heartbeats alone by the other', () => {
    const served = new Map<string, unknown[]>();
    for (const { Properties } of ROLE_NAMES.flatMap((role) => of(role, 'AWS::ElasticLoadBalancingV2::ListenerRule'))) {
      const { Ref } = Properties['ListenerArn'] as { readonly Ref: string };
      const [{ PathPatternConfig }] = Properties['Conditions'] as [
        { readonly PathPatternConfig: { Values: unknown[] } },
      ];
      served.set(Ref, [...(served.get(Ref) ?? []), ...PathPatternConfig.Values]);
    }
    const [everything, heartbeats, ...others] = [...served.values()].sort((a, b) => b.length - a.length);
    expect([...(everything ?? [])].sort()).toEqual(ROLE_NAMES.flatMap((role) => ROLES[role].serves).sort());
    expect([heartbeats, others]).toEqual([['/v1/heartbeats'], []]);
  });

  it('gives tasks of ingest to both, in a group of targets for each', () => {
    const [service] = of('ingest', 'AWS::ECS::Service');
    const groups = (
      service?.Properties['LoadBalancers'] as { readonly TargetGroupArn: { readonly Ref: string } }[]
    ).map(({ TargetGroupArn }) => TargetGroupArn.Ref);
    expect(new Set(groups).size).toBe(2);
    expect(of('ingest', 'AWS::ElasticLoadBalancingV2::TargetGroup')).toHaveLength(2);
    const names = of('ingest', 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties['AlarmName']);
    expect(names.sort()).toEqual([
      'playbeat-prod-balancer-unhealthy-ingest',
      'playbeat-prod-balancer-unhealthy-ingest-heartbeats',
    ]);
  });

  it('counts beats that reached nobody at their own load balancer, and 5xx of each', () => {
    const alarms = of('alarms', 'AWS::CloudWatch::Alarm');
    const asks = (name: string): string =>
      JSON.stringify(alarms.find(({ Properties }) => Properties['AlarmName'] === `playbeat-prod-${name}`) ?? null);
    for (const name of ['heartbeats-fast-5m', 'balancer-5xx-heartbeats'])
      expect([name, asks(name)]).toEqual([name, expect.stringContaining('platformheartbeatsbalancer')]);
    for (const name of ['starts-fast-5m', 'balancer-5xx'])
      expect([name, asks(name)]).toEqual([name, expect.stringMatching(/platformbalancer/)]);
  });

  it('sends the beats of the synthetic household where players send theirs', () => {
    const [task] = of('household', 'AWS::ECS::TaskDefinition');
    const [container] = task?.Properties['ContainerDefinitions'] as { readonly Command: readonly string[] }[];
    expect(container?.Command.join(' ')).toContain(`--heartbeats-url ${GUARDED.firewall.heartbeatsUrl}`);
  });

  it('keeps every other stack, and every logical id', () => {
    const stacks = ['network', 'data', 'platform', 'alarms', 'household', ...ROLE_NAMES];
    for (const stack of stacks.filter((name) => !CHANGED.includes(name)))
      expect([stack, guarded(stack)]).toEqual([stack, plain(stack)]);
    for (const stack of CHANGED) {
      const ids = Object.keys(guarded(stack).Resources);
      expect([stack, Object.keys(plain(stack).Resources).filter((id) => !ids.includes(id))]).toEqual([stack, []]);
    }
  });
};
