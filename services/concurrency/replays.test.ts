import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { LogEvent } from '../../schemas/events.ts';
import type { Heartbeat, StreamDecided } from '../../schemas/generated/records.ts';
import { testDriver } from '../../shared/runtime/test-driver.ts';
import { concurrency } from './concurrency.ts';
import { policyOf } from './testing/household.ts';

/**
 * A log as it was appended, with what the fold made of it. A change that makes another thing of it decides recorded
 * logs otherwise: it belongs behind a field of the policy.
 */
type Replay = {
  readonly title: string;
  readonly startAtMs: number;
  /** Fields of each beat that say nothing else. */
  readonly beat: Heartbeat;
  readonly log: readonly Recorded[];
  readonly outputs: readonly StreamDecided[];
};
type Recorded = {
  readonly atMs: number;
  readonly key: string | null;
  readonly type: LogEvent['type'];
  readonly value: Readonly<Record<string, unknown>>;
};

const folder = new URL('../../schemas/replays/', import.meta.url);
const replays = readdirSync(folder).map(
  (file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Replay] as const,
);

/** Policies stand in a replay as people write them. */
const eventOf = ({ type, value }: Recorded, beat: Heartbeat): LogEvent => {
  const filled =
    type === 'Heartbeat'
      ? { ...beat, ...value }
      : type === 'SessionStarted'
        ? { ...value, beat: { ...beat, ...(value['beat'] as Partial<Heartbeat>) } }
        : type === 'PolicyActivated'
          ? { ...value, policy: JSON.stringify(policyOf(String(value['policy']))) }
          : value;
  return { type, value: filled } as LogEvent;
};

const replayed = ({ startAtMs, beat, log }: Replay, batch: number): readonly StreamDecided[] => {
  const driver = testDriver(concurrency, { startAtMs });
  driver.open();
  for (const recorded of log) {
    driver.setNow(startAtMs + recorded.atMs);
    driver.append(recorded.key, eventOf(recorded, beat));
  }
  driver.fold({ batch });
  return driver.outputs;
};

describe.each(replays)('the recorded log %s', (_file, replay) => {
  it.each([1, 7, Number.POSITIVE_INFINITY])('gives its recorded outputs in batches of %p', (batch) => {
    expect(replayed(replay, batch)).toEqual(replay.outputs);
  });

  it('has outputs to compare', () => {
    expect(replay.title).not.toBe('');
    expect(replay.outputs.length).toBeGreaterThan(0);
  });
});
