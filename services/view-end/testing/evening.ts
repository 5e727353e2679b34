import { NO_AD, NO_QUALITY } from '../../../schemas/events.ts';
import type { View } from '../../../schemas/generated/http.ts';
import type { Heartbeat, SessionStopRequested, ViewEnded } from '../../../schemas/generated/records.ts';
import { SECOND_MS } from '../../../schemas/time.ts';
import { testDriver, type TestDriver } from '../../../shared/runtime/test-driver.ts';
import { heartbeat } from '../../../shared/sessions/testing/heartbeat.ts';
import type { TableRow } from '../../../shared/table/table.ts';
import type { Household } from '../household.ts';
import { viewOf } from '../revision.ts';
import { viewIn } from '../row.ts';
import { viewEnd } from '../view-end.ts';

/** A household under the fold of views, told in the words of the domain; time is turned by hand. */
export type Evening = {
  readonly driver: TestDriver<Household>;
  start(sessionId: string, said?: Said): void;
  /** The session's next beat, unless it says which. */
  beat(sessionId: string, said?: Said): void;
  /** Beats every 10 s, each 10 s further in the content. */
  play(sessionId: string, seconds: number, said?: Said): void;
  stop(sessionId: string, by?: SessionStopRequested['by']): void;
  erase(): void;
  /** Nobody says anything: ingest appends a tick each second. */
  silence(seconds: number): void;
  /** The same for hours, with a tick each 5 s. */
  hours(hours: number): void;
  /** The view as it stands: in the state, or else in its row. */
  view(sessionId: string): View;
  row(sessionId: string): TableRow | null;
  /** The view as its row has it. */
  stored(sessionId: string): View | null;
  /** The sessions that the state has, in the order in which they were first heard of. */
  kept(): readonly string[];
  /** What was sent since the last call, as `status reason`, with what else there is to say. */
  story(): readonly string[];
  readonly revisions: readonly ViewEnded[];
};

export type Said = Partial<Omit<Heartbeat, 'sessionId' | 'quality' | 'ad'>> & {
  readonly ageMs?: number;
  readonly quality?: Partial<NonNullable<Heartbeat['quality']>> | null;
  readonly ad?: Partial<NonNullable<Heartbeat['ad']>> | null;
};

export const KEY = 'household';

export const beatOf = (sessionId: string, nowMs: number, { quality, ad, ...said }: Said = {}): Heartbeat =>
  heartbeat(sessionId, nowMs, {
    ...said,
    quality: quality == null ? null : { ...NO_QUALITY, ...quality },
    ad: ad == null ? null : { ...NO_AD, ...ad },
  });

export const evening = (): Evening => {
  const driver = testDriver(viewEnd);
  const players = new Map<string, { sequence: number; positionMs: number }>();
  let told = 0;
  let requests = 0;

  const spoken = (id: string, said: Said): Heartbeat => {
    const player = players.get(id) ?? { sequence: -1, positionMs: 0 };
    const { sequence = player.sequence + 1, positionMs = player.positionMs } = said;
    players.set(id, { sequence: Math.max(player.sequence, sequence), positionMs: positionMs ?? player.positionMs });
    return beatOf(id, driver.now(), { ...said, sequence, positionMs });
  };
  const append = (...record: Parameters<typeof driver.append>): void => {
    driver.append(...record);
    driver.fold();
  };
  const beat: Evening['beat'] = (id, said = {}) => append(KEY, { type: 'Heartbeat', value: spoken(id, said) });
  const silence = (seconds: number): void => {
    driver.advance(Math.round(seconds * SECOND_MS));
    driver.fold();
  };
  const requestId = (): string => `request-${(requests += 1)}`;
  const row: Evening['row'] = (id) => driver.table.get([{ table: 'views', key: KEY, id }])[0] ?? null;
  const stored: Evening['stored'] = (id) => {
    const found = row(id);
    return found === null ? null : viewIn(found);
  };

  return {
    driver,
    beat,
    silence,
    start: (id, said = {}) => {
      const beatOfStart = spoken(id, { state: 'starting', ...said });
      const plain = { origin: 'player', leaseMs: null, continuesSessionId: null, terminate: [] } as const;
      append(KEY, { type: 'SessionStarted', value: { ...plain, requestId: requestId(), beat: beatOfStart } });
    },
    play: (id, seconds, said = {}) => {
      for (let left = seconds; left > 0; left -= 10) {
        silence(Math.min(10, left));
        const positionMs = (players.get(id)?.positionMs ?? 0) + Math.min(10, left) * SECOND_MS;
        beat(id, { positionMs, ...said });
      }
    },
    stop: (sessionId, by = 'player') => {
      const value = {
        requestId: requestId(),
        tenant: 'tenant',
        sessionId,
        by,
        receivedAtMs: driver.now(),
        source: 'api',
      };
      append(KEY, { type: 'SessionStopRequested', value });
    },
    erase: () => {
      const value = { requestId: requestId(), tenant: 'tenant', receivedAtMs: driver.now() };
      append(KEY, { type: 'AccountErased', value });
    },
    hours: (hours) => {
      for (let left = Math.round(hours * 720); left > 0; left -= 1) {
        driver.setNow(driver.now() + 5 * SECOND_MS);
        driver.append(null, {
          type: 'Tick',
          value: { source: 'test', shedding: false, receivedAtMs: driver.now() },
        });
      }
      driver.fold();
    },
    view: (sessionId) => {
      const viewing = driver.state(KEY)?.viewings.find((v) => v.sessionId === sessionId);
      const view = viewing === undefined ? stored(sessionId) : viewOf(KEY, viewing).view;
      if (view === null) throw new Error(`nobody knows a view of ${sessionId}`);
      return view;
    },
    row,
    stored,
    kept: () => driver.state(KEY)?.viewings.map((v) => v.sessionId) ?? [],
    story: () => driver.viewEnds.slice(told, (told = driver.viewEnds.length)).map(toldOf),
    get revisions() {
      return driver.viewEnds;
    },
  };
};

const toldOf = ({ status, reason, corrected, partial }: ViewEnded): string =>
  [status, reason, corrected ? 'corrected' : null, partial ? 'partial' : null]
    .filter((word) => word !== null)
    .join(' ');
