import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listsOf } from '../schemas/dynamo-layout.ts';
import { kafkaSettingsOf } from '../schemas/kafka-settings.ts';
import { TABLE_NAMES } from '../schemas/tables.ts';
import { partitionsOf, TOPICS, type TopicName } from '../schemas/topics.ts';
import { groupsOf, isFolding, type Role, type RoleName, ROLE_NAMES, ROLES } from '../services/roles.ts';
import { ROOMS } from '../services/rooms.ts';
import { readConfig } from '../shared/config/config.ts';
import { CONFIG_KEYS } from '../shared/config/config-keys.ts';
import { lint } from '../tools/stack/cfn-lint.ts';
import { ACKNOWLEDGED } from './acknowledged.ts';
import { readBy, ROW_ACTIONS } from './rights.ts';
import { rules } from './routing.ts';
import { checked, STAGES, type StageName } from './stages.ts';
import { guardedClaims } from './testing/guarded.ts';
import { CHANGED, GUARDED } from './testing/guarded-stage.ts';
import { operationsClaims } from './testing/operations.ts';
import { type Resource, resourcesOf, synth, type Synth, type Template, textOf } from './testing/synth.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const STAGE_NAMES = Object.keys(STAGES) as StageName[];
const PATIENCE_MS = 300_000;
const SECRET = 'A'.repeat(64);

let folder: string;
let bad: Synth;
let guarded: Synth;
const made = new Map<StageName, Synth>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbeat-infra-'));
  for (const stage of STAGE_NAMES) made.set(stage, await synth(at('app.ts'), { stage, folder: join(folder, stage) }));
  guarded = await synth(at('testing/guarded-app.ts'), { stage: 'prod', folder: join(folder, 'guarded') });
  bad = await synth(at('testing/bad-app.ts'), { stage: 'dev', folder: join(folder, 'bad') });
}, PATIENCE_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

const templateOf = (stage: StageName, name: string): Template => {
  const template = made.get(stage)?.templates[`playbeat-${stage}-${name}`];
  if (template === undefined) throw new Error(`${stage} has no stack ${name}: ${made.get(stage)?.output}`);
  return template;
};
const one = (template: Template, type: string): Resource => {
  const found = resourcesOf(template, type);
  expect(found).toHaveLength(1);
  return found[0]!;
};

type Container = {
  readonly Command: readonly string[];
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: readonly { readonly Name: string }[];
};
const containerOf = (template: Template): Container =>
  (one(template, 'AWS::ECS::TaskDefinition').Properties['ContainerDefinitions'] as Container[])[0]!;

type Statement = { readonly Sid?: string; readonly Action: string | string[]; readonly Resource: unknown };
/** What the tasks of a role may do: by the name of the statement the last parts of its resources. */
const rightsIn = (template: Template): Record<string, string[]> => {
  const policy = resourcesOf(template, 'AWS::IAM::Policy').find(({ Properties }) =>
    textOf(Properties['PolicyName']).startsWith('TaskTaskRole'),
  );
  const { Statement } = policy?.Properties['PolicyDocument'] as { readonly Statement: readonly Statement[] };
  return Object.fromEntries(
    Statement.map(({ Sid, Resource }) => [Sid, [Resource].flat().map((arn) => textOf(arn).split('/').at(-1) ?? '')]),
  );
};

describe.each(STAGE_NAMES)('the stage %s', (stage) => {
  it('is made offline, with no finding of cdk-nag or of our own checks', () => {
    const { code, output, violations } = made.get(stage)!;
    expect({ code, violations, output: code === 0 ? '' : output }).toEqual({ code: 0, violations: [], output: '' });
  });

  it('has a stack with one service for each role of the catalogue, and none beside', () => {
    const names = Object.keys(made.get(stage)!.templates).map((name) => name.replace(`playbeat-${stage}-`, ''));
    expect(names.sort()).toEqual(['network', 'data', 'platform', 'alarms', 'household', ...ROLE_NAMES].sort());
    for (const role of ROLE_NAMES) {
      const { Properties } = one(templateOf(stage, role), 'AWS::ECS::Service');
      // How many there are is left to the scaling; of a role that is not asked for there are none.
      const asked = !ROLES[role].onRequest || (STAGES[stage].requested as readonly RoleName[]).includes(role);
      expect([role, Properties['DesiredCount']]).toEqual([role, asked ? undefined : 0]);
      expect(containerOf(templateOf(stage, role)).Command).toEqual([role]);
    }
  });

  it('tells each role what its configuration takes, secrets by reference alone', () => {
    for (const role of ROLE_NAMES) {
      const { Environment, Secrets } = containerOf(templateOf(stage, role));
      const given = {
        ...Object.fromEntries(Environment.map(({ Name, Value }) => [Name, exampleOf(Name, textOf(Value))])),
        ...Object.fromEntries(Secrets.map(({ Name }) => [Name, SECRET])),
      };
      expect(Object.keys(given).filter((name) => !(name in CONFIG_KEYS))).toEqual([]);
      expect(readConfig(given)).toMatchObject({ ok: true, config: { cluster: { kafka: { createTopics: false } } } });
      const kinds = Environment.map(({ Name }) => CONFIG_KEYS[Name as keyof typeof CONFIG_KEYS].kind);
      expect(kinds.filter((kind) => kind === 'secret' || kind === 'peppers' || kind === 'password')).toEqual([]);
    }
  });

  it('lets each role touch its topics, groups and tables, and no others', () => {
    for (const role of ROLE_NAMES) {
      const { produces, tables }: Role = ROLES[role];
      const rights = rightsIn(templateOf(stage, role));
      const sorted = (names: readonly string[] = []): string[] => [...names].sort();
      expect(sorted(rights['Read'])).toEqual(sorted(readBy(role)));
      expect(sorted(rights['Write'])).toEqual(sorted(produces));
      expect(sorted(rights['Groups'])).toEqual(sorted(groupsOf(role)));
      expect(sorted(rights['Rows'])).toEqual(sorted(tables.map((table) => `playbeat-${stage}-${table}`)));
      expect(sorted(rights['Lists'])).toEqual(sorted(tables.flatMap((table) => listsOf(table))));
      expect(Object.keys(rights).filter((sid) => !KNOWN_RIGHTS.includes(sid))).toEqual([]);
      expect(JSON.stringify(templateOf(stage, role))).not.toMatch(/CreateTopic|DeleteTopic|AlterTopic/);
    }
  });

  it('makes the topics as the services want to find them', () => {
    const topics = resourcesOf(templateOf(stage, 'data'), 'AWS::MSK::Topic');
    expect(topics).toHaveLength(Object.keys(TOPICS).length);
    for (const { Properties } of topics) {
      const name = textOf(Properties['TopicName']) as TopicName;
      const replicas = Number(Properties['ReplicationFactor']);
      const configs = Buffer.from(textOf(Properties['Configs']), 'base64').toString().trim().split('\n');
      expect(Properties['PartitionCount']).toBe(partitionsOf(name, STAGES[stage].partitions));
      expect(Object.fromEntries(configs.map((line) => line.split('=')))).toEqual(
        kafkaSettingsOf(TOPICS[name], replicas),
      );
    }
  });

  it('keeps what lies in the data stack when that is deleted', () => {
    const data = templateOf(stage, 'data');
    const kept = ['AWS::MSK::Cluster', 'AWS::MSK::Topic', 'AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret'];
    const stores = [...kept, 'AWS::ElastiCache::ReplicationGroup'].flatMap((type) => resourcesOf(data, type));
    expect(stores.filter(({ DeletionPolicy }) => DeletionPolicy !== 'Retain')).toEqual([]);
    expect(resourcesOf(data, 'AWS::DynamoDB::Table')).toHaveLength(TABLE_NAMES.length);
  });

  it('deploys the roles after what they stand on, the alarms that take them back among it, and the household last', () => {
    const base = ['network', 'data', 'platform', 'alarms'].map((name) => `playbeat-${stage}-${name}`);
    const roles = ROLE_NAMES.map((role) => `playbeat-${stage}-${role}`);
    const { before } = made.get(stage)!;
    for (const role of roles) expect([role, [...(before[role] ?? [])].sort()]).toEqual([role, [...base].sort()]);
    expect([...(before[`playbeat-${stage}-household`] ?? [])].sort()).toEqual([...base, ...roles].sort());
  });

  it('holds no stack fast by an export', () => {
    expect(JSON.stringify(made.get(stage)!.templates)).not.toMatch(/Fn::ImportValue|"Export"/);
  });

  operationsClaims(stage, (stack) => templateOf(stage, stack));

  it(
    'has no error in the eyes of cfn-lint',
    async () => {
      const files = Object.keys(made.get(stage)!.templates).map((name) => join(folder, stage, `${name}.template.json`));
      const said = await lint(files);
      expect(said.match(/^E\d+.*/gm) ?? []).toEqual([]);
    },
    PATIENCE_MS,
  );
});

const KNOWN_RIGHTS = ['Connect', 'VerifyTopics', 'Read', 'Write', 'WriteOnce', 'Groups', 'Rows', 'Lists'];

/** What CloudFormation puts in, as it will look. */
const exampleOf = (name: string, value: string): string =>
  value
    .replace(/^<[^>]*>$/, name === 'KAFKA_BROKERS' ? 'b-1.example:9098,b-2.example:9098' : 'http://registry.example')
    .replace(/<[^>]*>/, 'valkey.example');

/** As the load balancer does: the first rule in order, and a star takes slashes, too. */
const leads = (path: string): RoleName | null => {
  const fits = (pattern: string): boolean => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(path);
  const ordered = [...rules()].sort((a, b) => a.priority - b.priority);
  return ordered.find(({ pattern }) => fits(pattern))?.role ?? null;
};

describe('the rules of the load balancer', () => {
  it('lead every path that a role serves to that role, whatever the ids in it are', () => {
    for (const { role, pattern } of rules())
      for (const id of ['a', 'views', 'sessions', 'profiles', 'audience', 'resume-positions', 'undo']) {
        const path = pattern.replaceAll('*', id);
        // Two roles may serve what looks alike only where a pattern says so without a star.
        if (ROLE_NAMES.some((other) => (ROLES[other].serves as readonly string[]).includes(path))) continue;
        expect([path, leads(path)]).toEqual([path, role]);
      }
  });
});

describe('a stage that names a web firewall', () => {
  const nameOf = (stack: string): string => `playbeat-prod-${stack}`;

  it(
    'is made offline, with no finding of cdk-nag, of our own checks, or of cfn-lint',
    async () => {
      const { code, output, violations } = guarded;
      expect({ code, violations, output: code === 0 ? '' : output }).toEqual({ code: 0, violations: [], output: '' });
      const said = await lint(CHANGED.map((stack) => join(folder, 'guarded', `${nameOf(stack)}.template.json`)));
      expect(said.match(/^E\d+.*/gm) ?? []).toEqual([]);
    },
    PATIENCE_MS,
  );

  guardedClaims(
    (stack) => guarded.templates[nameOf(stack)] ?? { Resources: {} },
    (stack) => templateOf('prod', stack),
  );
});

describe('a careless stack', () => {
  const found = (plugin: string): string[] =>
    [...new Set(bad.violations.filter((one) => one.plugin === plugin).map(({ rule }) => rule))].sort();

  it('fails, by cdk-nag and by each check of our own', () => {
    expect(bad.code).not.toBe(0);
    expect(found('AwsSolutions')).toContain('AwsSolutions-IAM5[Action::dynamodb:*]');
    expect(found('Playbeat')).toEqual([
      'allows dynamodb:*',
      'careless has no log group',
      'careless may write its own files',
      'gives its tasks public addresses',
      'has the secret SESSION_TOKEN_KEY in its environment',
      'keeps its lines for ever',
      'listens without TLS',
      'runs in public subnets',
    ]);
  });
});

describe('stage settings', () => {
  it('are refused before anything is made, with all that is wrong', () => {
    const wrong = { ...STAGES.prod, zones: 2 as const, partitions: 8, account: 'mine' };
    expect(() => checked('prod', wrong)).toThrow(
      /account is mine.*\n.*natGateways is 3.*\n.*certificateArn is .*\n.*Express brokers.*\n.*partitions is 8/,
    );
  });

  it('name a web ACL of their own region, and for heartbeats a name of their own', () => {
    const webAclArn = GUARDED.firewall.webAclArn.replace('eu-west-1', 'us-east-1');
    expect(() => checked('prod', { ...GUARDED, firewall: { webAclArn, heartbeatsUrl: GUARDED.url } })).toThrow(
      /firewall.webAclArn is .*: a load balancer takes a regional web ACL.*\n.*firewall.heartbeatsUrl is .*another name/,
    );
  });

  it('name sizes that Fargate has, and no role on request that there is not', () => {
    const sizes = { every: { cpu: 256, memoryMib: 4096, least: 2, most: 1 } };
    expect(() => checked('dev', { ...STAGES.dev, sizes, requested: ['ingest'] })).toThrow(
      /ingest, which runs everywhere\n.*256 cpu and 4096 MiB.*\n.*2 to 1 tasks/,
    );
  });
});

describe('what is retained', () => {
  it('keeps its logical ids: another id is another resource, made beside the one with the data', () => {
    const ids = Object.entries(templateOf('prod', 'data').Resources)
      .filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain')
      .map(([id]) => id);
    expect(ids.filter((id) => !id.startsWith('Topic') && !id.startsWith('Table')).sort()).toEqual(RETAINED);
    const catalogued = [
      ...Object.keys(TOPICS).map((name) => `Topic${bare(name)}`),
      ...TABLE_NAMES.map((name) => `Table${bare(name)}`),
    ];
    expect(
      ids
        .filter((id) => /^(Topic|Table)/.test(id))
        .map((id) => id.replace(/[0-9A-F]{8}$/, ''))
        .sort(),
    ).toEqual(catalogued.sort());
  });
});

const bare = (name: string): string => name.replaceAll(/[^A-Za-z0-9]/g, '');
const RETAINED = [
  'AccountKeyPepper02110931',
  'Backups9A29A52D',
  'Kafka',
  'SessionTokenKeyADB0BB72',
  'Valkey',
  'ValkeyPassword2AAE12F9',
];

describe('the groups of roles.ts', () => {
  it('are those that the processors of each role are in', () => {
    for (const role of ROLE_NAMES) {
      const folds = isFolding(role) ? ROOMS[role].folds({ ledgerMs: 1 }) : [];
      expect([role, groupsOf(role)]).toEqual([role, folds.map(({ name }) => name)]);
    }
  });
});

describe('the rights to rows', () => {
  it('are those that the adapter of DynamoDB calls for, and what it asks when it starts', async () => {
    const adapter = await readFile(at('../shared/table/dynamo-table.ts'), 'utf8');
    const commands = adapter.matchAll(/new (\w+)Command\(/g);
    const wanted = new Set(['DescribeTable', 'DescribeTimeToLive', ...[...commands].map(([, name = '']) => name)]);
    expect([...ROW_ACTIONS].sort()).toEqual([...wanted].sort());
  });
});

describe('findings that stay', () => {
  it('each say why, in a sentence', () => {
    expect(ACKNOWLEDGED.filter(({ reason }) => !/^[A-Z].{20,}\.$/s.test(reason))).toEqual([]);
  });
});
