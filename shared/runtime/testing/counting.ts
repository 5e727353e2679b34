import type { DecisionOutput, LogEvent } from '../../../schemas/events.ts';
import { MINUTE_MS } from '../../../schemas/time.ts';
import type { At, Effect, Processor } from '../processor.ts';

/** How often a key was poked, and what its timer does. */
export type Count = { readonly pokes: number; readonly fired: number; readonly everyMs: number };

/**
 * The smallest fold that uses all of the contract: it counts the records of each key, says so, and wakes up as the
 * newest record asked, three times; then it forgets the key. Its control state is the version of the newest policy.
 */
export const counting: Processor<Count, number> = {
  name: 'concurrency',
  input: 'heartbeats.v1',
  rebuildWindowMs: 20 * MINUTE_MS,
  stateVersion: 2,
  upgrade: (state, fromVersion) => {
    // Rows of version 1 were the bare number.
    if (fromVersion === 1 && typeof state === 'number') return { pokes: state, fired: 0, everyMs: 0 };
    throw new Error(`no rows of version ${fromVersion} were ever made`);
  },
  onRecord: (state, event, at) => {
    if (event.type === 'AccountErased') return { state: undefined, effects: [] };
    if (event.type !== 'SessionStopRequested') throw new Error(`${event.type} is nothing to count`);
    const next = { pokes: (state?.pokes ?? 0) + 1, fired: 0, everyMs: event.value.receivedAtMs };
    const effects = [said('admitted', next, at)];
    return next.everyMs === 0 ? { state: next, effects } : { state: next, effects, wakeInMs: next.everyMs };
  },
  onTimer: (state, at) => {
    const next = { ...state, fired: state.fired + 1 };
    const effects = [said('expired', next, at)];
    return next.fired === 3 ? { state: undefined, effects } : { state: next, effects, wakeInMs: next.everyMs };
  },
  onControl: (version, event) => (event.type === 'PolicyActivated' ? event.value.version : version),
};

/** A record to count; the key wants to be woken so many ms after it, 0 for never. */
export const poke = (wakeInMs = 0): LogEvent => ({
  type: 'SessionStopRequested',
  value: { requestId: 'r', tenant: 't', sessionId: 's', by: 'user', receivedAtMs: wakeInMs, source: 'test' },
});

export const forget: LogEvent = { type: 'AccountErased', value: { requestId: 'r', tenant: 't', receivedAtMs: 0 } };

export const policy = (version: number): LogEvent => ({
  type: 'PolicyActivated',
  value: { version, mode: 'enforce', policy: '{}', activatedAtMs: 0, by: 'test' },
});

export const tick = (shedding = false): LogEvent => ({
  type: 'Tick',
  value: { source: 'test', shedding, receivedAtMs: 0 },
});

/** The key, its count and its live time, in the fields that there are. */
const said = (outcome: 'admitted' | 'expired', { pokes, fired }: Count, at: At<number>): Effect => {
  const value: DecisionOutput['value'] = {
    tenant: 't',
    sessionId: at.key,
    outcome,
    reason: 'OK',
    rule: null,
    policyVersion: at.control ?? 0,
    limit: fired,
    observed: false,
    returned: false,
    bySessionId: null,
    holders: pokes,
    deviceId: '',
    deviceType: '',
    contentId: '',
    contentType: 'vod',
    decidedAtMs: at.liveMs,
  };
  return { emit: 'stream-decisions.v1', key: at.key, record: { type: 'StreamDecided', value } };
};
