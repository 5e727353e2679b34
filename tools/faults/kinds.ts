import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleName } from '../../services/roles.ts';
import type { Random } from '../../services/testing/random.ts';
import type { World } from './world.ts';

/** Does harm, and mends it: resolves when what was broken is whole again, as far as it is not for the platform to mend. */
export type Fault = (world: World, random: Random) => Promise<void>;

const SECOND_MS = 1_000;

const victim = ({ cluster }: World, role: RoleName, random: Random): number =>
  random.pick(cluster.processes.list().filter((one) => one.role === role)).pid;

const killed =
  (role: RoleName): Fault =>
  async (world, random) => {
    process.kill(victim(world, role, random), 'SIGKILL');
  };

/** An owner is past the time-out of its session when it goes on: a zombie. */
const stopped =
  (role: RoleName, ms: number): Fault =>
  async (world, random) => {
    const pid = victim(world, role, random);
    process.kill(pid, 'SIGSTOP');
    await sleep(ms);
    process.kill(pid, 'SIGCONT');
  };

const replaced =
  (role: RoleName): Fault =>
  async ({ cluster }, random) => {
    const { name } = random.pick(cluster.processes.list().filter((one) => one.role === role));
    await cluster.processes.replace(name);
  };

const brokerKilled: Fault = async ({ kafka }, random) => {
  const id = 1 + random.below(kafka.brokers.length);
  await kafka.kill(id);
  await sleep(8 * SECOND_MS);
  await kafka.restart(id);
};

/** Kafka does this 5 minutes after a broker is back: leaders and coordinators move while nothing is broken. */
const leadersMoveBack: Fault = async (world, random) => {
  await brokerKilled(world, random);
  await world.kafka.moveLeadersBack();
};

/** They hang: nothing is closed, nothing is answered. */
const brokersFrozen: Fault = async ({ kafka }) => {
  const ids = kafka.brokers.map((_, i) => i + 1);
  ids.forEach(kafka.freeze);
  await sleep(4 * SECOND_MS);
  ids.forEach(kafka.thaw);
};

const registryCut: Fault = async ({ registryLine }) => {
  registryLine.refuse();
  registryLine.cut('reset');
  await sleep(5 * SECOND_MS);
  await registryLine.accept();
};

const redisCut: Fault = async ({ redis: { line } }) => {
  line.refuse();
  line.cut('reset');
  await sleep(4 * SECOND_MS);
  await line.accept();
};

const redisHalfOpen: Fault = async ({ redis: { line } }) => {
  line.answers('drop');
  await sleep(4 * SECOND_MS);
  line.answers('pass');
};

const redisSlow: Fault = async ({ redis: { line } }) => {
  line.answers({ latencyMs: 20, jitterMs: 20 });
  await sleep(8 * SECOND_MS);
  line.answers('pass');
};

const oneOwnerMoreAndLess: Fault = async ({ cluster: { processes } }) => {
  const owners = processes.list().filter(({ role }) => role === 'concurrency').length;
  await processes.scale('concurrency', owners + 1);
  await sleep(5 * SECOND_MS);
  await processes.scale('concurrency', owners);
};

export const FAULTS = {
  'owner killed': killed('concurrency'),
  'ingest killed': killed('ingest'),
  'owner stopped for 6 s': stopped('concurrency', 6 * SECOND_MS),
  'ingest stopped for 4 s': stopped('ingest', 4 * SECOND_MS),
  'owner replaced': replaced('concurrency'),
  'ingest replaced': replaced('ingest'),
  'one owner more, then one less': oneOwnerMoreAndLess,
  'broker killed for 8 s': brokerKilled,
  'broker killed for 8 s, leaders move back': leadersMoveBack,
  'all brokers frozen for 4 s': brokersFrozen,
  'registry cut off for 5 s': registryCut,
  'Redis fails over': ({ redis }, random) => redis.failOver(random.below(400)),
  'Redis wiped': ({ redis }) => redis.wipe(),
  'Redis cut off for 4 s': redisCut,
  'Redis half open for 4 s': redisHalfOpen,
  'Redis slow for 8 s': redisSlow,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** Each once, in an order that the seed gives, then again. */
export function* faultsInOrder(random: Random, names: readonly FaultName[]): Generator<FaultName, never> {
  for (;;) {
    const left = [...names];
    while (left.length > 0) yield left.splice(random.below(left.length), 1)[0]!;
  }
}
