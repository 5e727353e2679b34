import { encodeEvent } from '../../../schemas/codec.ts';
import type { LogEvent } from '../../../schemas/events.ts';
import type { AudienceCounted, AudienceMoved, Heartbeat } from '../../../schemas/generated/records.ts';
import { SECOND_MS } from '../../../schemas/time.ts';
import { type Sent, type TestDriver, testDriver } from '../../../shared/runtime/test-driver.ts';
import { heartbeat, type Said } from '../../../shared/sessions/testing/heartbeat.ts';
import { audience, type Audience } from '../audience.ts';
import { trending } from '../trending.ts';
import type { Viewer } from '../viewer.ts';

/** The two folds, one behind the other: accounts in some partitions, and all contents in one. Time is turned by hand. */
export type Town = {
  readonly sources: readonly TestDriver<Viewer>[];
  readonly audience: TestDriver<Audience>;
  /** Turns time, with a tick each second, and folds all there is every 5 s. */
  silence(seconds: number): void;
  /** The next beat of the account's session. Its position goes on by as much as time has since the last one. */
  beat(account: number, said?: Say): void;
  append(account: number, event: LogEvent): void;
  /** Folds what the sources have, and what comes of it. */
  fold(): void;
  /** The newest figures of a content. */
  counted(contentId?: string): AudienceCounted;
  /** Accounts in the windows of 1 minute, 5 minutes, 1 hour and 24 hours, as told last. */
  audiences(contentId?: string): readonly number[];
};

export type Say = Omit<Said, 'sequence'> & { readonly sessionId?: string; readonly sequence?: number };

/** The beginning of an hour. */
export const START_MS = 1_800_000_000_000;
export const START_MINUTE = START_MS / 60_000;

export const keyOf = (account: number): string => `account-${account}`;

/** `deliver`: in which order, and how often, what the sources sent comes to the second fold. */
export const town = (
  partitions = 1,
  deliver: (queues: readonly (readonly Sent[])[]) => readonly Sent[] = inTurn,
): Town => {
  const sources = Array.from({ length: partitions }, (_, partition) =>
    testDriver(trending, { partition, startAtMs: START_MS }),
  );
  const second = testDriver(audience, { startAtMs: START_MS });
  const players = new Map<string, Heartbeat>();
  const delivered = sources.map(() => 0);

  const sourceOf = (account: number): TestDriver<Viewer> => sources[account % partitions]!;
  const fold = (): void => {
    const queues = sources.map((source, i) => {
      source.fold();
      const queue = source.sent.slice(delivered[i]);
      delivered[i] = source.sent.length;
      // Time is told to the partition of the same number.
      return queue.filter(({ key }) => key !== null || i === 0);
    });
    for (const { key, value } of deliver(queues)) second.appendBytes(key, value);
    second.fold();
  };
  const append: Town['append'] = (account, event) => void sourceOf(account).append(keyOf(account), event);
  const counted = (contentId = 'film'): AudienceCounted => {
    const found = second.counts.findLast((count) => count.contentId === contentId);
    if (found === undefined) throw new Error(`nothing was told of ${contentId}`);
    return found;
  };
  return {
    sources,
    audience: second,
    append,
    fold,
    silence: (seconds) => {
      for (let left = seconds; left > 0; left -= 5) {
        const ms = Math.min(5, left) * SECOND_MS;
        second.setNow(second.now() + ms);
        for (const source of sources) source.advance(ms);
        fold();
      }
    },
    beat: (account, said = {}) => {
      const nowMs = sourceOf(account).now();
      const { sessionId = 'tv' } = said;
      const name = `${account}/${sessionId}`;
      const last = players.get(name);
      const positionMs = last === undefined ? 0 : (last.positionMs ?? 0) + nowMs - last.receivedAtMs;
      const next = heartbeat(sessionId, nowMs, { sequence: (last?.sequence ?? -1) + 1, positionMs, ...said });
      players.set(name, next);
      append(account, { type: 'Heartbeat', value: next });
    },
    counted,
    audiences: (contentId) => counted(contentId).windows.map((window) => window.audience),
  };
};

const inTurn = (queues: readonly (readonly Sent[])[]): readonly Sent[] => queues.flat();

/** A move as the first fold tells it; `offset`: that of its cause. */
export const moveOf = (to: Partial<AudienceMoved['to']>, more: Partial<AudienceMoved> & { offset: number }): Buffer => {
  const { offset, ...rest } = more;
  const place = { minute: START_MINUTE, counted: true, country: null, deviceType: 'tv', network: null, ...to };
  const value: AudienceMoved = {
    id: `trending:1.0.${offset}:0`,
    cause: `1.0.${offset}`,
    tenant: 'tenant',
    contentId: 'film',
    contentType: 'vod',
    from: null,
    to: place,
    ...rest,
  };
  return encodeEvent({ type: 'AudienceMoved', value });
};
