import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ESLint } from 'eslint';

const root = fileURLToPath(new URL('../..', import.meta.url));
let eslint: ESLint;

beforeAll(() => {
  eslint = new ESLint({ cwd: root });
});

/** The rules that fire on this text, were it that file. */
const lint = async (file: string, text: string): Promise<readonly string[]> => {
  const [result] = await eslint.lintText(`${text}\n`, { filePath: `${root}/${file}` });
  return [...new Set((result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message))].sort();
};

const imports = (source: string) => `import { thing } from '${source}';\nthing();`;

const FOLD = 'services/concurrency/pretend.ts';

describe('arrows between folders', () => {
  it.each([
    ['schemas/pretend.ts', '../shared/log/log.ts'],
    ['schemas/pretend.ts', '../services/roles.ts'],
    ['schemas/records/pretend.test.ts', '../../shared/log/log.ts'],
    ['shared/log/pretend.ts', '../../services/roles.ts'],
    ['shared/log/pretend.ts', '../../tools/check.ts'],
    ['shared/log/pretend.ts', '../../tools/stack/own-kafka.ts'],
    ['shared/state/pretend.ts', '../../tools/faults/tcp-proxy.ts'],
    ['shared/log/pretend.int.test.ts', '../../tools/check.ts'],
    ['shared/pretend.ts', '../bench/main.ts'],
    ['shared/pretend.ts', '../infra/app.ts'],
    ['services/pretend.ts', '../tools/check.ts'],
    ['tools/pretend.ts', '../infra/app.ts'],
    ['infra/pretend.ts', '../shared/log/log.ts'],
    ['infra/stacks/pretend.ts', '../../services/wiring.ts'],
    ['services/ingest/pretend.ts', '../concurrency/concurrency.ts'],
    ['services/concurrency/pretend.ts', '../ingest/accept.ts'],
    ['services/trending/pretend.ts', '../concurrency/view.ts'],
    ['services/ingest/pretend.ts', '../wiring.ts'],
    ['services/ingest/pretend.ts', '../engines.ts'],
    ['services/wiring.ts', '../shared/log/embedded-log.ts'],
    ['services/roles.ts', '../shared/log/embedded-log.ts'],
    ['services/main.ts', '../shared/state/redis-state.ts'],
    ['services/ingest/pretend.ts', '../../shared/log/kafka-log.ts'],
    ['shared/runtime/pretend.ts', '../table/sqlite-table.ts'],
    ['shared/runtime/pretend.ts', '../table/dynamo-table.ts'],
    ['shared/runtime/pretend.ts', 'node:sqlite'],
    ['shared/log/kafka-log.ts', 'node:sqlite'],
    ['shared/state/redis-state.ts', 'kafkajs'],
    ['shared/state/redis-state.ts', 'kafkajs/src/cluster/index.js'],
    ['tools/stack/redis.ts', 'ioredis'],
    ['shared/log/kafka-log.ts', '@kafkajs/confluent-schema-registry'],
    ['services/ingest/pretend.ts', 'prom-client'],
    ['tools/players/pretend.ts', '../../schemas/time.ts'],
    ['tools/players/pretend.ts', '../../shared/log/log.ts'],
    ['tools/players/pretend.ts', '../../services/main.ts'],
    ['services/concurrency/pretend.ts', './concurrency.test.ts'],
    ['services/pretend.ts', './testing/server.ts'],
    ['services/ingest/pretend.ts', '../testing/server.ts'],
  ])('%s may not import %s', async (file, source) => {
    expect(await lint(file, imports(source))).toEqual(['house/arrows']);
  });

  it.each([
    ['shared/log/pretend.ts', '../../schemas/time.ts'],
    ['infra/pretend.ts', '../services/roles.ts'],
    ['infra/pretend.ts', '../shared/config/config-keys.ts'],
    ['infra/pretend.int.test.ts', '../shared/config/config.ts'],
    ['services/ingest/pretend.ts', '../../shared/log/log.ts'],
    ['services/ingest/pretend.ts', '../concurrency/view.ts'],
    ['services/roles.ts', './concurrency/concurrency.ts'],
    ['services/engines.ts', '../shared/log/embedded-log.ts'],
    ['services/engines.ts', '../shared/state/redis-state.ts'],
    ['services/concurrency/pretend.e2e.test.ts', '../wiring.ts'],
    ['shared/log/embedded-log.ts', './embedded-log-worker.ts'],
    ['shared/log/embedded-log.ts', 'node:sqlite'],
    ['shared/data-folder.ts', 'node:sqlite'],
    ['shared/log/pretend.int.test.ts', './embedded-log.ts'],
    ['shared/log/pretend.int.test.ts', '../../tools/stack/own-kafka.ts'],
    ['shared/state/pretend.int.test.ts', '../../tools/faults/tcp-proxy.ts'],
    ['shared/runtime/pretend.ts', '../state/memory-state.ts'],
    ['tools/pretend.ts', '../shared/log/embedded-log.ts'],
    ['tools/stack/own-redis.ts', 'ioredis'],
    ['bench/pretend.ts', '../services/concurrency/concurrency.ts'],
    ['tools/players/pretend.ts', './network.ts'],
    ['shared/log/pretend.test.ts', './log.contract.ts'],
    ['services/testing/pretend.ts', '../concurrency/concurrency.ts'],
    ['services/testing/pretend.ts', '../../shared/log/embedded-log.ts'],
    ['services/ingest/pretend.e2e.test.ts', '../testing/server.ts'],
    ['tools/pretend.ts', '../services/testing/server.ts'],
  ])('%s may import %s', async (file, source) => {
    expect(await lint(file, imports(source))).toEqual([]);
  });

  it.each([
    "await import('../../services/main.ts');",
    "export { thing } from '../../services/main.ts';\nexport const a = 1;",
    "import type { Thing } from '../../services/main.ts';\nexport const a: Thing = 1;",
    "import '../../services/main.ts';",
  ])('sees %j', async (text) => {
    expect(await lint('shared/log/pretend.ts', text)).toEqual(['house/arrows']);
  });
});

describe('below the edge', () => {
  const banned: readonly (readonly [string, string])[] = [
    ['no-restricted-globals', 'export const now = () => Date.now();'],
    ['no-restricted-globals', 'export const now = () => new Date();'],
    ['no-restricted-globals', 'export const now = () => globalThis.Date.now();'],
    ['no-restricted-globals', 'setTimeout(() => 1, 5);'],
    ['no-restricted-globals', 'setInterval(() => 1, 5);'],
    ['no-restricted-globals', 'setImmediate(() => 1);'],
    ['no-restricted-globals', "export const port = process.env['PORT'];"],
    ['no-restricted-globals', "console.log('here');"],
    ['no-restricted-globals', "export const got = fetch('http://localhost');"],
    ['no-restricted-globals', 'export const now = performance.now();'],
    ['no-restricted-properties', 'export const luck = Math.random();'],
    ['no-restricted-properties', 'export const { random } = Math;'],
    ['no-restricted-properties', 'export const id = crypto.randomUUID();'],
    ['no-restricted-properties', "import crypto from 'node:crypto';\nexport const salt = crypto.randomBytes(8);"],
    ['no-restricted-properties', 'export const signal = AbortSignal.timeout(5);'],
    ['no-restricted-imports', "import { randomUUID } from 'node:crypto';\nexport const id = randomUUID();"],
    ['no-restricted-imports', "import { setTimeout } from 'node:timers/promises';\nawait setTimeout(5);"],
    ['no-restricted-imports', "import { env } from 'node:process';\nexport const port = env['PORT'];"],
    ['no-restricted-imports', "import { performance as p } from 'node:perf_hooks';\nexport const now = p.now();"],
  ];
  const below = [
    FOLD,
    'schemas/pretend.ts',
    'shared/runtime/pretend.ts',
    'shared/sessions/pretend.ts',
    'shared/log/position.ts',
    'shared/state/memory-state.ts',
    'shared/http/pretend.ts',
    'shared/config/config.ts',
    'services/ingest/routes.ts',
  ];
  const edge = [
    'services/main.ts',
    'services/wiring.ts',
    'services/engines.ts',
    'services/testing/pretend.ts',
    'shared/log/embedded-log.ts',
    'shared/state/embedded-state-worker.ts',
    'shared/state/redis-state.ts',
    'shared/data-folder.ts',
    'shared/telemetry/metrics.ts',
    'shared/http/server.ts',
    'services/concurrency/pretend.test.ts',
    'shared/log/log.contract.ts',
    'tools/pretend.ts',
    'bench/pretend.ts',
  ];

  it.each(banned)('%s fires on %j', async (rule, text) => {
    expect(await lint(FOLD, text)).toEqual([rule]);
  });

  it.each(below)('%s takes none of them', async (file) => {
    for (const [rule, text] of banned) expect([text, await lint(file, text)]).toEqual([text, [rule]]);
  });

  it.each(edge)('%s takes all of them', async (file) => {
    for (const [, text] of banned) expect([text, await lint(file, text)]).toEqual([text, []]);
  });

  it('takes hashes, URLs, bytes and a clock that is handed in', async () => {
    const text =
      "import { createHmac } from 'node:crypto';\n" +
      "export const key = (now: () => number) => [createHmac('sha256', 'k'), new URL('http://a'), Buffer.from('a'), now()];";
    expect(await lint(FOLD, text)).toEqual([]);
  });
});

describe('the language', () => {
  it.each([
    ['house/no-barrels', 'shared/log/index.ts', 'export const a = 1;'],
    ['house/no-barrels', 'shared/log/pretend.ts', "export { a } from './log.ts';\nexport { b } from './position.ts';"],
    ['house/no-barrels', 'shared/log/pretend.ts', "export * from './log.ts';\nexport const a = 1;"],
    ['no-restricted-syntax', FOLD, 'export default 1;'],
    ['no-restricted-syntax', FOLD, 'export class Session {\n  a = 1;\n}'],
    ['no-restricted-syntax', FOLD, 'export class Session extends Map {\n  a = 1;\n}'],
    ['no-restricted-syntax', FOLD, 'export const session = class {\n  a = 1;\n};'],
    ['no-restricted-syntax', FOLD, 'export enum State {\n  Active,\n}'],
    ['no-restricted-syntax', FOLD, '@sealed\nexport class Late extends Error {}'],
    ['@typescript-eslint/no-explicit-any', FOLD, 'export const a: any = 1;'],
    ['@typescript-eslint/ban-ts-comment', FOLD, "// @ts-ignore\nexport const a: number = 'a';"],
    ['@typescript-eslint/ban-ts-comment', FOLD, "// @ts-expect-error\nexport const a: number = 'a';"],
    ['@typescript-eslint/consistent-type-definitions', FOLD, 'export interface A {\n  readonly b: 1;\n}'],
    ['eqeqeq', FOLD, 'export const same = (a: number, b: number) => a == b;'],
  ])('%s fires in %s on %j', async (rule, file, text) => {
    expect(await lint(file, text)).toEqual([rule]);
  });

  it('takes an error with a name, a default export of a configuration file, and `!`', async () => {
    expect(await lint(FOLD, 'export class LogUnavailable extends Error {}')).toEqual([]);
    expect(await lint('jest.config.ts', 'export default {};')).toEqual([]);
    expect(await lint(FOLD, 'export const first = (all: readonly number[]) => all[0]!;')).toEqual([]);
  });
});

describe('tests', () => {
  it.each([
    ['no-restricted-properties', "jest.mock('./log.ts');"],
    ['no-restricted-properties', "jest.spyOn(Math, 'abs');"],
    ['no-restricted-properties', "jest.unstable_mockModule('./log.ts', () => ({}));"],
    ['no-restricted-syntax', "it.only('a', () => {});"],
    ['no-restricted-syntax', "it.skip('a', () => {});"],
    ['no-restricted-syntax', "it.todo('a');"],
    ['no-restricted-syntax', "describe.only('a', () => {});"],
    ['no-restricted-syntax', "describe.skip.each([1])('a', () => {});"],
    ['no-restricted-syntax', "test['skip']('a', () => {});"],
    ['no-restricted-syntax', "xit('a', () => {});"],
    ['no-restricted-syntax', "fdescribe('a', () => {});"],
  ])('%s fires on %j', async (rule, text) => {
    expect(await lint('shared/log/pretend.test.ts', text)).toEqual([rule]);
  });

  it('takes whole suites and tables', async () => {
    const text = "describe('a', () => {\n  it.each([1])('b %d', () => {});\n});";
    expect(await lint('shared/log/pretend.test.ts', text)).toEqual([]);
  });
});
