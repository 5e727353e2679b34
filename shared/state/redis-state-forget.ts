import { Cluster } from 'ioredis';
import { createRedisClient, type RedisAccess } from './redis-client.ts';

/** Of one answer; the server looks at so many keys, whoever's they are. */
const KEYS_AT_ONCE = 1_000;
/** A server that others use may take its time. */
const ANSWER_MS = 10_000;

/**
 * Deletes all that the state store keeps under its prefix, and nothing else; answers how many keys that were. Needs the commands
 * SCAN and UNLINK. Nobody has the store open meanwhile.
 */
export const forgetRedisState = async ({
  prefix,
  ...access
}: Omit<RedisAccess, 'commandTimeoutMs'> & { readonly prefix: string }): Promise<number> => {
  const client = createRedisClient({ ...access, commandTimeoutMs: ANSWER_MS });
  // What goes wrong is heard by who asks.
  client.on('error', () => {});
  // Whatever a prefix has in it, it stands for itself.
  const match = `${prefix.replace(/[[\]*?\\]/g, '\\$&')}:{*`;
  try {
    await client.connect();
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    let deleted = 0;
    for (const node of nodes) {
      let cursor = '0';
      do {
        const [next, keys] = await node.scan(cursor, 'MATCH', match, 'COUNT', KEYS_AT_ONCE);
        // One by one: those of a node belong to many slots.
        const gone = await Promise.all(keys.map((key) => client.unlink(key)));
        deleted += gone.reduce((sum, count) => sum + count, 0);
        cursor = next;
      } while (cursor !== '0');
    }
    return deleted;
  } finally {
    client.disconnect();
  }
};
