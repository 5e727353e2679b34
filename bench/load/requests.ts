import { beatOf } from '../records.ts';
import { FIRST_SEQUENCE } from './job.ts';

export const post = (path: string, body: string, token?: string): Buffer =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
      (token === undefined ? '' : `authorization: Bearer ${token}\r\n`) +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );

export const startRequest = (account: number, nowMs: number, token?: string): Buffer =>
  post('/v1/sessions', JSON.stringify({ ...beatOf(account, 0, nowMs), state: 'starting' }), token);

export const checkRequest = (account: number): Buffer => {
  const { accountId, sessionId } = beatOf(account, 0, 0);
  return Buffer.from(
    `GET /v1/block-check?accountId=${accountId}&sessionId=${sessionId} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
  );
};

export const readRequest = (account: number): Buffer => {
  const { accountId, profileId, contentId } = beatOf(account, 0, 0);
  const path = `/v1/accounts/${accountId}/profiles/${profileId}/resume-positions/${contentId}`;
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
};

/** A prepared request whose sequences, and positions where they move, are set before it is sent. */
export type Beats = {
  readonly bytes: Buffer;
  readonly sequencesAt: readonly number[];
  readonly positionsAt: readonly number[];
};

/** Seven digits from the first on, like sequences. */
export const FIRST_POSITION_MS = 1_000_000;

/** One beat, or a batch of one beat for each account that is named. */
export const beatsRequest = (accounts: readonly number[], nowMs: number, token?: string): Beats => {
  const beats = accounts.map((account) => ({
    ...beatOf(account, FIRST_SEQUENCE, nowMs),
    positionMs: FIRST_POSITION_MS,
  }));
  const bytes = post('/v1/heartbeats', JSON.stringify(beats.length === 1 ? beats[0] : { heartbeats: beats }), token);
  return { bytes, sequencesAt: valuesAt(bytes, 'sequence'), positionsAt: valuesAt(bytes, 'positionMs') };
};

const valuesAt = (bytes: Buffer, field: string): number[] => {
  const name = `"${field}":`;
  const found: number[] = [];
  for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at + 1)) found.push(at + name.length);
  return found;
};

const DIGITS = 7;
const ZERO = 48;

/** Writes a number of seven digits. */
export const setNumber = (bytes: Buffer, at: number, value: number): void => {
  let left = value;
  for (let i = at + DIGITS - 1; i >= at; i--) {
    bytes[i] = ZERO + (left % 10);
    left = Math.floor(left / 10);
  }
};
