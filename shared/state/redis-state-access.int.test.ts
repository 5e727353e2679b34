import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startTcpProxy } from '../../tools/faults/tcp-proxy.ts';
import { makeCertificates } from '../../tools/stack/certificates.ts';
import { type OwnRedis, startOwnRedis } from '../../tools/stack/own-redis.ts';
import { forgetRedisState } from './redis-state-forget.ts';
import { openRedisState, type RedisStateOptions } from './redis-state.ts';
import { StateUnavailable } from './state-errors.ts';
import { checkpointAt, loadNow, rowOf } from './state.contract.ts';
import type { CommitOutcome, Owner, StateStore } from './state.ts';

const P = 'concurrency';
const USER = 'playbeat';
/** Has in it what means something in an address. */
const PASSWORD = 'p@ss:w/rd#7';
const COMMANDS = 'info evalsha eval hget hmget hset hdel zadd zrem zrangebyscore unlink time'.split(' ');

const stores: StateStore[] = [];
const heard: unknown[] = [];
type Access = Partial<RedisStateOptions> & Pick<RedisStateOptions, 'server'>;
const connected = async (access: Access): Promise<StateStore> => {
  const store = await openRedisState({ onError: (error) => heard.push(error), commandTimeoutMs: 1_000, ...access });
  stores.push(store);
  return store;
};
const open = async (store: StateStore, partition = 0): Promise<Owner> =>
  (await store.open({ processor: P, partition, discard: false })).owner;
const commit = async (
  store: StateStore,
  owner: Owner,
  [from, to]: readonly [number | null, number],
): Promise<CommitOutcome> =>
  await store.commit({ owner, from, to: checkpointAt(to), rows: new Map([['a', rowOf(to, 10)]]) });
/** What went wrong, with everything that hangs on it. */
const failureOf = async (access: Access): Promise<{ readonly error: StateUnavailable; readonly whole: string }> => {
  const error: unknown = await connected(access).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StateUnavailable);
  return { error: error as StateUnavailable, whole: inspect([error, heard], { depth: null, showHidden: true }) };
};

let alone: OwnRedis;
let cluster: OwnRedis;
beforeAll(async () => {
  alone = await startOwnRedis({ mode: 'single', tls: true });
  cluster = await startOwnRedis({ mode: 'cluster', tls: true });
});
beforeEach(async () => {
  await Promise.all([...alone.nodes, ...cluster.nodes].map(({ admin }) => admin.flushall()));
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  heard.length = 0;
});
afterAll(async () => {
  await alone?.stop();
  await cluster?.stop();
});

describe('the Redis state store over TLS', () => {
  it('works on one server whose authority it was given', async () => {
    const store = await connected({ server: { url: alone.first.url }, tls: { ca: alone.ca! } });
    const owner = await open(store);
    expect(await commit(store, owner, [null, 5])).toBe('committed');
    expect((await loadNow(store, owner, { keys: ['a'], due: 10 })).due).toHaveLength(1);
  });

  it('works on a cluster, found through one of its nodes', async () => {
    const store = await connected({ server: { cluster: [cluster.first.url] }, tls: { ca: cluster.ca! } });
    // So many partitions lie on all three nodes.
    for (let partition = 0; partition < 12; partition++) {
      expect(await commit(store, await open(store, partition), [null, 5])).toBe('committed');
    }
    const sizes = await Promise.all(cluster.nodes.map(({ admin }) => admin.dbsize()));
    expect(sizes.every((size) => size > 0)).toBe(true);
  });

  it('refuses a server whom another authority signed, or none that it knows, and says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'playbeat-certificates-'));
    try {
      const { ca } = await makeCertificates(folder);
      const unknown = 'cannot be had (self-signed certificate in certificate chain';
      for (const tls of [{ ca }, {}]) {
        const one = await failureOf({ server: { url: alone.first.url }, tls });
        expect(one.error.message).toContain(unknown);
        const many = await failureOf({ server: { cluster: cluster.nodes.map(({ url }) => url) }, tls });
        expect(many.error.message).toContain(unknown);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a server by a name that its certificate does not have', async () => {
    const tls = { ca: alone.ca!, servername: 'redis.example' };
    const { error } = await failureOf({ server: { url: alone.first.url }, tls });
    expect(error.message).toContain('redis.example');
  });
});

describe('the Redis state store as a user with a password', () => {
  const plain = (port: number): string => `redis://127.0.0.1:${port}`;
  const withPassword = (url: string, password: string): string =>
    url.replace('//', `//${USER}:${encodeURIComponent(password)}@`);
  const grant = async (password: string): Promise<void> => {
    const rights = ['reset', 'on', `>${password}`, '~playbeat:*', '-@all', ...COMMANDS.map((name) => `+${name}`)];
    const cluster_ = ['+cluster|slots', '+cluster|info', '+cluster|shards', '+ping'];
    for (const { admin } of alone.nodes) await admin.acl('SETUSER', USER, ...rights);
    for (const { admin } of cluster.nodes) await admin.acl('SETUSER', USER, ...rights, ...cluster_);
  };
  const servers = (): readonly (readonly [string, Access])[] => [
    ['one server', { server: { url: plain(alone.first.port) } }],
    ['a cluster', { server: { cluster: cluster.nodes.map(({ port }) => plain(port)) } }],
  ];
  beforeEach(() => grant(PASSWORD));

  it('does all that it does with no more rights than that takes, on one server and on a cluster', async () => {
    for (const [, access] of servers()) {
      const store = await connected({ ...access, username: USER, password: PASSWORD });
      const owner = await open(store);
      expect(await commit(store, owner, [null, 5])).toBe('committed');
      expect((await loadNow(store, owner, { keys: ['a'], due: 10 })).due).toHaveLength(1);
    }
  });

  it('is forgotten whole by one who may also scan, on one server and on a cluster, and nothing beside it', async () => {
    for (const { admin } of [...alone.nodes, ...cluster.nodes]) await admin.acl('SETUSER', USER, '+scan');
    for (const [name, access] of servers()) {
      const as = { server: access.server, username: USER, password: PASSWORD };
      for (const prefix of ['playbeat:one*', 'playbeat:one', 'playbeat:oned']) {
        const store = await connected({ ...as, prefix });
        for (let partition = 0; partition < 12; partition++)
          await commit(store, await open(store, partition), [null, 5]);
      }
      const nodes = 'url' in access.server ? alone.nodes : cluster.nodes;
      const count = async (): Promise<number> =>
        (await Promise.all(nodes.map((node) => node.admin.dbsize()))).reduce((sum, size) => sum + size, 0);
      const before = await count();
      // A head and rows in each of 12 partitions, and the times at which rows are due.
      expect([name, await forgetRedisState({ ...as, prefix: 'playbeat:one*' })]).toEqual([name, before / 3]);
      expect(await forgetRedisState({ ...as, prefix: 'playbeat:one' })).toBe(before / 3);
      expect(await count()).toBe(before / 3);
    }
  });

  it('takes them from the address, too, and shows them in no name', async () => {
    const store = await connected({ server: { url: withPassword(plain(alone.first.port), PASSWORD) } });
    expect(await commit(store, await open(store), [null, 5])).toBe('committed');
    await store.close();
    await expect(open(store)).rejects.toThrow(`in ${plain(alone.first.port)} is closed`);
  });

  it('says that a wrong password is wrong, or that one is asked for, without ever showing it', async () => {
    const wrong = 'hush-hush';
    for (const [, access] of servers()) {
      const { error, whole } = await failureOf({ ...access, username: USER, password: wrong });
      expect(error.message).toContain('(WRONGPASS invalid username-password pair');
      expect(whole).not.toContain(wrong);
    }
    const url = withPassword(plain(alone.first.port), wrong);
    const { error, whole } = await failureOf({ server: { url } });
    expect(error.message).toContain(`at ${plain(alone.first.port)} cannot be had (WRONGPASS`);
    expect(whole).not.toContain(wrong);
    for (const { admin } of alone.nodes) await admin.acl('SETUSER', 'default', 'resetpass', '>other');
    try {
      const none = await failureOf({ server: { url: plain(alone.first.port) } });
      expect(none.error.message).toContain('(NOAUTH');
    } finally {
      for (const { admin } of alone.nodes) await admin.acl('SETUSER', 'default', 'nopass');
    }
  });

  it('says what right it lacks before anything is changed', async () => {
    const store = await connected({ server: { url: plain(alone.first.port) }, username: USER, password: PASSWORD });
    await alone.first.admin.acl('SETUSER', USER, '-zadd');
    await expect(open(store)).rejects.toThrow(/can't run this command/);
    expect(await alone.first.admin.dbsize()).toBe(0);
  });

  it('says why it has no connection, when the password was changed while it ran, and goes on when it is right again', async () => {
    const proxy = await startTcpProxy({ to: alone.first.port });
    try {
      const access = { server: { url: plain(proxy.port) }, username: USER, password: PASSWORD };
      const store = await connected({ ...access, commandTimeoutMs: 200 });
      const owner = await open(store);
      await grant('another');
      proxy.cut('reset');
      // The first call may go out before the cut is noticed.
      await commit(store, owner, [null, 5]).catch(() => {});
      await expect(commit(store, owner, [null, 5])).rejects.toThrow('(WRONGPASS');
      expect(inspect(heard, { depth: null, showHidden: true })).not.toContain(PASSWORD);
      await grant(PASSWORD);
      let outcome: unknown = null;
      while (outcome !== 'committed') outcome = await commit(store, owner, [null, 5]).catch(() => null);
    } finally {
      await proxy.close();
    }
  });
});
