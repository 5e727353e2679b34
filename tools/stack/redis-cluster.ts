import { HOST } from './processes.ts';
import { askRedis } from './redis-ask.ts';

/** `port` is the one at which the client asks, `nodePort` the one by which nodes know each other. */
export type ClusterNode = { readonly port: number; readonly nodePort: number; readonly busPort: number };

/** Waits until it holds; a rejection is a no. */
export type Until<Node> = (node: Node, what: string, holds: () => Promise<boolean>) => Promise<void>;

const SLOTS = 16_384;

/**
 * Makes a cluster of new servers: the first ones are primaries with the slots in equal shares, the rest their replicas
 * in the same order. By hand, because `redis-cli --cluster create` waits by the second.
 */
export const formCluster = async <Node extends ClusterNode>(
  nodes: readonly Node[],
  primaries: number,
  until: Until<Node>,
): Promise<void> => {
  const share = SLOTS / primaries;
  for (const [i, node] of nodes.entries()) {
    if (i < primaries) {
      await askRedis(node.port, 'cluster', 'set-config-epoch', i + 1);
      const [first, next] = [Math.round(i * share), Math.round((i + 1) * share)];
      await askRedis(node.port, 'cluster', 'addslotsrange', first, next - 1);
    }
    // Each meets each: by hearsay it takes longer.
    const met = nodes.slice(0, i);
    await Promise.all(met.map((one) => askRedis(node.port, 'cluster', 'meet', HOST, one.nodePort, one.busPort)));
  }
  const knowsAll = async ({ port }: Node): Promise<boolean> => {
    const info = await askRedis(port, 'cluster', 'info');
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`);
  };
  await Promise.all(nodes.map((node) => until(node, 'the Redis cluster', () => knowsAll(node))));
  for (const [i, node] of nodes.slice(primaries).entries()) {
    const primary = (await askRedis(nodes[i % primaries]!.port, 'cluster', 'myid')).trim();
    await askRedis(node.port, 'cluster', 'replicate', primary);
  }
  // A client that asks a node which knows none of them yet goes without for seconds.
  const namesReplicas = async ({ port }: Node): Promise<boolean> => {
    const named = (await askRedis(port, 'cluster', 'slots')).split(/\s+/);
    return nodes.slice(primaries).every((replica) => named.includes(String(replica.port)));
  };
  await Promise.all(nodes.map((node) => until(node, 'the replicas of the Redis cluster', () => namesReplicas(node))));
};
