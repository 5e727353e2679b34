import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  CfnParameterGroup,
  CfnReplicationGroup,
  CfnSubnetGroup,
  CfnUser,
  CfnUserGroup,
} from 'aws-cdk-lib/aws-elasticache';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { NO_EGRESS } from './network-read.ts';
import type { Stage } from './stages.ts';

/** Another than the one that everybody tries. */
export const VALKEY_PORT = 6380;
export const VALKEY_USER = 'playbeat';
/** ElastiCache takes 16 to 128 characters. */
const PASSWORD_LENGTH = 64;

/** What the state store calls, of its own keys and no others; held against it by `redis-state-access.int.test.ts`. */
const COMMANDS = [
  ...['info', 'evalsha', 'eval', 'hget', 'hmget', 'hset', 'hdel', 'zadd', 'zrem', 'zrangebyscore', 'unlink', 'time'],
  // Of `npm run pepper` alone.
  'scan',
  ...['cluster|slots', 'cluster|info', 'cluster|shards', 'ping'],
];
const ACCESS = `on ~playbeat:* -@all ${COMMANDS.map((name) => `+${name}`).join(' ')}`;

type Place = { readonly vpcId: string; readonly subnets: string[] };

/** Loses its newest writes when a primary dies, by design: the log makes them again. */
export const addValkey = (scope: Construct, stage: Stage, { vpcId, subnets }: Place) => {
  const { nodeType, shards, replicas } = stage.settings.valkey;
  const group = new CfnSecurityGroup(scope, 'ValkeyGroup', {
    vpcId,
    groupDescription: 'Valkey: each service lets itself in',
    securityGroupEgress: NO_EGRESS,
  });
  const password = new Secret(scope, 'ValkeyPassword', {
    secretName: `${stage.prefix}/valkey-password`,
    generateSecretString: { passwordLength: PASSWORD_LENGTH, excludePunctuation: true },
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const user = new CfnUser(scope, 'ValkeyUser', {
    engine: 'valkey',
    userId: stage.prefix,
    userName: VALKEY_USER,
    accessString: ACCESS,
    // A reference that CloudFormation resolves: the password itself is in no template.
    authenticationMode: { Type: 'password', Passwords: [password.secretValue.unsafeUnwrap()] },
  });
  const users = new CfnUserGroup(scope, 'ValkeyUsers', {
    engine: 'valkey',
    userGroupId: stage.prefix,
    userIds: [user.ref],
  });
  const subnetGroup = new CfnSubnetGroup(scope, 'ValkeySubnets', {
    cacheSubnetGroupName: stage.prefix,
    description: 'Private subnets',
    subnetIds: subnets,
  });
  const parameters = new CfnParameterGroup(scope, 'ValkeyParameters', {
    cacheParameterGroupFamily: 'valkey8',
    description: 'Cluster mode; a full store refuses and forgets nothing',
    properties: { 'cluster-enabled': 'yes', 'maxmemory-policy': 'noeviction' },
  });
  const store = new CfnReplicationGroup(scope, 'Valkey', {
    replicationGroupId: stage.prefix,
    replicationGroupDescription: 'The state of the processors, made again from the log where it is lost',
    engine: 'valkey',
    engineVersion: '8.1',
    cacheNodeType: nodeType,
    numNodeGroups: shards,
    replicasPerNodeGroup: replicas,
    automaticFailoverEnabled: true,
    multiAzEnabled: replicas > 0,
    cacheParameterGroupName: parameters.ref,
    cacheSubnetGroupName: subnetGroup.ref,
    port: VALKEY_PORT,
    securityGroupIds: [group.attrGroupId],
    transitEncryptionEnabled: true,
    atRestEncryptionEnabled: true,
    userGroupIds: [users.ref],
    snapshotRetentionLimit: 0,
  });
  store.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return { store, group, password };
};
