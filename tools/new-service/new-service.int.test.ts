import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fenceWith, readPage } from '../../docs/testing/fences.ts';
import { root } from '../steps.ts';

/*
 * What docs/how-to/add-a-service.md promises, done in a copy of the project. Of the whole project only what a new service
 * touches is checked there: the rest is as it is here.
 */

const PATIENCE_MS = 600_000;
const NAME = 'buffering-alerts';

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'playbeat-new-service-'));
  const { stdout } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  const paths = stdout.split('\0').filter((path) => path !== '' && !path.startsWith('docs/images/'));
  expect(paths.length).toBeGreaterThan(500);
  for (const path of paths) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    // Those that were deleted and are not yet committed are listed, too.
    cpSync(join(root, path), join(copy, path), { force: true, errorOnExist: false });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}, PATIENCE_MS);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly said: string };
const node = (...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: copy,
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
const bin = (path: string, ...args: readonly string[]): Promise<Ended> => node(join('node_modules', path), ...args);
const newService = (...args: readonly string[]): Promise<Ended> => node('tools/new-service/main.ts', ...args);
const changed = (): readonly string[] => {
  const same = (path: string): boolean => readFileSync(join(root, path), 'utf8') === read(path);
  return ['services/roles.ts', 'services/rooms.ts', 'schemas/stores.ts', 'docs/README.md', 'compose.yaml'].filter(
    (path) => !same(path),
  );
};
const read = (path: string): string => readFileSync(join(copy, path), 'utf8');

describe('npm run new-service', () => {
  it('with --dry-run names 6 new files and 5 with a new line, and writes none', async () => {
    const { code, said } = await newService('--name', NAME, '--dry-run');
    expect([code, said.match(/^new .*$/gm)?.length, said.match(/^line .*$/gm)?.length]).toEqual([0, 6, 5]);
    expect(changed()).toEqual([]);
  });

  it(
    'writes a service that passes its own tests over HTTP, those of what is kept of accounts, types, lint and format',
    async () => {
      expect(await newService('--name', NAME, '--input', 'heartbeats.v1')).toMatchObject({ code: 0 });
      expect(changed()).toHaveLength(5);
      const page = await readPage('docs/how-to/add-a-service.md');
      for (const command of fenceWith(page, 'sh', 'npm run new-service').split('\n')) expect(command).toContain(NAME);

      const tests = await node(
        ...[
          'tools/test.ts',
          `services/${NAME}`,
          'services/forgotten.test',
          'tools/generate.test',
          'compose.test',
          'tools/reference.test',
        ],
        ...['-t', `${NAME}|catalogue of what is kept|generated types|compose.yaml|docs/reference`],
      );
      expect(tests.said).toMatch(/\n\d{2} passed, 0 failed\n$/);

      const made = [`services/${NAME}`, 'services/roles.ts', 'services/rooms.ts', 'schemas/stores.ts'];
      expect(await bin('eslint/bin/eslint.js', ...made, '--max-warnings', '0')).toEqual({ code: 0, said: '' });
      const pages = ['compose.yaml', 'docs/README.md', `docs/reference/${NAME}.md`, `schemas/http/${NAME}.schema.json`];
      const formatted = await bin('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', ...made, ...pages);
      expect(formatted).toEqual({ code: 0, said: '' });
      // With all that they import, which is all but tools, benches and infrastructure.
      const files = [`services/${NAME}/*.ts`, 'services/main.ts', 'services/run.ts', 'schemas/*.test.ts'];
      writeFileSync(join(copy, 'tsconfig.new.json'), JSON.stringify({ extends: './tsconfig.json', include: files }));
      expect(await bin('typescript/bin/tsc', '-p', 'tsconfig.new.json')).toEqual({ code: 0, said: '' });
    },
    PATIENCE_MS,
  );

  it(
    'makes it a role that can be deployed: a stack of its own with its route, its group and its topic',
    async () => {
      const stack = `playbeat-dev-${NAME}`;
      const synth = await bin('aws-cdk/bin/cdk', 'synth', stack, '-e', '-c', 'stage=dev', '-q', '-o', 'cdk.out');
      expect(synth).toMatchObject({ code: 0 });
      const template = read(`cdk.out/${stack}.template.json`);
      for (const part of [`"/v1/accounts/*/${NAME}"`, `/${NAME}"`, '/heartbeats.v1"', 'AWS::ECS::Service'])
        expect(template).toContain(part);
    },
    PATIENCE_MS,
  );

  it('refuses the same name a second time, and leaves what is there', async () => {
    const fold = read(`services/${NAME}/${NAME}.ts`);
    const { code, said } = await newService('--name', NAME);
    expect([code, said.includes(`there is a role ${NAME}`)]).toEqual([2, true]);
    expect(read(`services/${NAME}/${NAME}.ts`)).toBe(fold);
  });
});
