import { setTimeout } from 'node:timers/promises';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from './http.ts';
import { startLoad } from './load.ts';
import { beat, start } from './player.ts';
import { randomOf } from './random.ts';
import { type Server, startServer } from './server.ts';
import { type Truth, truthIn } from './truth.ts';

export type KillsOptions = {
  readonly kills: number;
  readonly households: number;
  readonly seed: number;
  readonly onKill?: (kill: Kill) => void;
};

export type Kill = {
  readonly number: number;
  /** From the start of the new process to its first right answer about a stream that ran before the kill. */
  readonly restartMs: number;
  readonly acknowledged: number;
};

export type KillsReport = Truth & {
  readonly kills: readonly Kill[];
  readonly acknowledged: number;
  readonly sentAgain: number;
  readonly degraded: number;
};

const PARTITIONS = 4;
const [LEAST_MS, MOST_MS] = [150, 1_500];

/** Kills the service at random moments under load, and holds at the end what was answered against what was stored. */
export const runKills = async ({ kills, households, seed, onKill }: KillsOptions): Promise<KillsReport> => {
  const random = randomOf(seed);
  const server = await startServer({ PARTITIONS: String(PARTITIONS), LOG_LEVEL: 'info' });
  try {
    const load = startLoad({ url: server.url, households, seed, thinkMs: 2 });
    const witness = await playWitness(server, seed);
    const done: Kill[] = [];
    for (let number = 1; number <= kills; number++) {
      await setTimeout(LEAST_MS + random.next() * (MOST_MS - LEAST_MS));
      await witness.beat();
      await setTimeout(random.next() * 50);
      await server.kill('SIGKILL');
      const startedMs = performance.now();
      await server.restart();
      await witness.rightAnswer();
      const { acknowledged } = load.ledger;
      const kill = { number, restartMs: performance.now() - startedMs, acknowledged: acknowledged.length };
      done.push(kill);
      onKill?.(kill);
    }
    await load.finish();
    const ended = await server.kill('SIGTERM');
    const { ledger } = load;
    const truth = await truthIn(server.folder, ledger, { partitions: PARTITIONS });
    const violations = [
      ...truth.violations,
      ...ledger.wrong.slice(0, 5).map((answer) => `a player was answered ${answer}`),
      ...(ended.code === 0 ? [] : [`the last stop ended with ${ended.code}`]),
    ];
    return {
      ...truth,
      violations,
      kills: done,
      acknowledged: ledger.acknowledged.length,
      sentAgain: [...ledger.sent.values()].filter((times) => times > 1).length,
      degraded: ledger.degraded,
    };
  } finally {
    await server.close();
  }
};

/** One stream that runs all the time: what is right to say of it is known without the log. */
const playWitness = async (server: Server, seed: number) => {
  const fields = { accountId: `witness-${seed}`, sessionId: `witness-${seed}` };
  const again = async (body: unknown, path: string): Promise<void> => {
    while (
      (await send(server.url(), { path, body }).catch(() => null))?.status !== (path === '/v1/sessions' ? 201 : 202)
    ) {
      await setTimeout(20);
    }
  };
  let sequence = 0;
  await again(start(fields), '/v1/sessions');
  return {
    beat: () => again(beat({ ...fields, sequence: (sequence += 1) }), '/v1/heartbeats'),
    rightAnswer: async (): Promise<void> => {
      const path = `/v1/block-check?${new URLSearchParams(fields)}`;
      for (let tries = 0; tries < 1_000; tries++) {
        const answer = await send(server.url(), { path }).catch(() => null);
        const decision = answer?.status === 200 ? (answer.json as Decision) : null;
        const runs = decision?.active?.some((s) => s.sessionId === fields.sessionId) ?? false;
        if (runs && decision?.decision === 'allow' && !decision.degraded) return;
        await setTimeout(2);
      }
      throw new Error('no right answer after a restart');
    },
  };
};
