import { type EpochMs, epochMs, type LiveMs, HEARTBEAT_INTERVAL_MS, liveMs, SECOND_MS } from '../../schemas/time.ts';
import type { RecordName } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type { PartitionClock } from '../state/state.ts';

/** What the longest silence of a partition can add: an outage of ingest or log costs a session no more of its lease. */
export const MAX_STEP_MS = 5 * SECOND_MS;
/**
 * How long a tick that says `shedding` holds live time: until whoever was refused has had the time to beat again, and a
 * tick has come. Nodes say it only when they refused somebody, and a partition with few viewers has a beat to refuse
 * every ten seconds: with a shorter hold, live time would run on between a session's refused beats.
 */
export const SHEDDING_HOLD_MS = HEARTBEAT_INTERVAL_MS + 2 * SECOND_MS;

/** What others than ingest append: that it came says nothing of whether a player could be heard. */
const BESIDE_INGEST: ReadonlySet<RecordName> = new Set([
  'PolicyActivated',
  'AccountErased',
  'ResumeHidden',
  'ResumeUndone',
]);
export const letsTimePass = (type: RecordName): boolean => !BESIDE_INGEST.has(type);

export type LiveClock = {
  /** Takes in the next record's append time and answers the live time at that record. */
  step(appendedAtMs: EpochMs, event: LogEvent): LiveMs;
  now(): PartitionClock;
};

/** The live time of one partition, going on from what was committed with its state. */
export const liveClock = (committed: PartitionClock | null): LiveClock => {
  let live: number = committed?.liveMs ?? 0;
  // 0 stands for none: what came before held nothing that could be read.
  let appended: number | null = committed?.appendedAtMs || null;
  let heldUntil: number = committed?.heldUntilMs ?? 0;
  return {
    step: (appendedAtMs, event) => {
      if (!letsTimePass(event.type)) return liveMs(live);
      const shedding = event.type === 'Tick' && event.value.shedding;
      // A hold made before the clock was set back must not last until the clock has caught up.
      if (heldUntil > appendedAtMs + SHEDDING_HOLD_MS) heldUntil = appendedAtMs + SHEDDING_HOLD_MS;
      const held = shedding || appendedAtMs <= heldUntil;
      if (appended !== null && !held) live += Math.min(Math.max(appendedAtMs - appended, 0), MAX_STEP_MS);
      if (shedding) heldUntil = appendedAtMs + SHEDDING_HOLD_MS;
      appended = appendedAtMs;
      return liveMs(live);
    },
    now: () => ({ liveMs: liveMs(live), appendedAtMs: epochMs(appended ?? 0), heldUntilMs: epochMs(heldUntil) }),
  };
};
