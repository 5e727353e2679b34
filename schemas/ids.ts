/** Names that must not be mixed up are branded strings: a plain string does not pass where one of these is asked for. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** `base64url(HMAC-SHA-256(pepper, tenant NUL accountId))`, 43 characters: what stands in the log for a household. */
export type AccountKey = Brand<string, 'AccountKey'>;
/** The player's own id of one playback (CMCD `sid`), unique within its account. */
export type SessionId = Brand<string, 'SessionId'>;

export const accountKey = (text: string): AccountKey => text as AccountKey;
export const sessionId = (text: string): SessionId => text as SessionId;
