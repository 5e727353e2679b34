import type { LogEvent } from '../../schemas/events.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import { HEARTBEAT_INTERVAL_MS, MINUTE_MS, SECOND_MS } from '../../schemas/time.ts';
import { heartbeat } from '../../shared/sessions/testing/heartbeat.ts';

/**
 * A street on an evening, as ingest appends it. Each household has a television, on which one viewing follows the other; every
 * third one a phone with a channel, and every sixth a tablet, which asks each minute for a third stream. The same
 * numbers give the same evening.
 */
export type Street = {
  readonly keys: readonly string[];
  /** What is appended in that second of the evening. */
  at(second: number): readonly Said[];
};
export type Said = { readonly key: string; readonly event: LogEvent };

/** What a player does, and for how many seconds. `offline`: it plays, and its beats come 5 minutes late. */
type Stretch = readonly [does: Heartbeat['state'] | 'silent' | 'offline', seconds: number];
type Plan = readonly Stretch[];

const ON_TV: readonly Plan[] = [
  [
    ['starting', 2],
    ['playing', 150],
    ['paused', 40],
    ['playing', 60],
    ['ended', 0],
  ],
  // It comes back when its view is final.
  [
    ['playing', 120],
    ['silent', 700],
    ['playing', 60],
    ['stopped', 0],
  ],
  // What was kept offline corrects a view that is final.
  [
    ['playing', 90],
    ['offline', 60],
    ['playing', 30],
    ['ended', 0],
  ],
  // Cut off at the wall.
  [['playing', 200]],
  // Longer than a row waits to be put.
  [
    ['playing', 330],
    ['stopped', 0],
  ],
];
const ON_PHONE: Plan = [
  ['playing', 170],
  ['stopped', 0],
];
const ON_TABLET: Plan = [['starting', 0]];

const BEAT_S = HEARTBEAT_INTERVAL_MS / SECOND_MS;
const LATE_S = 300;
const FILM_MS = 100 * MINUTE_MS;
const FILMS = 12;
const CHANNELS = 5;

type Who = Pick<Heartbeat, 'sessionId' | 'deviceId' | 'deviceType' | 'contentId' | 'contentType' | 'durationMs'>;

export const street = (options: {
  readonly households: number;
  readonly seconds: number;
  readonly startMs: number;
}): Street => {
  const { households, seconds, startMs } = options;
  const evening: Said[][] = Array.from({ length: seconds }, () => []);
  const keys = Array.from({ length: households }, (_, n) => `household-${n}`);

  /** Answers the second at which the viewing is over. */
  const view = (key: string, who: Who, from: number, plan: Plan): number => {
    let second = from;
    let sequence = 0;
    let positionMs = 0;
    for (const [does, lasts] of plan) {
      const plays = does === 'playing' || does === 'offline';
      for (let at = 0; at === 0 || at < lasts; at += BEAT_S) {
        if (does === 'silent') break;
        const lateS = does === 'offline' ? LATE_S : 0;
        const state = does === 'offline' ? 'playing' : does;
        const heardAt = second + at + lateS;
        const said = { ...who, state, sequence, positionMs: positionMs + (plays ? at * SECOND_MS : 0) };
        const value = heartbeat(who.sessionId, startMs + heardAt * SECOND_MS, { ...said, ageMs: lateS * SECOND_MS });
        evening[heardAt]?.push({ key, event: { type: 'Heartbeat', value } });
        sequence += 1;
      }
      second += lasts;
      if (plays) positionMs += lasts * SECOND_MS;
    }
    return second;
  };

  for (const [n, key] of keys.entries()) {
    const of = (deviceId: string, turn: number) => ({
      sessionId: `${deviceId} ${turn}`,
      deviceId,
      deviceType: deviceId,
    });
    const channel = { contentId: `channel-${n % CHANNELS}`, contentType: 'live', durationMs: null } as const;
    for (let second = n % 40, turn = 0; second < seconds; turn += 1) {
      // Two viewings of each film; some begin within the lease of the one before, some after it.
      const film = { contentId: `film-${(n + (turn >> 1)) % FILMS}`, contentType: 'vod', durationMs: FILM_MS } as const;
      second =
        20 + 30 * (turn % 2) + view(key, { ...of('tv', turn), ...film }, second, ON_TV[(n + turn) % ON_TV.length]!);
    }
    for (let second = n % 50, turn = 0; n % 3 === 0 && second < seconds; turn += 1)
      second = 60 + view(key, { ...of('phone', turn), ...channel }, second, ON_PHONE);
    for (let second = n % 60, turn = 0; n % 6 === 0 && second < seconds; turn += 1)
      second = 60 + view(key, { ...of('tablet', turn), ...channel }, second, ON_TABLET);
  }
  return { keys, at: (second) => evening[second] ?? [] };
};
