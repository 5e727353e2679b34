import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './processes.ts';
import { listens, ownStack, type OwnStack } from './testing.ts';

/** `npm test` has fetched the jars before; where it did not run, the first start does. */
const START_MS = 300_000;

let own: OwnStack;
beforeEach(() => {
  own = ownStack();
});
afterEach(() => own.end(), START_MS);

const runs = (pid: number): boolean => isRunning({ pid, mark: '' });
const pidsOf = async (): Promise<number[]> => ((await own.stack('status')).out.match(/\d+/g) ?? []).map(Number);

describe('npm run stack', () => {
  it(
    'starts what was asked for, once, also when that is asked for twice at the same moment, and leaves nothing behind',
    async () => {
      const first = await own.stack('up --only kafka,redis --json');
      expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^\{"env":\{.*\}\}\n$/) });
      const { env } = JSON.parse(first.out) as { env: Record<string, string> };
      expect(Object.keys(env)).toEqual(['KAFKA_BROKERS', 'REDIS_URL']);
      const addresses = [`tcp://${env['KAFKA_BROKERS']}`, env['REDIS_URL']!];
      for (const address of addresses) expect(await listens(address)).toBe(true);

      const twice = await Promise.all([own.up('--only kafka,redis'), own.up('--only kafka,redis')]);
      expect(twice).toEqual([env, env]);
      // A shell that has taken over what was printed asks for the same again.
      expect(await own.up('--only kafka,redis', env)).toEqual(env);
      expect((await own.stack('status')).out).toMatch(/^kafka +runs +\d+\nredis +runs +\d+\n$/);
      expect((await own.stack('up --only kafka,redis')).out).toBe(
        `export KAFKA_BROKERS=${env['KAFKA_BROKERS']}\nexport REDIS_URL=${env['REDIS_URL']}\n`,
      );

      const pids = await pidsOf();
      expect(pids.filter(runs)).toHaveLength(2);
      expect(await own.stack('down')).toEqual({ code: 0, out: '', err: '' });
      expect(pids.filter(runs)).toEqual([]);
      for (const address of addresses) expect(await listens(address)).toBe(false);
      expect(readdirSync(own.folder)).toEqual([]);
      expect(await own.stack('status')).toMatchObject({
        code: 1,
        out: expect.stringContaining('npm run stack -- up'),
      });
      expect(await own.stack('down')).toEqual({ code: 0, out: '', err: '' });
    },
    START_MS,
  );

  it(
    'says that a part is down that lost a program, and makes it anew, as it was',
    async () => {
      const env = await own.up('--only kafka,redis --redis replica');
      const [kafka, , replica] = await pidsOf();
      for (const pid of [kafka!, replica!]) process.kill(pid, 'SIGKILL');
      while (runs(kafka!) || runs(replica!)) await sleep(10);
      const status = await own.stack('status');
      expect(status).toMatchObject({ code: 1, out: expect.stringMatching(/^kafka +is down .*\nredis +is down .*\n$/) });
      const anew = await own.up('--only kafka,redis');
      expect(Object.keys(anew)).toEqual(['KAFKA_BROKERS', 'REDIS_URL', 'REDIS_REPLICA_URL']);
      expect(await listens(`tcp://${anew['KAFKA_BROKERS']}`)).toBe(true);
      expect(await listens(env['REDIS_URL']!)).toBe(false);
      expect(await own.stack('status')).toMatchObject({ code: 0 });
    },
    START_MS,
  );

  it(
    'changes nothing and says what to do, when something else is asked for than what runs',
    async () => {
      const env = await own.up('--only redis');
      const refused = await own.stack('up --only redis --redis cluster --json');
      expect(refused).toMatchObject({ code: 1, out: '' });
      expect(refused.err).toBe(
        'redis runs with --redis single, not cluster. What it holds would be lost; end it with: npm run stack -- down\n',
      );
      const foreign = await own.stack('up --only redis', { REDIS_URL: 'redis://redis.example:6379' });
      expect(foreign).toMatchObject({ code: 1, out: '' });
      expect(foreign.err).toMatch(/^redis runs already, and REDIS_URL names another, .*npm run stack -- down\n$/);
      expect(await own.up('--only redis')).toEqual(env);
      expect(await own.up('--only redis --redis single')).toEqual(env);
      expect(await own.stack('down')).toMatchObject({ code: 0 });
      expect((await own.up('--only redis --redis cluster'))['REDIS_URL']!.split(',')).toHaveLength(3);
    },
    START_MS,
  );

  it('uses what the environment names instead of starting it', async () => {
    const addresses = { KAFKA_BROKERS: 'kafka.example:9092', REDIS_URL: 'redis://redis.example:6379' };
    expect(await own.up('--only kafka,redis', addresses)).toEqual(addresses);
    expect(await own.stack('status')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^kafka +elsewhere *\nredis +elsewhere *\n$/),
    });
    // And no more, when it names nothing.
    const env = await own.up('--only redis');
    expect(env['REDIS_URL']).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(env['KAFKA_BROKERS']).toBe('kafka.example:9092');
  });

  it('names what is missing with the command that installs it', async () => {
    const bare = { PATH: own.folder, JAVA_HOME: '', XDG_CACHE_HOME: join(own.folder, 'cache') };
    const install = 'apt-get install -y --no-install-recommends';
    const kafka = await own.stack('up --only kafka', bare);
    expect(kafka).toMatchObject({ code: 1, out: '' });
    expect(kafka.err).toContain(`${install} openjdk-17-jdk-headless`);
    for (const part of ['dynamodb', 'registry']) {
      expect((await own.stack(`up --only ${part}`, bare)).err).toContain(`${install} openjdk-17-jdk-headless`);
    }
    expect((await own.stack('up --only redis', bare)).err).toContain(`${install} redis-server`);
    expect((await own.stack('status')).code).toBe(1);
  });

  it('says how it is used', async () => {
    expect(await own.stack('')).toMatchObject({ code: 2, err: expect.stringContaining('stack up [--only kafka') });
    expect(await own.stack('up --only kafak')).toMatchObject({ code: 2 });
    expect(await own.stack('up --redis sentinel')).toMatchObject({
      code: 2,
      err: '--redis is one of single, replica, cluster, cluster-replicas, not sentinel.\n',
    });
  });

  it.each(['startOwnKafka(1)', "startOwnRedis({ mode: 'cluster' })"])(
    'ends what %s started with its process, also when that is killed with -9',
    async (call) => {
      const module = call.startsWith('startOwnKafka') ? 'own-kafka.ts' : 'own-redis.ts';
      const program = `
        import * as own from ${JSON.stringify(join(import.meta.dirname, module))};
        const started = await own.${call};
        console.log((started.brokers ?? started.nodes.map(({ url }) => url.slice(8))).join(' '));
        setInterval(() => {}, 1_000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, TMPDIR: own.folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const addresses = line.toString().trim().split(' ');
      for (const address of addresses) expect(await listens(`tcp://${address}`)).toBe(true);
      child.kill('SIGKILL');
      for (const address of addresses) while (await listens(`tcp://${address}`)) await sleep(50);
      while (readdirSync(own.folder).length > 0) await sleep(50);
    },
    START_MS,
  );
});
