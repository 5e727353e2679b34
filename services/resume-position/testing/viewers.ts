import type { ResumePosition } from '../../../schemas/generated/http.ts';
import type { Heartbeat, SessionStopRequested } from '../../../schemas/generated/records.ts';
import { MINUTE_MS, SECOND_MS } from '../../../schemas/time.ts';
import { testDriver, type TestDriver } from '../../../shared/runtime/test-driver.ts';
import { overheard } from '../../../shared/runtime/testing/overheard.ts';
import { heartbeat, type Said } from '../../../shared/sessions/testing/heartbeat.ts';
import type { TableRow } from '../../../shared/table/table.ts';
import { type Household, resumePosition } from '../resume.ts';
import { rowKey, titleIn } from '../row.ts';
import type { Title } from '../title.ts';
import { householdReader, resumePositionOf, type Seen } from '../view.ts';

/** Viewers of one account under the resume fold, told in the words of the domain; time is turned by hand. */
export type Viewers = {
  readonly driver: TestDriver<Household>;
  /** One beat, `playing` unless it is said otherwise; sequences count up by themselves. */
  beat(sessionId: string, positionMs: number, said?: Said): void;
  /** Plays on from a position for so many seconds with a beat each 10 s, and says nothing at its end. */
  watch(sessionId: string, fromMs: number, seconds: number, said?: Said): void;
  start(sessionId: string, positionMs: number, said?: Said & { readonly origin?: 'player' | 'signal' }): void;
  stop(sessionId: string, by?: SessionStopRequested['by']): void;
  hide(of?: Of, requestId?: string): void;
  undo(of?: Of, requestId?: string): void;
  erase(): void;
  /** Nobody says anything: a tick each second. */
  silence(ms: number): void;
  /** As `GET` would answer it. */
  point(of?: Of): ResumePosition | null;
  /** Where to go on, in ms. */
  at(of?: Of): number | null;
  title(of?: Of): Title | null;
  row(of?: Of): TableRow | null;
  seen(): Seen;
  /** Every put in the order of putting, repeats included. */
  readonly puts: readonly TableRow[];
};

export type Of = { readonly contentId?: string; readonly profileId?: string };

export const KEY = 'household';
export const FILM_MS = 100 * MINUTE_MS;

export const beatOf = (sessionId: string, nowMs: number, said: Said): Heartbeat =>
  heartbeat(sessionId, nowMs, { deviceId: `device of ${sessionId}`, durationMs: FILM_MS, ...said });

export const viewers = (): Viewers => {
  const puts: TableRow[] = [];
  const driver = testDriver(overheard(resumePosition, puts));
  const read = householdReader({ read: (_processor, _partition, keys) => driver.view(keys) });
  const sequences = new Map<string, number>();
  let requests = 0;

  const nextRequest = (): string => `request-${(requests += 1)}`;
  const append = (...record: Parameters<typeof driver.append>): void => {
    driver.append(...record);
    driver.fold();
  };
  const next = (sessionId: string, positionMs: number, said: Said): Heartbeat => {
    const sequence = said.sequence ?? (sequences.get(sessionId) ?? 0) + 1;
    sequences.set(sessionId, Math.max(sequence, sequences.get(sessionId) ?? 0));
    return beatOf(sessionId, driver.now(), { positionMs, ...said, sequence });
  };
  const silence = (ms: number): void => {
    driver.advance(ms);
    driver.fold();
  };
  const beat: Viewers['beat'] = (sessionId, positionMs, said = {}) =>
    append(KEY, { type: 'Heartbeat', value: next(sessionId, positionMs, said) });
  const seen = (): Seen => {
    const answer = read(0, KEY);
    if (answer instanceof Promise) throw new Error('the store in memory answers at once');
    return answer;
  };
  const nameOf = ({ contentId = 'film', profileId = 'parent' }: Of = {}) => ({ contentId, profileId });
  const row = (of?: Of): TableRow | null => driver.table.get([rowKey(KEY, nameOf(of))])[0] ?? null;
  const title = (of?: Of): Title | null => {
    const name = nameOf(of);
    const kept = seen().household?.entries.find(
      (e) => e.title.contentId === name.contentId && e.title.profileId === name.profileId,
    );
    const stored = row(of);
    return kept?.title ?? (stored === null ? null : titleIn(stored));
  };
  const point = (of?: Of): ResumePosition | null => {
    const found = title(of);
    return found === null ? null : resumePositionOf(found);
  };
  const callOf = (of: Of | undefined, requestId: string) => ({
    requestId,
    tenant: 'tenant',
    ...nameOf(of),
    receivedAtMs: driver.now(),
    occurredAtMs: driver.now(),
    source: 'test',
  });

  return {
    driver,
    beat,
    silence,
    seen,
    row,
    title,
    point,
    puts,
    at: (of) => point(of)?.positionMs ?? null,
    watch: (sessionId, fromMs, seconds, said = {}) => {
      const rate = said.playbackRate ?? 1;
      beat(sessionId, fromMs, said);
      for (let left = seconds, at = fromMs; left > 0; left -= 10) {
        const ms = Math.min(10, left) * SECOND_MS;
        silence(ms);
        beat(sessionId, (at += ms * rate), said);
      }
    },
    start: (sessionId, positionMs, { origin = 'player', ...said } = {}) => {
      const value = next(sessionId, positionMs, { state: 'starting', ...said });
      const claim = { requestId: nextRequest(), origin, leaseMs: null, continuesSessionId: null, terminate: [] };
      append(KEY, { type: 'SessionStarted', value: { ...claim, beat: value } });
    },
    stop: (sessionId, by = 'player') => {
      const value = { tenant: 'tenant', sessionId, by, receivedAtMs: driver.now(), source: 'test' };
      append(KEY, { type: 'SessionStopRequested', value: { requestId: nextRequest(), ...value } });
    },
    hide: (of, requestId = nextRequest()) => append(KEY, { type: 'ResumeHidden', value: callOf(of, requestId) }),
    undo: (of, requestId = nextRequest()) => append(KEY, { type: 'ResumeUndone', value: callOf(of, requestId) }),
    erase: () => {
      const value = { requestId: nextRequest(), tenant: 'tenant', receivedAtMs: driver.now() };
      append(KEY, { type: 'AccountErased', value });
    },
  };
};
