import { encode } from '../schemas/codec.ts';
import type { HeartbeatRequest } from '../schemas/generated/http.ts';
import { parsePolicy } from '../schemas/policy.ts';
import { readFileSync } from 'node:fs';
import { stampBeat } from '../services/ingest/stamp.ts';
import { accountKeys } from '../shared/identity/account-keys.ts';
import type { NewRecord } from '../shared/log/log.ts';

/** What all benches send and fold: one kind of heartbeat, as a television sends it in the middle of a film. */
export const beatOf = (account: number, sequence: number, sentAtMs: number): HeartbeatRequest => ({
  sessionId: `5f0c2d1e-8a4b-4c6d-9e7f-${String(account).padStart(12, '0')}`,
  sequence,
  accountId: `account-${account}`,
  profileId: 'profile-1',
  deviceId: `living-room-${account}`,
  deviceType: 'tv',
  deviceName: 'Living room',
  contentId: `film-${account % 1_000}`,
  contentType: 'vod',
  state: 'playing',
  positionMs: 754_000,
  durationMs: 5_400_000,
  playbackRate: 1,
  country: 'DE',
  cdn: 'cdn-a',
  appVersion: '8.4.1',
  player: 'shaka 4.11.2',
  quality: { bitrateKbps: 6_500, bufferMs: 28_400, stallCount: 0, stallMs: 0, droppedFrames: 3 },
  sentAtMs,
});

/** Processes that have it, too, know these accounts. */
export const PEPPER: Uint8Array = Buffer.alloc(32, 7);
const keyOf = accountKeys(PEPPER);
export const accountKeyOf = (account: number): string => keyOf('default', `account-${account}`);

const stamped = (beat: HeartbeatRequest, receivedAtMs: number, lastDecision: 'OK' | null) =>
  stampBeat(beat, {
    tenant: 'default',
    receivedAtMs,
    source: 'player',
    networkKey: 'c2l4dGVlbi1jaGFy',
    lastDecision,
    claims: {},
    metadataKeys: [],
  });

/** Of a film that plays on: each beat is 10 s further than the one before it. */
export const beatRecord = (
  account: number,
  sequence: number,
  atMs: number,
  state: 'playing' | 'ended' = 'playing',
): NewRecord => {
  const beat = beatOf(account, sequence, atMs);
  const positionMs = (beat.positionMs ?? 0) + sequence * BEAT_EVERY_MS;
  return {
    key: accountKeyOf(account),
    value: encode('Heartbeat', stamped({ ...beat, positionMs, state }, atMs, 'OK')),
  };
};

/** The same heartbeat as JSON, with what ingest stamps on it: nothing that the record holds is missing. */
export const jsonRecord = (account: number, sequence: number, atMs: number): Buffer => {
  const { tenant, receivedAtMs, occurredAtMs, clockSkewMs, source, networkKey, lastDecision } = stamped(
    beatOf(account, sequence, atMs),
    atMs,
    'OK',
  );
  const stamp = { tenant, receivedAtMs, occurredAtMs, clockSkewMs, source, networkKey, lastDecision };
  return Buffer.from(JSON.stringify({ ...beatOf(account, sequence, atMs), ...stamp }));
};

/** `device` 0 is the television that `beatOf` speaks for; another is another session of the same account. */
export const startRecord = (account: number, atMs: number, device = 0): NewRecord => {
  const first = beatOf(account, 0, atMs);
  const other = { sessionId: `${first.sessionId}-${device}`, deviceId: `${first.deviceId}-${device}` };
  const beat = stamped({ ...first, ...(device === 0 ? {} : other), state: 'starting' }, atMs, null);
  const start = { requestId: `request-${account}-${device}`, origin: 'player' as const, beat };
  return {
    key: accountKeyOf(account),
    value: encode('SessionStarted', { ...start, leaseMs: null, continuesSessionId: null, terminate: [] }),
  };
};

/** The policy that comes with Playbeat, put in force. */
export const policyRecord = (atMs: number): NewRecord => {
  const parsed = parsePolicy(readFileSync(new URL('../schemas/policies/default.yaml', import.meta.url), 'utf8'), {
    metadataKeys: [],
  });
  if (!parsed.ok) throw new Error('the default policy is none');
  const policy = JSON.stringify(parsed.policy);
  const value = { version: parsed.policy.version, mode: 'enforce' as const, policy, activatedAtMs: atMs, by: 'bench' };
  return { key: null, value: encode('PolicyActivated', value) };
};

/** Accounts beat every 10 s, in an order that is not that of their starts. */
export const BEAT_EVERY_MS = 10_000;
const STRIDE = 7_919;
export const nthAccount = (index: number, accounts: number): number => (index * STRIDE) % accounts;
