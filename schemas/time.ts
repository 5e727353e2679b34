import type { Brand } from './ids.ts';

/** Milliseconds since 1970 UTC, of a server clock or, where the name says `sent`, of a player's. */
export type EpochMs = Brand<number, 'EpochMs'>;
/**
 * Live time of one partition: milliseconds that its log has been seen alive. Leases and timers run on it. It is private
 * to its partition: two partitions' live times are never compared, and none is ever shown to a caller.
 */
export type LiveMs = Brand<number, 'LiveMs'>;

export const epochMs = (ms: number): EpochMs => ms as EpochMs;
export const liveMs = (ms: number): LiveMs => ms as LiveMs;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Players beat every 10 s unless `HEARTBEAT_INTERVAL_MS` says otherwise. */
export const HEARTBEAT_INTERVAL_MS = 10 * SECOND_MS;
