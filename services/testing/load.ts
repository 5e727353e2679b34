import { setTimeout } from 'node:timers/promises';
import type { Decision, IngestResponse } from '../../schemas/generated/http.ts';
import { type Request, type Response, send } from './http.ts';
import { beat, start } from './player.ts';
import { randomOf } from './random.ts';

/**
 * Households that start, beat and stop without end, and send again what was not answered, until it is. It keeps what
 * was acknowledged, to be held against the log.
 */
export type Load = {
  readonly ledger: Ledger;
  /** Lets every household finish what it is at. The service must be up. */
  finish(): Promise<void>;
};

export type Ledger = {
  /** What was answered 2xx: which record lies at that position. */
  readonly acknowledged: Acknowledged[];
  /** How often each beat was sent, by `session/sequence`. */
  readonly sent: Map<string, number>;
  /** Every decision that was answered undegraded, with the position that it includes. */
  readonly decisions: Decision[];
  /** Answers that no player should get, whatever happens to the service. */
  readonly wrong: string[];
  /** Answers of 503, which say that the same call may succeed later. */
  unavailable: number;
  /** Calls without an answer, from whoever stands before the service either. */
  lost: number;
  degraded: number;
  /** The greatest age of what an answer was decided from, in milliseconds. */
  oldestMs: number;
  calls: number;
};

export type Acknowledged = {
  readonly kind: 'beat' | 'stop';
  readonly position: string;
  readonly sessionId: string;
  readonly sequence: number;
};

type Session = { readonly accountId: string; readonly sessionId: string; readonly deviceId: string; sequence: number };

export type LoadOptions = {
  /** Asked before each call: a restart changes it. */
  readonly url: () => string;
  readonly households: number;
  readonly seed: number;
  /** How long a household waits between two calls. */
  readonly thinkMs: number;
};

const DEVICES = ['tv', 'phone', 'tablet', 'laptop'];
const CALL_TIMEOUT_MS = 3_000;
/** Bad gateway, gateway timeout: the process behind it ended or stands still. */
const FROM_A_BALANCER = [502, 504];

export const startLoad = ({ url, households, seed, thinkMs }: LoadOptions): Load => {
  const ledger: Ledger = {
    acknowledged: [],
    sent: new Map(),
    decisions: [],
    wrong: [],
    unavailable: 0,
    lost: 0,
    degraded: 0,
    oldestMs: 0,
    calls: 0,
  };
  let finishing = false;

  /** The same call until it is answered, as a player does it: no answer, 5xx and 429 mean again. */
  const untilAnswered = async (request: Request, onAgain: () => void): Promise<Response> => {
    for (;;) {
      ledger.calls += 1;
      const answer = await send(url(), { ...request, timeoutMs: CALL_TIMEOUT_MS }).catch(() => null);
      if (answer !== null && answer.status < 500) return answer;
      if (answer === null || FROM_A_BALANCER.includes(answer.status)) ledger.lost += 1;
      else if (answer.status === 503) ledger.unavailable += 1;
      else ledger.wrong.push(`${answer.status} ${answer.text}`);
      onAgain();
      await setTimeout(20 + ((ledger.calls * 7) % 30));
    }
  };
  const heard = (decision: Decision | undefined): void => {
    if (decision === undefined) return;
    ledger.oldestMs = Math.max(ledger.oldestMs, Date.now() - decision.asOfMs);
    if (decision.degraded || decision.position === null) ledger.degraded += 1;
    else ledger.decisions.push(decision);
  };
  const expect = (answer: Response, statuses: readonly number[]): boolean => {
    if (statuses.includes(answer.status)) return true;
    ledger.wrong.push(`${answer.status} ${answer.text}`);
    return false;
  };

  const household = async (number: number): Promise<void> => {
    const random = randomOf(seed * 1_000 + number);
    const accountId = `household-${seed}-${number}`;
    const sessions: Session[] = [];
    let started = 0;

    const startOne = async (): Promise<void> => {
      const sessionId = `${accountId}-s${(started += 1)}`;
      const session = { accountId, sessionId, deviceId: random.pick(DEVICES), sequence: 0 };
      const body = { ...start(session), requestId: `start-${sessionId}` };
      const answer = await untilAnswered({ path: '/v1/sessions', body }, () => {});
      if (!expect(answer, [201, 409])) return;
      heard(answer.json as Decision);
      sessions.push(session);
      if (sessions.length > 4) sessions.shift();
    };
    const stopOne = async (): Promise<void> => {
      const { sessionId } = sessions.splice(random.below(sessions.length), 1)[0]!;
      const body = { accountId, requestId: `stop-${sessionId}` };
      const answer = await untilAnswered({ path: `/v1/sessions/${sessionId}/stop`, body }, () => {});
      if (!expect(answer, [202])) return;
      const { position } = answer.json as { position: string };
      ledger.acknowledged.push({ kind: 'stop', position, sessionId, sequence: 0 });
    };
    const beatSome = async (count: number): Promise<void> => {
      const session = random.pick(sessions);
      const heartbeats = Array.from({ length: count }, () => {
        session.sequence += 1;
        return beat({ ...session, positionMs: session.sequence * 10_000 });
      });
      const sending = (): void => {
        for (const { sessionId, sequence } of heartbeats) {
          const id = `${sessionId}/${sequence}`;
          ledger.sent.set(id, (ledger.sent.get(id) ?? 0) + 1);
        }
      };
      const body = count === 1 ? heartbeats[0] : { heartbeats };
      sending();
      const answer = await untilAnswered({ path: '/v1/heartbeats', body }, sending);
      if (!expect(answer, [202])) return;
      const { results, rejected } = answer.json as IngestResponse;
      for (const { position, sessionId, sequence, decision } of results) {
        ledger.acknowledged.push({ kind: 'beat', position, sessionId, sequence });
        heard(decision);
      }
      for (const { code, retryable } of rejected) if (!retryable) ledger.wrong.push(`rejected: ${code}`);
    };

    while (!finishing) {
      const dice = random.next();
      if (sessions.length === 0 || dice < 0.12) await startOne();
      else if (dice < 0.17) await stopOne();
      else await beatSome(dice < 0.22 ? 5 : 1);
      if (thinkMs > 0) await setTimeout(random.next() * 2 * thinkMs);
    }
  };

  const playing = Promise.all(Array.from({ length: households }, (_, number) => household(number)));
  return {
    ledger,
    finish: async () => {
      finishing = true;
      await playing;
    },
  };
};
