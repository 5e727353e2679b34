import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ROLE_NAMES } from '../services/roles.ts';
import { freePorts } from '../tools/stack/processes.ts';
import { HEALTH_COMMAND } from './ports.ts';
import { problemsOf, stagesOf } from './testing/dockerfile.ts';
import { contextOf, type Image, isRoot, makeImage } from './testing/image.ts';

const PATIENCE_MS = 600_000;
const file = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8');

describe('the Dockerfile', () => {
  it('has none of the mistakes that are looked for', () => {
    expect(problemsOf(file)).toEqual([]);
  });

  it('would be found out where it had them', () => {
    const careless = [
      'FROM node:latest',
      'ENV SESSION_TOKEN_KEY=in-the-open',
      'ADD https://example.com/x.tar.gz /',
      'COPY . .',
      'RUN npm install && curl -O https://example.com/x',
      'USER root',
      'HEALTHCHECK CMD curl -f http://localhost/healthz',
      'CMD npm start',
    ];
    expect(problemsOf(careless.join('\n'))).toHaveLength(11);
  });

  it('checks its health as ECS does', () => {
    expect(
      stagesOf(file)
        .at(-1)
        ?.steps.find(({ keyword }) => keyword === 'HEALTHCHECK')?.words,
    ).toEqual(HEALTH_COMMAND);
  });

  it('sends no test, no secret of a developer and no page of the docs', async () => {
    const sent = await contextOf();
    const rooms = new Set(sent.map((path) => path.split('/')[0]));
    expect([...rooms].sort()).toEqual(['package-lock.json', 'package.json', 'schemas', 'services', 'shared', 'web']);
    expect(sent.filter((path) => /\.(test|contract)\.ts$|\/testing\//.test(path))).toEqual([]);
  });
});

let folder: string;
let image: Image;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbeat-image-'));
  await chmod(folder, 0o755);
  image = await makeImage(folder);
}, PATIENCE_MS);
afterAll(async () => {
  const open = spawn('chmod', ['-R', 'u+w', folder]);
  await once(open, 'close');
  await rm(folder, { recursive: true, force: true });
}, PATIENCE_MS);

/** As the user of the image where that can be had, in its folder, with its node and with what it is told. */
const inside = (words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
  spawn(image.node, words.slice(1), {
    cwd: image.workdir,
    env: { PATH: [dirname(image.node), '/usr/bin', '/bin'].join(delimiter), ...image.env, ...env },
    ...(isRoot() ? { uid: image.uid, gid: image.uid } : {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const ended = async (child: ChildProcess): Promise<{ readonly code: number | null; readonly said: string }> => {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return { code: child.exitCode, said };
};

describe('the image, made without a Docker engine', () => {
  it('holds no package of development, and not what describes the infrastructure', () => {
    const there = (name: string): boolean => existsSync(join(image.workdir, 'node_modules', name));
    expect(['kafkajs', 'ioredis', 'lz4-napi', 'uplot'].filter((name) => !there(name))).toEqual([]);
    expect(['node', 'typescript', 'jest', 'aws-cdk-lib', 'cdk-nag', 'aws-cdk'].filter(there)).toEqual([]);
  });

  it('lets its user write nothing but its data', async () => {
    const write = (path: string) => inside(['node', '-e', `require('fs').writeFileSync(${JSON.stringify(path)}, '')`]);
    for (const path of ['x', 'services/main.ts', 'node_modules/x', '../x']) {
      const { code, said } = await ended(write(path));
      expect([path, code]).toEqual([path, 1]);
      expect(said).toMatch(/EACCES|EROFS/);
    }
    expect(await ended(write(join(image.env['DATA_DIR'] ?? '', 'x')))).toEqual({ code: 0, said: '' });
  });

  it.each([...ROLE_NAMES, 'local'])(
    'starts %s, which its health check finds well, and which ends with 0 at SIGTERM',
    async (role) => {
      const [port = 0] = await freePorts(1);
      const env = { PORT: String(port), ADMIN_PORT: '0', DATA_DIR: join(image.env['DATA_DIR'] ?? '', role) };
      const child = inside([...image.entrypoint, role], env);
      const end = ended(child);
      const started = new Promise<void>((resolve) => {
        child.stdout?.on('data', (text: string) => {
          if (text.includes('Playbeat is ready')) resolve();
        });
      });
      await Promise.race([started, end.then(({ said }) => Promise.reject(new Error(said)))]);
      expect(await ended(inside(image.health, env))).toEqual({ code: 0, said: '' });
      child.kill('SIGTERM');
      const { code, said } = await end;
      expect([code, said.match(/EACCES|EROFS|"level":"(error|fatal)"/)]).toEqual([0, null]);
      expect((await ended(inside(image.health, env))).code).toBe(1);
    },
    PATIENCE_MS,
  );
});
