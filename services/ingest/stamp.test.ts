import { describe, expect, it } from '@jest/globals';
import type { HeartbeatRequest, SignalRequest } from '../../schemas/generated/http.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { type Stamp, stampBeat, stampSignal } from './stamp.ts';

const NOW_MS = 1_800_000_000_000;
const beat: HeartbeatRequest = {
  sessionId: 's-1',
  sequence: 3,
  accountId: 'a-1',
  profileId: 'p-1',
  deviceId: 'd-1',
  deviceType: 'tv',
  contentId: 'c-1',
  contentType: 'vod',
  state: 'playing',
  positionMs: 1_000,
  sentAtMs: NOW_MS,
};
const stamp: Stamp = {
  tenant: 'tenant',
  receivedAtMs: NOW_MS,
  source: 'player',
  networkKey: 'network',
  lastDecision: null,
  claims: {},
  metadataKeys: ['studio', 'campaign'],
};
const stamped = (said: Partial<HeartbeatRequest> = {}, with_: Partial<Stamp> = {}) =>
  stampBeat({ ...beat, ...said }, { ...stamp, ...with_ });

describe('the stamp of a beat', () => {
  it('says when it happened: on arrival, less the age that the player measured, in whole milliseconds', () => {
    expect(stamped().occurredAtMs).toBe(NOW_MS);
    expect(stamped({ ageMs: 12_345.4 }).occurredAtMs).toBe(NOW_MS - 12_345);
    expect(stamped({ ageMs: 0 }).receivedAtMs).toBe(NOW_MS);
  });

  it('takes nothing from the player’s clock but its skew, one day either way at most', () => {
    const skew = (sentAtMs: number): number => stamped({ sentAtMs }).clockSkewMs;
    expect(skew(NOW_MS + 1_500)).toBe(1_500);
    expect(skew(NOW_MS - DAY_MS)).toBe(-DAY_MS);
    expect(skew(NOW_MS - DAY_MS - 1)).toBe(-DAY_MS);
    expect(skew(0)).toBe(-DAY_MS);
    expect(skew(Number.MAX_SAFE_INTEGER)).toBe(DAY_MS);
    for (const sentAtMs of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(stamped({ sentAtMs })).toMatchObject({ occurredAtMs: NOW_MS, receivedAtMs: NOW_MS, sentAtMs });
    }
  });

  it('measures the skew of a queued beat against the time it happened', () => {
    expect(stamped({ ageMs: 60_000, sentAtMs: NOW_MS - 60_000 }).clockSkewMs).toBe(0);
  });

  it('has tenant, source, network, claims, and what the session was last told', () => {
    const with_ = { lastDecision: 'EVICTED_BY_NEWER', claims: { 'plan.streams': 2 } } as const;
    expect(stamped({}, with_)).toMatchObject({ tenant: 'tenant', source: 'player', networkKey: 'network', ...with_ });
  });

  it('keeps the metadata that is declared, and no other', () => {
    expect(stamped({ metadata: { studio: 'acme', mood: 'sad' } }).metadata).toEqual({ studio: 'acme' });
    expect(stamped({ metadata: { mood: 'sad' } }).metadata).toEqual({});
    expect(stamped().metadata).toEqual({});
    expect(stamped({ metadata: { studio: 'acme' } }, { metadataKeys: [] }).metadata).toEqual({});
  });

  it('never has the account id: the record’s key stands for it', () => {
    expect(JSON.stringify(stamped())).not.toContain('a-1');
  });

  it('says null for all that the player left out', () => {
    const { positionMs: _, ...live } = beat;
    expect(stampBeat({ ...live, contentType: 'live' }, stamp)).toMatchObject({
      positionMs: null,
      durationMs: null,
      country: null,
      deviceName: null,
      quality: null,
      ad: null,
      tracking: 'full',
    });
    expect(stamped({ quality: { stallCount: 2 } }).quality).toMatchObject({ stallCount: 2, stallMs: null });
    expect(stamped({ tracking: 'limits-only' }).tracking).toBe('limits_only');
  });
});

describe('the stamp of a signal', () => {
  const signal: SignalRequest = {
    signalId: 'lic-1',
    accountId: 'a-1',
    deviceId: 'stick-1',
    deviceType: 'tv',
    contentId: 'channel-1',
    contentType: 'live',
    leaseMs: 60_000,
    source: 'licence-server',
  };

  it('makes the first beat of a session that has the signal’s id and reaches no answer but the limits', () => {
    expect(stampSignal(signal, stamp)).toMatchObject({
      sessionId: 'lic-1',
      sequence: 0,
      deviceId: 'stick-1',
      contentId: 'channel-1',
      state: 'playing',
      tracking: 'limits_only',
      source: 'licence-server',
      lastDecision: null,
      occurredAtMs: NOW_MS,
      clockSkewMs: 0,
      positionMs: null,
    });
  });
});
