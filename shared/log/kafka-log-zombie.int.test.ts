import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaLog } from './kafka-log.ts';
import { record, TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;
const PARTITIONS = 4;
const SESSION_MS = 1_000;

let kafka: OwnKafka;
beforeAll(async () => {
  kafka = await startOwnKafka(1);
}, START_MS);
afterAll(() => kafka?.stop(), PATIENCE_MS);

/** A member in a process of its own, that has more to do than it gets done, and says what it is told. */
const PROGRAM = `
  import { openKafkaLog } from ${JSON.stringify(new URL('./kafka-log.ts', import.meta.url).href)};
  import { setTimeout as sleep } from 'node:timers/promises';
  const say = (line) => console.log(JSON.stringify(line));
  const log = await openKafkaLog({ brokers: process.argv[1].split(','), clientId: 'member', partitions: ${PARTITIONS},
    sessionTimeoutMs: ${SESSION_MS}, maxBatchRecords: 5, onTrouble: (error) => say({ kind: 'trouble', text: String(error) }) });
  const consumption = await log.consume({ group: 'group', topic: ${JSON.stringify(TOPIC)},
    assigned: async (partition, groupOffset) => (say({ kind: 'assigned', partition }), groupOffset ?? 0),
    batch: async ({ partition, from, to }) => {
      say({ kind: 'batch', partition, from, to });
      await sleep(20);
      await consumption.commit(partition, to);
      return to;
    },
    revoked: async (partition) => say({ kind: 'revoked', partition }),
    failed: (partition, error) => say({ kind: 'failed', partition, text: String(error) }) });
  process.stdin.on('data', async () => { await log.close(); process.exit(); });`;

type Line = {
  readonly kind: 'assigned' | 'batch' | 'revoked' | 'failed' | 'trouble';
  readonly partition: number;
  readonly from?: number;
  readonly to?: number;
};

const startMember = () => {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM, kafka.brokers.join(',')];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await sleep(10);
  };
  return {
    lines,
    until,
    mine: (): number[] => {
      const held = new Set<number>();
      for (const { kind, partition } of lines)
        if (kind === 'assigned') held.add(partition);
        else if (kind === 'revoked' || kind === 'failed') held.delete(partition);
      return [...held];
    },
    signal: (name: NodeJS.Signals) => child.kill(name),
    close: async (): Promise<void> => {
      child.stdin.write('close\n');
      if (child.exitCode === null) await new Promise((resolve) => child.on('close', resolve));
    },
  };
};

describe('a member that was stopped for longer than its session', () => {
  it(
    'handles nothing of what it had until it is assigned anew, and gets its share again',
    async () => {
      const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', partitions: PARTITIONS });
      let stopped = false;
      const write = async (partition: number): Promise<void> => {
        for (let n = 0; !stopped; n++) {
          await log.append(
            TOPIC,
            partition,
            Array.from({ length: 10 }, (_, i) => record(`${n}.${i}`)),
          );
          await sleep(20);
        }
      };
      const writing = Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => write(partition)));

      const [one, two] = [startMember(), startMember()];
      await one.until(() => one.mine().length === 2 && two.mine().length === 2);
      const had = one.mine();
      await one.until(() => had.every((p) => one.lines.some((line) => line.kind === 'batch' && line.partition === p)));
      one.signal('SIGSTOP');
      await two.until(() => two.mine().length === PARTITIONS);
      await two.until(() => had.every((p) => two.lines.some((line) => line.kind === 'batch' && line.partition === p)));
      await sleep(2 * SESSION_MS);

      const before = one.lines.length;
      one.signal('SIGCONT');
      await one.until(() => one.lines.slice(before).filter(({ kind }) => kind === 'batch').length > 20);
      const after = one.lines.slice(before);
      const early = after.filter(
        (line, i) =>
          line.kind === 'batch' &&
          !after.slice(0, i).some(({ kind, partition }) => kind === 'assigned' && partition === line.partition),
      );
      expect(early).toEqual([]);
      const revoked = after.filter(({ kind }) => kind === 'revoked').slice(0, had.length);
      expect(revoked.map(({ partition }) => partition).sort()).toEqual(had.toSorted());
      await one.until(() => one.mine().length === 2 && two.mine().length === 2);
      expect([...one.mine(), ...two.mine()].sort()).toEqual([0, 1, 2, 3]);
      expect([...one.lines, ...two.lines].filter(({ kind }) => kind === 'failed')).toEqual([]);
      stopped = true;
      await writing;
      await Promise.all([one.close(), two.close(), log.close()]);
    },
    2 * PATIENCE_MS,
  );
});
