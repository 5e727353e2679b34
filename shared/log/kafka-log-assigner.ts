import kafkajs, { type PartitionAssigner } from 'kafkajs';

const { AssignerProtocol } = kafkajs;

/**
 * What a member had when it last heard from its group. Of two that had the same the newer generation is right: the other one
 * was away when the group went on without it.
 */
export type Claims = { generation: number; partitions: readonly number[] };

export type Claimant = { readonly id: string; readonly claims: Claims };

/** Not known yet: a member learns its generation with its first heartbeat in it. */
export const NO_CLAIMS: Claims = { generation: -1, partitions: [] };

/**
 * Each partition to one member, as many to each as to the others or one more, and no more of them to another member than that
 * takes. The same for the same input, in whatever order.
 */
export const assignSticky = (
  partitions: readonly number[],
  claimants: readonly Claimant[],
): ReadonlyMap<string, readonly number[]> => {
  const members = claimants.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const kept = new Map<string, number[]>(members.map(({ id }) => [id, []]));
  const owners = ownersOf(members);
  const free: number[] = [];
  for (const partition of partitions.toSorted((a, b) => a - b)) {
    const owner = owners.get(partition);
    if (owner === undefined) free.push(partition);
    else kept.get(owner)!.push(partition);
  }

  // Who has most keeps the one more.
  const least = Math.floor(partitions.length / members.length);
  const oneMore = partitions.length % members.length;
  const byMost = [...kept.values()].toSorted((a, b) => b.length - a.length);
  for (const [i, own] of byMost.entries()) free.push(...own.splice(least + (i < oneMore ? 1 : 0)));
  free.sort((a, b) => a - b);
  for (const [i, own] of byMost.entries()) {
    const quota = least + (i < oneMore ? 1 : 0);
    own.push(...free.splice(0, quota - own.length));
    own.sort((a, b) => a - b);
  }
  return kept;
};

const ownersOf = (members: readonly Claimant[]): ReadonlyMap<number, string> => {
  const owners = new Map<number, { readonly id: string; readonly generation: number }>();
  for (const { id, claims } of members) {
    for (const partition of claims.partitions) {
      const other = owners.get(partition);
      if (other === undefined || claims.generation > other.generation)
        owners.set(partition, { id, generation: claims.generation });
    }
  }
  return new Map([...owners].map(([partition, { id }]) => [partition, id]));
};

/** The name is part of the protocol: members with another one cannot be in the group. */
const NAME = 'playbeat-sticky';
/** Of the format that all clients of Kafka share, so that its tools can show it. */
const VERSION = 0;

/** For members that consume one topic. `claims` says what a member tells when it joins. */
export const stickyAssigner =
  (claims: () => Claims): PartitionAssigner =>
  ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(claims())),
      }),
    }),
    assign: async ({ members, topics }) => {
      const [topic = ''] = topics;
      const partitions = cluster.findTopicPartitionMetadata(topic).map((one) => one.partitionId);
      const claimants = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        claims: claimsOf(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      }));
      return [...assignSticky(partitions, claimants)].map(([memberId, own]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment: own.length === 0 ? {} : { [topic]: [...own] },
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });

/** A member that says nothing, or nonsense, had nothing. */
export const claimsOf = (userData: Buffer | undefined): Claims => {
  try {
    const said: unknown = JSON.parse(userData?.toString() ?? '');
    if (typeof said !== 'object' || said === null || !('generation' in said) || !('partitions' in said))
      return NO_CLAIMS;
    const { generation, partitions } = said;
    if (typeof generation !== 'number' || !Array.isArray(partitions)) return NO_CLAIMS;
    return { generation, partitions: partitions.filter((one): one is number => Number.isSafeInteger(one)) };
  } catch {
    return NO_CLAIMS;
  }
};
