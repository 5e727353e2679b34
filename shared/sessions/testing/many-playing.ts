import type { LogEvent } from '../../../schemas/events.ts';
import { MINUTE_MS, SECOND_MS } from '../../../schemas/time.ts';
import type { Processor } from '../../runtime/processor.ts';
import { testDriver, type TestDriver } from '../../runtime/test-driver.ts';
import { heartbeat } from './heartbeat.ts';

/**
 * 100 accounts with a film each, a beat every 10 s, folded each second but for the 10 minutes in which the processor is
 * stopped. 80 of them play for 20 minutes and say `ended`; 10 say it, and 10 fall silent, while nobody folds.
 */
export const ACCOUNTS = Array.from({ length: 100 }, (_, n) => `account-${n}`);
export const ENDS_EARLY = ACCOUNTS.filter((_, n) => n % 10 === 3);
export const FALLS_SILENT = ACCOUNTS.filter((_, n) => n % 10 === 7);

const STOPPED_FROM_MS = 2 * MINUTE_MS;
const STOPPED_UNTIL_MS = 12 * MINUTE_MS;
const EARLY_MS = 5 * MINUTE_MS;
const PLAYS_MS = 20 * MINUTE_MS;
const LASTS_MS = 35 * MINUTE_MS;
const BEAT_MS = 10 * SECOND_MS;

export const manyPlaying = <State>(
  processor: Processor<State, undefined>,
  { stopped }: { readonly stopped: boolean },
): TestDriver<State> => {
  const driver = testDriver(processor);
  const startMs = driver.now();
  for (let ms = 0; ms <= LASTS_MS; ms += SECOND_MS) {
    driver.setNow(startMs + ms);
    for (const [n, key] of ACCOUNTS.entries()) {
      const event = beatAt(key, ms - (n % 10) * SECOND_MS, driver.now());
      if (event !== null) driver.append(key, event);
    }
    driver.append(null, { type: 'Tick', value: { source: 'test', shedding: false, receivedAtMs: driver.now() } });
    if (!stopped || ms < STOPPED_FROM_MS || ms >= STOPPED_UNTIL_MS) driver.fold();
  }
  return driver;
};

/** Of an account whose film began `playedMs` ago; null where it has nothing to say then. */
const beatAt = (key: string, playedMs: number, nowMs: number): LogEvent | null => {
  const early = ENDS_EARLY.includes(key) || FALLS_SILENT.includes(key);
  const lastMs = early ? EARLY_MS : PLAYS_MS;
  if (playedMs < 0 || playedMs > lastMs || playedMs % BEAT_MS !== 0) return null;
  const state = playedMs < lastMs || FALLS_SILENT.includes(key) ? 'playing' : 'ended';
  const sequence = playedMs / BEAT_MS;
  return {
    type: 'Heartbeat',
    value: heartbeat(`film of ${key}`, nowMs, { sequence, state, positionMs: playedMs, durationMs: 5 * PLAYS_MS }),
  };
};
