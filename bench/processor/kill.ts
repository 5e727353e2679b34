import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from '../../services/testing/http.ts';
import type { Log } from '../../shared/log/log.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import { PARTITIONS } from '../lives.ts';
import type { Program } from '../processes.ts';
import { accountKeyOf, beatOf, startRecord } from '../records.ts';
import { startFeed } from './feed.ts';

export type Killed = {
  /** From the kill to the first right answer about a stream that was started after it, and until there is one in every partition. */
  readonly firstMs: number;
  readonly allMs: number;
};

export type KillOptions = {
  readonly owner: Program;
  readonly launch: () => Promise<Program>;
  readonly log: Log;
  readonly perSecond: number;
  readonly accounts: number;
  /** 1 for the first of them. */
  readonly number: number;
};

const ASK_MS = 5;
const LONGEST_MS = 60_000;
/** More than any feed makes, and more accounts than all of them start. */
const FEED_RECORDS = 10_000_000;
const WITNESSES = 1_000_000_000;

/** Kills the processor under load and starts another at once. */
export const killed = async (options: KillOptions): Promise<{ readonly killed: Killed; readonly owner: Program }> => {
  const { log, perSecond, accounts, number } = options;
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const feed = startFeed({ log, perSecond, accounts, made: number * FEED_RECORDS, onFed: () => {}, onError });
  await sleep(1_000);
  await options.owner.stop('SIGKILL');
  const killedMs = performance.now();
  const owner = await options.launch();
  const witnesses = onePerPartition(accounts + WITNESSES * number);
  const times = await Promise.all(
    witnesses.map(async (account, partition) => {
      await log.append(concurrency.input, partition, [startRecord(account, Date.now())]);
      await rightAnswer(owner, account);
      return performance.now() - killedMs;
    }),
  );
  await feed.stop();
  if (errors.length > 0) throw errors[0];
  return { owner, killed: { firstMs: Math.min(...times), allMs: Math.max(...times) } };
};

const onePerPartition = (from: number): readonly number[] => {
  const found: number[] = [];
  for (let account = from, left = PARTITIONS; left > 0; account++) {
    const partition = partitionOf(accountKeyOf(account), PARTITIONS);
    if (found[partition] !== undefined) continue;
    found[partition] = account;
    left -= 1;
  }
  return found;
};

/** The stream is known and may go on, by a state that is not behind. */
const rightAnswer = async ({ port }: Program, account: number): Promise<void> => {
  const { accountId, sessionId } = beatOf(account, 0, 0);
  const path = `/v1/block-check?${new URLSearchParams({ accountId, sessionId })}`;
  const until = performance.now() + LONGEST_MS;
  while (performance.now() < until) {
    const answer = await send(`http://127.0.0.1:${port}`, { path }).catch(() => null);
    const decision = answer?.status === 200 ? (answer.json as Decision) : null;
    const runs = decision?.active?.some((session) => session.sessionId === sessionId) ?? false;
    if (runs && decision?.decision === 'allow' && !decision.degraded) return;
    await sleep(ASK_MS);
  }
  throw new Error(`no right answer ${LONGEST_MS} ms after a kill`);
};
