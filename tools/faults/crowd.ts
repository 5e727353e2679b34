import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision, IngestResponse } from '../../schemas/generated/http.ts';
import { type Response, send } from '../../services/testing/http.ts';
import { beat, start } from '../../services/testing/player.ts';

/** Viewers whose streams run as they should, each on an account of its own: what they are told is known beforehand. */
export type Crowd = {
  readonly seen: Seen;
  /** Starts every stream; throws when one is refused. */
  begin(): Promise<void>;
  /** Beats go on, each stream's in its own rhythm, until `end`. */
  play(): void;
  /** Who holds no slot, by a block-check. */
  withoutSlot(): Promise<readonly string[]>;
  end(): Promise<void>;
};

export type Seen = {
  accepted: number;
  /** Told to stop, though nobody took their slot. */
  stopped: string[];
  degraded: number;
  unavailable: number;
  /** No answer, or one that nobody should get. */
  failed: string[];
  /** How long each beat waited for its answer, ms. */
  readonly tookMs: number[];
};

export type CrowdOptions = {
  readonly name: string;
  readonly size: number;
  readonly intervalMs: number;
  /** Asked before each call. */
  readonly url: () => string;
};

const AT_ONCE = 32;
const TIMEOUT_MS = 5_000;
const MOST_TRIES = 20;
const RETRY_MS = 500;

/** So many at a time. */
export const inTurns = async <T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item);
    }),
  );
};

/** Before anything is broken on purpose a busy machine is no fault: what is answered 503 is asked again, as players do. */
export const untilTaken = async (ask: () => Promise<Response>): Promise<Response> => {
  for (let tries = 1; ; tries++) {
    const answer = await ask();
    if (answer.status !== 503 || tries === MOST_TRIES) return answer;
    await sleep(RETRY_MS);
  }
};

export const startCrowd = ({ name, size, intervalMs, url }: CrowdOptions): Crowd => {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const seen: Seen = { accepted: 0, stopped: [], degraded: 0, unavailable: 0, failed: [], tookMs: [] };
  const accounts = Array.from({ length: size }, (_, i) => `${name}-${i}`);
  let playing: Promise<unknown> = Promise.resolve();
  let ending = false;

  const call = (path: string, body?: unknown): Promise<Response> =>
    send(url(), { path, agent, timeoutMs: TIMEOUT_MS, ...(body === undefined ? {} : { body }) });

  const beatOnce = async (accountId: string, sequence: number): Promise<void> => {
    const startedMs = performance.now();
    const answer = await call('/v1/heartbeats', beat({ accountId, sequence })).catch((error: unknown) => String(error));
    seen.tookMs.push(performance.now() - startedMs);
    if (typeof answer === 'string') seen.failed.push(answer);
    else if (answer.status === 503) seen.unavailable += 1;
    else if (answer.status !== 202) seen.failed.push(`${answer.status} ${answer.text}`);
    else {
      seen.accepted += 1;
      const decision = (answer.json as IngestResponse).results[0]?.decision;
      if (decision?.degraded === true) seen.degraded += 1;
      if (decision?.decision === 'stop') seen.stopped.push(`${accountId}: ${decision.reason}`);
    }
  };
  const playOne = async (accountId: string, index: number): Promise<void> => {
    await sleep((intervalMs * index) / size);
    for (let sequence = 1; !ending; sequence++) {
      const next = sleep(intervalMs);
      await beatOnce(accountId, sequence);
      await next;
    }
  };

  return {
    seen,
    begin: () =>
      inTurns(accounts, AT_ONCE, async (accountId) => {
        const answer = await untilTaken(() => call('/v1/sessions', start({ accountId })));
        if (answer.status !== 201) throw new Error(`${accountId} was answered ${answer.status} ${answer.text}`);
      }),
    play: () => {
      playing = Promise.all(accounts.map(playOne));
    },
    withoutSlot: async () => {
      const without: string[] = [];
      await inTurns(accounts, AT_ONCE, async (accountId) => {
        const answer = await call(`/v1/block-check?accountId=${accountId}&sessionId=s-1`);
        const { active } = answer.json as Decision;
        if (active?.some(({ sessionId }) => sessionId === 's-1') !== true) without.push(accountId);
      });
      return without;
    },
    end: async () => {
      ending = true;
      await playing;
      agent.destroy();
    },
  };
};
