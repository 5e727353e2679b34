import { randomUUID } from 'node:crypto';
import { connectRedis, type RedisConnectionOptions } from './redis-connection.ts';
import { gatherReads } from './redis-state-reading.ts';
import {
  changesOf,
  checkpointOfText,
  checkpointText,
  dueOf,
  fieldOf,
  keyOfField,
  rowOfText,
} from './redis-state-rows.ts';
import { COMMIT, LOAD, OPEN, READ, type Script, STAGE } from './redis-state-scripts.ts';
import { watchOffsets } from './redis-state-waiting.ts';
import { liveMs } from '../../schemas/time.ts';
import { NO_PACKING, type PackingFor } from './packing.ts';
import { StateClosed, StateUnavailable } from './state-errors.ts';
import type { Checkpoint, Commit, CommitOutcome, NotLoaded, Row, StateStore } from './state.ts';
import { realTimer } from './real-timer.ts';

/**
 * The state store of a cluster: Redis 7 or Valkey, one server or many. A call is one script on one partition, whose
 * keys share a hash tag; what a script does, nobody sees by halves. Redis may lose the newest commits when another
 * server takes over, and all of them when it is emptied: the next call says `rewound`, an opening finds an older
 * checkpoint or none, and the log repairs it.
 */
export type RedisStateOptions = Partial<RedisConnectionOptions> &
  Pick<RedisConnectionOptions, 'server' | 'onError'> & {
    /** Before every key, so that more than one installation may share a server. */
    readonly prefix?: string;
    /** How long after one answer the offset is asked for again, while somebody waits for it. */
    readonly pollMs?: number;
    /** How the rows of a processor are written. */
    readonly packing?: PackingFor;
  };

export const COMMAND_TIMEOUT_MS = 400;
export const POLL_MS = 5;
const RESTAGE_TIMES = 3;

/** Rows of the keys, keys due, their rows, where the next call starts and what it skips. */
type LoadAnswer = [NotLoaded] | ['loaded', (string | null)[], string[], (string | null)[], string | null, number];

type Kind = 'head' | 'rows' | 'timers' | 'staged';
/** In the order of the scripts' KEYS. */
const KINDS: readonly Kind[] = ['head', 'rows', 'timers'];
const WITH_STAGED: readonly Kind[] = [...KINDS, 'staged'];

export const openRedisState = async (options: RedisStateOptions): Promise<StateStore> => {
  const { prefix = 'playbeat', pollMs = POLL_MS, commandTimeoutMs = COMMAND_TIMEOUT_MS, after = realTimer } = options;
  const { packing = () => NO_PACKING } = options;
  if (!(commandTimeoutMs >= 50 && commandTimeoutMs <= 1_000)) {
    throw new RangeError(`commandTimeoutMs is ${commandTimeoutMs}; it must be 50 to 1000`);
  }
  const redis = await connectRedis({ ...options, commandTimeoutMs, after });
  let closed = false;

  const keyOf = (processor: string, partition: number, kind: Kind): string =>
    `${prefix}:{${processor}:${partition}}:${kind}`;

  /** An owner's call is tried twice when no answer comes: the scripts bear it. A reader has no time for that. */
  const run = (
    { script, kinds }: { readonly script: Script; readonly kinds: readonly Kind[] },
    { processor, partition }: { readonly processor: string; readonly partition: number },
    args: readonly (string | number)[],
  ): Promise<unknown> => {
    if (closed) throw new StateClosed(redis.name);
    const forMs = script === READ ? commandTimeoutMs : 2 * commandTimeoutMs;
    const keys = kinds.map((kind) => keyOf(processor, partition, kind));
    return redis.run(script, { keys, args, forMs });
  };

  const gathered = gatherReads<Checkpoint | null, string | null>();
  const watch = watchOffsets({
    after,
    everyMs: pollMs,
    offsetOf: async (processor, partition) => {
      const offset = await redis.hget(keyOf(processor, partition, 'head'), 'offset');
      return offset === null ? null : Number(offset);
    },
  });

  /** A large commit goes in parts, to where nobody looks; the last call takes them all in, in one step. */
  const store = async (commit: Commit): Promise<CommitOutcome> => {
    const { owner, from, to } = commit;
    const checkpoint = checkpointText(to);
    const changes = changesOf(commit, packing(owner.processor), Buffer.byteLength(checkpoint));
    const staged = changes.slice(0, -1);
    const id = `${owner.nonce}/${to.offset}`;
    const head = [owner.nonce, from ?? '', to.offset, checkpoint, id, staged.length];
    for (let times = 0; times < RESTAGE_TIMES; times++) {
      for (const [i, change] of staged.entries()) {
        const answer = await run({ script: STAGE, kinds: WITH_STAGED }, owner, [owner.nonce, id, i + 1, ...change]);
        if (answer !== 'staged') return answer as NotLoaded;
      }
      // What is staged may be gone where another server took over meanwhile.
      const outcome = await run({ script: COMMIT, kinds: staged.length === 0 ? KINDS : WITH_STAGED }, owner, [
        ...head,
        ...changes.at(-1)!,
      ]);
      if (outcome !== 'unstaged') return outcome as CommitOutcome;
    }
    return 'unknown';
  };

  return {
    open: async (request) => {
      const answer = await run({ script: OPEN, kinds: WITH_STAGED }, request, [
        request.discard ? '1' : '0',
        randomUUID(),
      ]);
      const [nonce, checkpoint] = answer as [string, string | null];
      return {
        owner: { processor: request.processor, partition: request.partition, nonce },
        checkpoint: checkpoint === null ? null : checkpointOfText(checkpoint),
      };
    },

    load: async ({ owner, from, keys, neededUntilMs, dueUntilMs }) => {
      const rows = new Map<string, Row>();
      const due: string[] = [];
      const packed = packing(owner.processor);
      const take = (names: readonly string[], found: readonly (string | null)[]): void => {
        for (const [i, text] of found.entries()) if (text !== null) rows.set(names[i]!, rowOfText(text, packed));
      };
      let start = '-inf';
      let skip = 0;
      for (let asked = keys; ; asked = []) {
        const args = [owner.nonce, from ?? '', dueUntilMs, start, skip, ...asked.map(fieldOf)];
        const answer = (await run({ script: LOAD, kinds: KINDS }, owner, args)) as LoadAnswer;
        if (answer[0] !== 'loaded') return answer[0];
        const [, texts, dueFields, dueTexts, next, skipped] = answer;
        const dueKeys = dueFields.map(keyOfField);
        take(asked, texts);
        take(dueKeys, dueTexts);
        for (const key of dueKeys) due.push(key);
        const cutMs = next === null ? null : liveMs(Number(next));
        if (cutMs === null || cutMs > neededUntilMs) return { rows, due: dueOf(due, rows), cutMs };
        start = String(next);
        skip = skipped;
      }
    },

    commit: async (commit) => {
      let outcome: CommitOutcome;
      try {
        outcome = await store(commit);
      } catch (error) {
        if (error instanceof StateUnavailable && error.maybeDone) return 'unknown';
        throw error;
      }
      const { owner, to } = commit;
      if (outcome === 'committed' || outcome === 'already') watch.reached(owner.processor, owner.partition, to.offset);
      return outcome;
    },

    read: async (processor, partition, keys) => {
      const { head, rows } = await gathered(`${processor}/${partition}`, keys, async (all) => {
        const answer = await run(
          { script: READ, kinds: KINDS.slice(0, 2) },
          { processor, partition },
          all.map(fieldOf),
        );
        const [checkpoint, texts] = answer as [string | null, (string | null)[]];
        return { head: checkpoint === null ? null : checkpointOfText(checkpoint), rows: texts };
      });
      const packed = packing(processor);
      return { rows: rows.map((text) => (text === null ? null : rowOfText(text, packed))), checkpoint: head };
    },

    waitFor: async (processor, partition, offset, timeoutMs) => {
      if (closed) throw new StateClosed(redis.name);
      return watch.wait({ processor, partition, offset, timeoutMs });
    },

    close: async () => {
      closed = true;
      watch.end();
      redis.close();
    },
  };
};
