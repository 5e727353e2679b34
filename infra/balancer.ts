import { CfnResource } from 'aws-cdk-lib';
import { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnListener, CfnLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { NO_EGRESS } from './network-read.ts';
import type { Stage } from './stages.ts';
import { idOf, type Way, waysOf } from './ways.ts';

/** Shorter than the 65 s that the services keep a connection, or calls would meet one that is just being closed. */
const IDLE_SECONDS = 60;
const HTTPS_PORT = 443;
/** TLS 1.2 with forward secrecy, and 1.3. */
const TLS_POLICY = 'ELBSecurityPolicy-TLS13-1-2-2021-06';

const NOT_FOUND = {
  type: 'about:blank',
  title: 'Not found',
  status: 404,
  code: 'NOT_FOUND',
  detail: 'Nothing is served here.',
};

type Place = { readonly vpcId: string; readonly publicSubnets: string[] };

/** One address for all roles, on HTTPS alone, and beside a web firewall one for heartbeats; each service adds its rules. */
export const addBalancer = (scope: Construct, stage: Stage, { vpcId, publicSubnets }: Place) => {
  const group = new CfnSecurityGroup(scope, 'BalancerGroup', {
    vpcId,
    groupDescription: 'The load balancer: open to players, and to the services that let it in',
    securityGroupIngress: [
      {
        ipProtocol: 'tcp',
        fromPort: HTTPS_PORT,
        toPort: HTTPS_PORT,
        cidrIp: '0.0.0.0/0',
        description: 'Players and apps',
      },
    ],
    securityGroupEgress: NO_EGRESS,
  });
  const ways = waysOf(stage).map((way) => ({ way, ...oneBalancer(scope, stage, { way, publicSubnets, group }) }));
  const { firewall } = stage.settings;
  // The module of WAF takes long to load, for one line.
  if (firewall !== undefined)
    new CfnResource(scope, 'Firewall', {
      type: 'AWS::WAFv2::WebACLAssociation',
      properties: { ResourceArn: ways[0]?.balancer.ref, WebACLArn: firewall.webAclArn },
    });
  return { ways, group };
};

type Wanted = Pick<Place, 'publicSubnets'> & { readonly way: Way; readonly group: CfnSecurityGroup };

const oneBalancer = (scope: Construct, stage: Stage, { way, publicSubnets, group }: Wanted) => {
  const balancer = new CfnLoadBalancer(scope, idOf(way, 'Balancer'), {
    name: way.name === '' ? stage.prefix : `${stage.prefix}-${way.name}`,
    type: 'application',
    scheme: 'internet-facing',
    securityGroups: [group.attrGroupId],
    subnets: publicSubnets,
    loadBalancerAttributes: Object.entries({
      'routing.http.desync_mitigation_mode': 'strictest',
      'routing.http.drop_invalid_header_fields.enabled': 'true',
      'idle_timeout.timeout_seconds': String(IDLE_SECONDS),
      'deletion_protection.enabled': String(stage.settings.protected),
    }).map(([key, value]) => ({ key, value })),
  });
  const listener = new CfnListener(scope, idOf(way, 'Https'), {
    loadBalancerArn: balancer.ref,
    port: HTTPS_PORT,
    protocol: 'HTTPS',
    sslPolicy: TLS_POLICY,
    certificates: [{ certificateArn: stage.settings.certificateArn }],
    defaultActions: [
      {
        type: 'fixed-response',
        fixedResponseConfig: {
          statusCode: '404',
          contentType: 'application/json',
          messageBody: JSON.stringify(NOT_FOUND),
        },
      },
    ],
  });
  return { balancer, listener };
};
