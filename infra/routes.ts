import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationProtocol,
  ApplicationTargetGroup,
  CfnListenerRule,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import type { RoleName } from '../services/roles.ts';
import { allow } from './network-read.ts';
import { PORT } from './ports.ts';
import { readFact } from './published.ts';
import type { Stage } from './stages.ts';
import { idOf, type Way, waysOf } from './ways.ts';

/** Calls in flight are answered in 10 s; a player tries again after that. */
const DEREGISTRATION = Duration.seconds(15);

type Served = {
  readonly role: RoleName;
  readonly service: FargateService;
  readonly vpc: IVpc;
  readonly group: string;
};

/** How the role is reached by a load balancer. */
export type Reached = { readonly way: Way; readonly targets: ApplicationTargetGroup };

/** Leads the role’s paths to its tasks, by each load balancer that asks for one of them. */
export const addRoutes = (scope: Construct, stage: Stage, served: Served): readonly Reached[] => {
  const { role, group } = served;
  const ways = waysOf(stage).filter((way) => way.rulesOf(role).length > 0);
  const reached = ways.map((way) => ({ way, targets: addTargets(scope, stage, { ...served, way }) }));
  if (reached.length > 0)
    allow(scope, 'Balancer', {
      from: readFact(scope, stage, 'platform/balancer-group'),
      to: group,
      port: PORT,
      why: `the load balancer to ${role}`,
    });
  return reached;
};

/** A group of targets belongs to one load balancer. */
const addTargets = (
  scope: Construct,
  stage: Stage,
  { role, service, vpc, way }: Served & { readonly way: Way },
): ApplicationTargetGroup => {
  const targets = new ApplicationTargetGroup(scope, idOf(way, 'Targets'), {
    vpc,
    port: PORT,
    protocol: ApplicationProtocol.HTTP,
    targetType: TargetType.IP,
    deregistrationDelay: DEREGISTRATION,
    healthCheck: { path: '/readyz', interval: Duration.seconds(5), timeout: Duration.seconds(2) },
  });
  const listener = readFact(scope, stage, way.listener);
  const added = way.rulesOf(role).map(
    ({ pattern, priority }) =>
      new CfnListenerRule(scope, idOf(way, `Rule${priority}`), {
        listenerArn: listener,
        priority,
        conditions: [{ field: 'path-pattern', pathPatternConfig: { values: [pattern] } }],
        actions: [{ type: 'forward', targetGroupArn: targets.targetGroupArn }],
      }),
  );
  targets.addTarget(service);
  // A target group that no rule names is not the balancer’s yet, and ECS refuses it.
  service.node.addDependency(...added);
  return targets;
};
