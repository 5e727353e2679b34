import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ROLE_NAMES, ROLES } from './services/roles.ts';
import { CONFIG_KEYS } from './shared/config/config-keys.ts';
import { readConfig } from './shared/config/config.ts';

/* No Docker engine has run this file where it was written: what can be known without one is held here. */

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

type Service = {
  readonly build?: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly healthcheck?: Readonly<Record<string, unknown>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
};
const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const built = services.filter(([, { build }]) => build !== undefined);
/** As Compose puts it in where nothing is given. */
const environmentOf = ({ environment = {} }: Service): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
  );
const OF_AWS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

describe('compose.yaml', () => {
  it('has every role once, from the one Dockerfile, and those on request where they are asked for', () => {
    expect(built.map(([name]) => name)).toEqual(ROLE_NAMES);
    for (const [name, { build, command }] of built) expect([name, build, command]).toEqual([name, '.', [name]]);
    const asked = built.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name);
    expect(asked).toEqual(ROLE_NAMES.filter((role) => ROLES[role].onRequest));
  });

  it('tells each role what its configuration takes, and no name that it does not know', () => {
    for (const [, service] of built) {
      const environment = environmentOf(service);
      const names = Object.keys(environment);
      expect(names.filter((name) => !(name in CONFIG_KEYS))).toEqual(OF_AWS);
      const config = readConfig(environment);
      expect(config).toMatchObject({ ok: true, config: { cluster: { dynamo: { createTables: true } } } });
    }
  });

  it('leads to programs that are there, on the ports where they listen', () => {
    const environment = environmentOf(compose.services['ingest']!);
    const addresses = ['KAFKA_BROKERS', 'REDIS_URL', 'DYNAMODB_ENDPOINT', 'SCHEMA_REGISTRY_URL'].map(
      (name) => /(?:\/\/|^)([a-z]+:\d+)/.exec(environment[name] ?? '')?.[1],
    );
    expect(addresses).toEqual(['kafka:9092', 'redis:6379', 'dynamodb:8000', 'registry:8080']);
    expect(compose.services['kafka']?.environment?.['KAFKA_ADVERTISED_LISTENERS']).toContain('PLAINTEXT://kafka:9092');
  });

  it('opens ports of the host on its loopback alone, each once', () => {
    const ports = services.flatMap(([, { ports: own = [] }]) => own);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d{4,5}:\d{4}\d?$/.test(port))).toEqual([]);
    const ofHost = ports.map((port) => port.split(':')[1]);
    expect(new Set(ofHost).size).toBe(ofHost.length);
  });

  it('names a whole version of each image: of those that the tests run, theirs', () => {
    const images = services.filter(([, { build }]) => build === undefined).map(([, { image }]) => image);
    expect(images.filter((image) => !/:\d+\.\d+\.\d+(\.Final|-alpine)?$/.test(image))).toEqual([]);
    const versionIn = (pom: string, name: string): string =>
      new RegExp(`<${name}.version>(.*)</`).exec(read(`tools/stack/${pom}.xml`))?.[1] ?? '';
    expect(images).toEqual(
      expect.arrayContaining([
        `apache/kafka:${versionIn('kafka-pom', 'kafka')}`,
        `amazon/dynamodb-local:${versionIn('dynamodb-pom', 'dynamodb')}`,
        /REGISTRY_IMAGE = '(.*)'/.exec(read('infra/stages.ts'))?.[1],
      ]),
    );
  });

  it('knows of each service whether it is well, and waits for that where another needs it', () => {
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m);
    const unknown = services.filter(([, { build, healthcheck }]) => build === undefined && healthcheck === undefined);
    expect(unknown).toEqual([]);
    for (const [name, { depends_on: needs = {} }] of services)
      for (const [other, { condition }] of Object.entries(needs)) {
        expect([name, other, condition]).toEqual([name, other, 'service_healthy']);
        expect(compose.services[other]).toBeDefined();
        // Who waits for each other never starts; and what is not asked for is waited for by nobody.
        expect(compose.services[other]?.depends_on?.[name]).toBeUndefined();
        expect(compose.services[other]?.profiles).toBeUndefined();
      }
  });

  it('has each volume and each configuration that a service takes', () => {
    const volumes = services.flatMap(([, { volumes: own = [] }]) => own.map((volume) => volume.split(':')[0] ?? ''));
    const configs = services.flatMap(([, { configs: own = [] }]) => own.map(({ source }) => source));
    expect([volumes.sort(), configs.sort()]).toEqual([
      Object.keys(compose.volumes).sort(),
      Object.keys(compose.configs).sort(),
    ]);
  });

  it('leads each path to the role that serves it, and all others to ingest', () => {
    const content = compose.configs['front']?.content ?? '';
    const lines = [...content.matchAll(/location ~ (\S+) \{ proxy_pass http:\/\/([a-z-]+):8080; \}/g)];
    const locations = lines.map(([, pattern, role]) => [pattern, role]);
    const wanted = ROLE_NAMES.filter((role) => role !== 'ingest').flatMap((role) =>
      ROLES[role].serves.map((path) => [`^${path.replaceAll('*', '[^/]+')}$$`, role]),
    );
    expect(locations).toEqual(wanted);
    expect(content).toContain('location / { proxy_pass http://ingest:8080; }');
    // Of Compose a dollar that is meant is two.
    expect(content.replaceAll('$$', '').includes('$')).toBe(false);
  });
});
