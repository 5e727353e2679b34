import { type Event, eventOf } from './event.ts';
import { problemsOf, type StageSettings } from './settings.ts';

/**
 * Every size and every address that differs between installations. Account, certificate and identity are examples: put yours in
 * their place, and the account's zones into `cdk.context.json`, which the first `cdk synth` with credentials does by itself.
 */
const ACCOUNT = '111122223333';
/** The version that the test stack runs, with its schemas in memory: Playbeat registers them again. */
const REGISTRY_IMAGE = 'quay.io/apicurio/apicurio-registry-mem:2.6.13.Final';

export const STAGES = {
  dev: {
    account: ACCOUNT,
    region: 'eu-west-1',
    zones: 2,
    natGateways: 1,
    interfaceEndpoints: false,
    certificateArn: `arn:aws:acm:eu-west-1:${ACCOUNT}:certificate/00000000-0000-4000-8000-000000000001`,
    identity: {
      jwksUrl: 'https://id.dev.example/.well-known/jwks.json',
      issuer: 'https://id.dev.example',
      audience: 'playbeat',
    },
    kafka: { profile: 'small', instance: 'kafka.m7g.large', version: '3.9.x', gibPerBroker: 20 },
    partitions: 16,
    valkey: { nodeType: 'cache.t4g.micro', shards: 1, replicas: 1 },
    registryImage: REGISTRY_IMAGE,
    url: 'https://playbeat.dev.example',
    alarmsTo: { page: 'on-call@dev.example', ticket: 'team@dev.example' },
    monthlyUsd: 600,
    household: { limit: 2, tokenUrl: 'https://id.dev.example/token', clientId: 'playbeat-household' },
    sizes: { every: { cpu: 256, memoryMib: 1024, least: 1, most: 2 } },
    requested: [],
    logDays: 7,
    protected: false,
  },
  prod: {
    account: ACCOUNT,
    region: 'eu-west-1',
    zones: 3,
    natGateways: 3,
    interfaceEndpoints: true,
    certificateArn: `arn:aws:acm:eu-west-1:${ACCOUNT}:certificate/00000000-0000-4000-8000-000000000002`,
    identity: {
      jwksUrl: 'https://id.example/.well-known/jwks.json',
      issuer: 'https://id.example',
      audience: 'playbeat',
    },
    kafka: { profile: 'standard', instance: 'express.m7g.large', version: '3.9.x', perZone: 1 },
    partitions: 64,
    valkey: { nodeType: 'cache.r7g.large', shards: 2, replicas: 1 },
    registryImage: REGISTRY_IMAGE,
    url: 'https://playbeat.example',
    alarmsTo: { page: 'on-call@example', ticket: 'team@example' },
    monthlyUsd: 5_000,
    household: { limit: 2, tokenUrl: 'https://id.example/token', clientId: 'playbeat-household' },
    sizes: {
      every: { cpu: 1024, memoryMib: 2048, least: 2, most: 16 },
      ingest: { cpu: 1024, memoryMib: 2048, least: 3, most: 40 },
    },
    requested: [],
    logDays: 30,
    protected: true,
  },
} as const satisfies Record<string, StageSettings>;

export type StageName = keyof typeof STAGES;

/** One installation: its name stands before every name that AWS sees. */
export type Stage = {
  readonly name: string;
  readonly prefix: string;
  readonly settings: StageSettings;
  readonly event: Event | null;
};

const isStage = (text: unknown): text is StageName => typeof text === 'string' && Object.hasOwn(STAGES, text);

export const stageOf = (name: unknown, event: unknown): Stage => {
  if (!isStage(name))
    throw new RangeError(`There is no stage ${JSON.stringify(name)}: say -c stage=${Object.keys(STAGES).join(' or ')}`);
  return { ...checked(name, STAGES[name]), event: eventOf(event) };
};

export const checked = (name: string, settings: StageSettings): Stage => {
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new RangeError(`Stage ${name} cannot be deployed:\n- ${problems.join('\n- ')}`);
  return { name, prefix: `playbeat-${name}`, settings, event: null };
};
