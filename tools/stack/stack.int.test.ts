import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The first start fetches the jars. */
const START_MS = 300_000;

describe('npm run stack', () => {
  let folder: string;
  beforeEach(() => {
    // A temporary folder of its own: a stack that somebody works with stays as it is.
    folder = mkdtempSync(join(tmpdir(), 'playbeat-stack-test-'));
  });
  afterEach(async () => {
    await stack(['down']);
    rmSync(folder, { recursive: true });
  }, START_MS);

  const run = async (args: readonly string[], env: NodeJS.ProcessEnv) => {
    const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: folder, ...env } });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out: out.join(''), err: err.join('') };
  };
  const stack = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run([join(import.meta.dirname, 'main.ts'), ...args], env);
  const envOf = (line: string) => (JSON.parse(line) as { env: Record<string, string> }).env;
  const listens = (address: string): Promise<boolean> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(address);
      const socket = connect(Number(port), hostname, () => (socket.destroy(), resolve(true)));
      socket.on('error', () => resolve(false));
    });

  it(
    'starts what was asked for, once, and leaves nothing behind',
    async () => {
      const first = await stack(['up', '--only', 'kafka,redis', '--json']);
      expect(first).toMatchObject({ code: 0, err: '' });
      expect(first.out.trim().split('\n')).toHaveLength(1);
      const env = envOf(first.out);
      expect(Object.keys(env)).toEqual(['KAFKA_BROKERS', 'REDIS_URL']);
      expect(await listens(`tcp://${env['KAFKA_BROKERS']}`)).toBe(true);
      expect(await listens(env['REDIS_URL']!)).toBe(true);

      const [again, twice] = await Promise.all([1, 2].map(() => stack(['up', '--only', 'kafka,redis', '--json'])));
      expect([envOf(again!.out), envOf(twice!.out)]).toEqual([env, env]);
      expect((await stack(['status'])).out).toMatch(/^kafka +runs +\d+\nredis +runs +\d+\n$/);

      expect(await stack(['down'])).toEqual({ code: 0, out: '', err: '' });
      expect(await listens(`tcp://${env['KAFKA_BROKERS']}`)).toBe(false);
      expect(await listens(env['REDIS_URL']!)).toBe(false);
      expect(readdirSync(folder)).toEqual([]);
      expect(await stack(['status'])).toMatchObject({ code: 1, out: expect.stringContaining('npm run stack -- up') });
    },
    START_MS,
  );

  it('uses what the environment names instead of starting it', async () => {
    const addresses = { KAFKA_BROKERS: 'kafka.example:9092', REDIS_URL: 'redis://redis.example:6379' };
    const { out } = await stack(['up', '--only', 'kafka,redis', '--json'], addresses);
    expect(envOf(out)).toEqual(addresses);
    expect((await stack(['status'])).out).toMatch(/^kafka +elsewhere *\nredis +elsewhere *\n$/);
  });

  it('names what is missing with the command that installs it', async () => {
    const bare = { PATH: folder, JAVA_HOME: '', XDG_CACHE_HOME: join(folder, 'cache') };
    const kafka = await stack(['up', '--only', 'kafka'], bare);
    expect(kafka).toMatchObject({ code: 1, out: '' });
    expect(kafka.err).toContain('apt-get install -y --no-install-recommends openjdk-17-jdk-headless');
    const redis = await stack(['up', '--only', 'redis'], bare);
    expect(redis.err).toContain('apt-get install -y --no-install-recommends redis-server');
  });

  it('says how it is used', async () => {
    expect(await stack([])).toMatchObject({ code: 2, err: expect.stringContaining('stack up [--only kafka') });
    expect(await stack(['up', '--only', 'kafak'])).toMatchObject({ code: 2 });
  });

  it(
    'ends a Kafka that belongs to a process with that process, also when it is killed with -9',
    async () => {
      const program = `
        import { startOwnKafka } from ${JSON.stringify(join(import.meta.dirname, 'own-kafka.ts'))};
        const kafka = await startOwnKafka(1);
        console.log(kafka.brokers[0]);
        setInterval(() => {}, 1_000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const address = `tcp://${line.toString().trim()}`;
      expect(await listens(address)).toBe(true);
      child.kill('SIGKILL');
      while ((await listens(address)) || readdirSync(folder).length > 0) await sleep(50);
    },
    START_MS,
  );
});
