import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { TableName } from '../../schemas/tables.ts';
import { DAY_MS, type EpochMs } from '../../schemas/time.ts';

/**
 * What a caller hands back to get the next page of a list. It is signed, so that nobody makes one or takes it to another
 * account; it is not encrypted: what is in it, a place in a list of theirs, the caller has just been shown.
 */
export type Cursors = {
  write(list: CursorList, below: string): string;
  /** The place; null where it was not written for this list, has been changed, or is older than a day. */
  read(text: string, list: CursorList): string | null;
};

export type CursorList = {
  readonly table: TableName;
  /** Account key. */
  readonly key: string;
  readonly list: string;
};

/** Long enough for a page left open over night; short enough that a change of secret or layout is soon behind us. */
export const CURSOR_MS = DAY_MS;
const SECRET_BYTES = 32;

/** Layout, expiry, signature; the rest is the place. */
const LAYOUT = 1;
const EXPIRY_AT = 1;
const EXPIRY_BYTES = 6;
const SIGNATURE_AT = EXPIRY_AT + EXPIRY_BYTES;
/** Half of SHA-256: guessing it stays out of reach, and the address in the browser stays short. */
const SIGNATURE_BYTES = 16;
const PLACE_AT = SIGNATURE_AT + SIGNATURE_BYTES;
/** More than the longest place can become. Longer texts are not even decoded. */
const MOST_CHARACTERS = 1_500;

export const cursors = (secret: Uint8Array, clock: () => EpochMs): Cursors => {
  if (secret.length < SECRET_BYTES)
    throw new RangeError(`the secret of the cursors has ${secret.length} bytes; at least ${SECRET_BYTES}`);

  const signing = createSecretKey(secret);
  /** JSON keeps the parts apart, whatever is in them. The first says what for, should the secret sign other things too. */
  const signature = ({ table, key, list }: CursorList, expiresAtMs: number, below: string): Buffer =>
    createHmac('sha256', signing)
      .update(JSON.stringify(['playbeat list cursor', LAYOUT, table, key, list, expiresAtMs, below]))
      .digest()
      .subarray(0, SIGNATURE_BYTES);

  return {
    write: (list, below) => {
      const expiresAtMs = clock() + CURSOR_MS;
      const head = Buffer.alloc(SIGNATURE_AT);
      head.writeUInt8(LAYOUT);
      head.writeUIntBE(expiresAtMs, EXPIRY_AT, EXPIRY_BYTES);
      return Buffer.concat([head, signature(list, expiresAtMs, below), Buffer.from(below)]).toString('base64url');
    },

    read: (text, list) => {
      if (text.length > MOST_CHARACTERS) return null;
      const bytes = Buffer.from(text, 'base64url');
      // Decoding skips what it does not know, and the last character has bits to spare: one cursor has one text.
      if (bytes.length < PLACE_AT || bytes.toString('base64url') !== text || bytes[0] !== LAYOUT) return null;
      const expiresAtMs = bytes.readUIntBE(EXPIRY_AT, EXPIRY_BYTES);
      const below = bytes.toString('utf8', PLACE_AT);
      const signed = bytes.subarray(SIGNATURE_AT, PLACE_AT);
      if (!timingSafeEqual(signed, signature(list, expiresAtMs, below))) return null;
      return clock() < expiresAtMs ? below : null;
    },
  };
};
