import type { TopicName } from '../../schemas/topics.ts';
import type { Delivery } from './embedded-log-delivery.ts';
import type { Consumer, Consumption } from './log.ts';

/** Consumer groups inside one process: member i of n has the partitions p with p mod n = i. */
export type Groups = {
  join(consumer: Consumer): Promise<Consumption>;
  close(): Promise<void>;
};

type Member = { readonly consumer: Consumer; readonly deliveries: Map<number, Delivery> };
type Group = {
  members: Member[];
  /** One rebalance after the other. */
  turn: Promise<void>;
};

export type GroupsOptions = {
  partitionsOf(topic: TopicName): number;
  start(consumer: Consumer, partition: number): Delivery;
  /** Called for partitions that the member has, and for no others. */
  commit(consumer: Consumer, partition: number, offset: number): void;
  /** How long a member may take to let go of a partition. */
  readonly graceMs: number;
};

export const openGroups = ({ partitionsOf, start, commit, graceMs }: GroupsOptions): Groups => {
  const groups = new Map<string, Group>();

  const groupOf = ({ group, topic }: Consumer): Group => {
    const name = JSON.stringify([group, topic]);
    const known = groups.get(name);
    if (known !== undefined) return known;
    const made: Group = { members: [], turn: Promise.resolve() };
    groups.set(name, made);
    return made;
  };

  const stopAll = async (member: Member, which: (partition: number) => boolean): Promise<void> => {
    const stopping = [...member.deliveries].filter(([partition]) => which(partition));
    await Promise.all(
      stopping.map(async ([partition, delivery]) => {
        await delivery.stop(graceMs);
        member.deliveries.delete(partition);
      }),
    );
  };

  /** First every member lets go of what it is to lose, then every partition without a member is given out. */
  const rebalance = (group: Group, leaving: readonly Member[]): Promise<void> => {
    group.turn = group.turn.then(async () => {
      const { members } = group;
      const ownerOf = (partition: number): Member | undefined => members[partition % members.length];
      await Promise.all([
        ...leaving.map((member) => stopAll(member, () => true)),
        ...members.map((member) => stopAll(member, (partition) => ownerOf(partition) !== member)),
      ]);
      const topic = members[0]?.consumer.topic;
      for (let partition = 0; topic !== undefined && partition < partitionsOf(topic); partition++) {
        const owner = ownerOf(partition);
        if (owner === undefined || owner.deliveries.has(partition)) continue;
        owner.deliveries.set(partition, start(owner.consumer, partition));
      }
    });
    return group.turn;
  };

  const leave = (group: Group, member: Member): Promise<void> => {
    if (!group.members.includes(member)) return group.turn;
    group.members = group.members.filter((one) => one !== member);
    return rebalance(group, [member]);
  };

  return {
    join: async (consumer) => {
      const group = groupOf(consumer);
      const member: Member = { consumer, deliveries: new Map() };
      group.members = [...group.members, member];
      // Not awaited: another member may take its grace to let go, and this one is a member already.
      void rebalance(group, []);
      return {
        commit: async (partition, offset) => {
          // What a former owner says late must not set the group back.
          if (member.deliveries.has(partition)) commit(consumer, partition, offset);
        },
        close: () => leave(group, member),
      };
    },
    close: async () => {
      await Promise.all(
        [...groups.values()].map((group) => {
          const leaving = group.members;
          group.members = [];
          return rebalance(group, leaving);
        }),
      );
    },
  };
};
