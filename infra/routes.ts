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
import { rulesOf } from './routing.ts';
import type { Stage } from './stages.ts';

/** Calls in flight are answered in 10 s; a player tries again after that. */
const DEREGISTRATION = Duration.seconds(15);

type Served = {
  readonly role: RoleName;
  readonly service: FargateService;
  readonly vpc: IVpc;
  readonly group: string;
};

/** Leads the role’s paths to its tasks; null where it serves none. */
export const addRoutes = (scope: Construct, stage: Stage, served: Served): ApplicationTargetGroup | null => {
  const { role, service, vpc, group } = served;
  const rules = rulesOf(role);
  if (rules.length === 0) return null;
  const targets = new ApplicationTargetGroup(scope, 'Targets', {
    vpc,
    port: PORT,
    protocol: ApplicationProtocol.HTTP,
    targetType: TargetType.IP,
    deregistrationDelay: DEREGISTRATION,
    healthCheck: { path: '/readyz', interval: Duration.seconds(5), timeout: Duration.seconds(2) },
  });
  const listener = readFact(scope, stage, 'platform/listener');
  const added = rules.map(
    ({ pattern, priority }) =>
      new CfnListenerRule(scope, `Rule${priority}`, {
        listenerArn: listener,
        priority,
        conditions: [{ field: 'path-pattern', pathPatternConfig: { values: [pattern] } }],
        actions: [{ type: 'forward', targetGroupArn: targets.targetGroupArn }],
      }),
  );
  targets.addTarget(service);
  // A target group that no rule names is not the balancer’s yet, and ECS refuses it.
  service.node.addDependency(...added);
  allow(scope, 'Balancer', {
    from: readFact(scope, stage, 'platform/balancer-group'),
    to: group,
    port: PORT,
    why: `the load balancer to ${role}`,
  });
  return targets;
};
