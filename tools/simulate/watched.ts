import { createOracleClock } from './oracle-clock.ts';
import type { SimRecord } from './sim-log.ts';

/** A beat that says that its account watches, or that its player plays and nothing moves. */
export type Watched = {
  readonly partition: number;
  readonly offset: number;
  readonly account: string;
  readonly content: string;
  readonly deviceType: string;
  readonly minute: number;
  readonly counted: boolean;
};

type Player = {
  readonly sequence: number;
  readonly playing: boolean;
  readonly content: string;
  readonly positionMs: number | null;
  readonly heardMs: number;
};

const SILENT_MS = 35_000;
const LATE_MS = 22_000;
const MOST_PLAYERS = 64;
const NOT_WATCHING = ['LIMIT_REACHED', 'SESSION_CAP', 'EVICTED_BY_NEWER', 'REPLACED_ON_DEVICE', 'TERMINATED_BY_USER'];

/** Reads the beats of one partition, and says which of them count, without the product's own code. */
export const createWatcher = (partition: number): { heard(record: SimRecord): Watched | null } => {
  const clock = createOracleClock();
  const accounts = new Map<string, Map<string, Player>>();

  /** The players of an account that were heard lately, the longest unheard first. */
  const playersOf = (account: string, live: number): Map<string, Player> => {
    const players = accounts.get(account) ?? new Map<string, Player>();
    accounts.set(account, players);
    for (const [id, { heardMs }] of players) if (live - heardMs >= SILENT_MS) players.delete(id);
    return players;
  };

  return {
    heard: ({ key, event, offset, appendedAtMs }) => {
      const live = clock.step(appendedAtMs, event);
      const start = event.type === 'SessionStarted' && event.value.origin === 'player' ? event.value.beat : null;
      const beat = event.type === 'Heartbeat' ? event.value : start;
      if (key === null || beat?.tracking !== 'full') return null;

      const players = playersOf(key, live);
      const before = players.get(beat.sessionId);
      if (before !== undefined && beat.sequence <= before.sequence) return null;
      const { sequence, contentId: content, positionMs, deviceType } = beat;
      const playing = beat.state === 'playing';
      players.delete(beat.sessionId);
      players.set(beat.sessionId, { sequence, playing, content, positionMs, heardMs: live });
      if (players.size > MOST_PLAYERS) players.delete([...players.keys()][0]!);

      const flushed = beat.receivedAtMs - beat.occurredAtMs > LATE_MS;
      if (!playing || flushed || NOT_WATCHING.includes(beat.lastDecision ?? '')) return null;
      if (before?.playing !== true || before.content !== content) return null;
      const counted =
        beat.contentType === 'live' ||
        (before.positionMs !== null && positionMs !== null && positionMs > before.positionMs);
      const minute = Math.floor(appendedAtMs / 60_000);
      return { partition, offset, account: key, content, deviceType, minute, counted };
    },
  };
};
