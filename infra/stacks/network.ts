import { type App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnSecurityGroup,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { NO_EGRESS } from '../network-read.ts';
import { publish } from '../published.ts';
import type { Stage } from '../stages.ts';

const CIDR = '10.20.0.0/16';
/** What every task asks for when it starts and while it runs. */
const INTERFACES = {
  Ecr: InterfaceVpcEndpointAwsService.ECR,
  EcrImages: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
} as const;

/** Public subnets for the load balancer, private ones for all else. */
export const networkStack = (app: App, stage: Stage): Stack => {
  const { account, region, zones, natGateways, interfaceEndpoints, logDays } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-network`, { env: { account, region } });
  const vpc = new Vpc(stack, 'Vpc', {
    vpcName: stage.prefix,
    ipAddresses: IpAddresses.cidr(CIDR),
    maxAzs: zones,
    natGateways,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
      { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    ],
    gatewayEndpoints: {
      S3: { service: GatewayVpcEndpointAwsService.S3 },
      DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
    },
  });
  const refused = new LogGroup(stack, 'FlowLog', {
    logGroupName: `/${stage.prefix}/network/refused`,
    retention: logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  vpc.addFlowLog('Refused', {
    destination: FlowLogDestination.toCloudWatchLogs(refused),
    trafficType: FlowLogTrafficType.REJECT,
  });
  if (interfaceEndpoints) addInterfaces(stack, vpc);
  publish(stack, stage, {
    'network/vpc-id': vpc.vpcId,
    'network/private-subnets': vpc.privateSubnets.map(({ subnetId }) => subnetId).join(','),
    'network/public-subnets': vpc.publicSubnets.map(({ subnetId }) => subnetId).join(','),
  });
  return stack;
};

const addInterfaces = (stack: Stack, vpc: Vpc): void => {
  const group = new CfnSecurityGroup(stack, 'InterfacesGroup', {
    vpcId: vpc.vpcId,
    groupDescription: 'The interfaces of AWS in this network',
    securityGroupIngress: [
      { ipProtocol: 'tcp', fromPort: 443, toPort: 443, cidrIp: CIDR, description: 'Whoever is in the network' },
    ],
    securityGroupEgress: NO_EGRESS,
  });
  const securityGroups = [
    SecurityGroup.fromSecurityGroupId(stack, 'Interfaces', group.attrGroupId, { mutable: false }),
  ];
  for (const [name, service] of Object.entries(INTERFACES))
    vpc.addInterfaceEndpoint(name, { service, securityGroups, open: false });
};
