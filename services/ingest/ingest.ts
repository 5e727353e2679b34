import type { Decision, FieldError } from '../../schemas/generated/http.ts';
import type { CarriedIds } from '../../schemas/validate.ts';
import type { ProblemCode } from '../../shared/errors/problems.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { otherAccount, unidentified } from '../../shared/http/guard.ts';
import type { Limits } from '../../shared/http/limits.ts';
import { spreadMs } from '../../shared/http/spread.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import type { SessionToken, Tokens } from '../../shared/identity/tokens.ts';
import type { AccountReader, Seen } from '../concurrency/view.ts';
import type { FailModeAnswer } from './fail-mode.ts';
import type { Item, Lanes, Refusal, Stored } from './lanes.ts';

/** What the routes of ingest are made with. */
export type Ingest = {
  readonly lanes: Lanes;
  /** Does the work between two events of the audit, which say who asked for it and why. */
  readonly audit: {
    around(
      call: Call,
      what: { readonly action: string; readonly about: AccountKey },
      work: () => Promise<Reply>,
    ): Promise<Reply>;
  };
  /** Starts that wait for their decision, and how many may. */
  readonly claims: { waiting: number; readonly most: number };
  readonly read: AccountReader;
  /** Resolves true once the concurrency fold has reached the offset, false after `decisionTimeoutMs`. */
  readonly decided: (partition: number, offset: number) => Promise<boolean>;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly networkKey: (req: Call['req']) => string | null;
  readonly partitionOf: (key: AccountKey) => number;
  readonly tokens: Tokens;
  /** Throws the problem of a session token that is not good. */
  readonly readSession: (text: string) => SessionToken;
  readonly limits: Limits;
  readonly metadataKeys: readonly string[];
  readonly heartbeatIntervalMs: number;
  readonly clock: () => number;
  readonly nextRequestId: () => string;
  /** Tells what the fail mode answered. */
  readonly answeredByFailMode: (answer: FailModeAnswer) => void;
  readonly count: Counts;
};

/** What ingest counts; each is a plain addition. */
export type Counts = {
  accepted(beats: number): void;
  rejected(code: ProblemCode): void;
  dropped(path: string): void;
  answered(status: number): void;
  started(decision: Pick<Decision, 'decision' | 'reason' | 'degraded'>, tookMs: number): void;
  /** It could not even be stored. */
  startRefused(): void;
  degraded(): void;
};

/** What can go wrong with every call that a player makes. */
export const PLAYER_PROBLEMS = [
  'VALIDATION_FAILED',
  'MALFORMED_JSON',
  'TOO_DEEP',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'UNSUPPORTED_ENCODING',
  'LOG_UNAVAILABLE',
  'OVERLOADED',
  'SHUTTING_DOWN',
] as const;

export const DETAILS: Readonly<Record<Refusal, string>> = {
  LOG_UNAVAILABLE: 'the log did not store it in time; send it again with the same sequence',
  OVERLOADED: 'too much is waiting for the log; send it again with the same sequence',
  SHUTTING_DOWN: 'this node is going; send it again with the same sequence',
};

/** What is not accepted now, and when to send it again. */
export const refusal = (why: Refusal, requestId: string, detail = DETAILS[why]): ProblemError =>
  new ProblemError(why, detail, { retryAfterMs: 1_000 + spreadMs(requestId) });

/** Appends one record, and waits until it is stored. */
export const append = (
  ingest: Ingest,
  partition: number,
  record: Pick<Item, 'key' | 'encode'>,
  requestId: string,
): Promise<Stored> =>
  new Promise((resolve, reject) => {
    ingest.lanes.submit(partition, {
      ...record,
      stored: resolve,
      refused: (why) => reject(refusal(why, requestId)),
    });
  });

/** The account once the fold has reached this record; null when that takes too long. */
export const seenAfter = async (ingest: Ingest, { partition, offset }: Stored, key: string): Promise<Seen | null> => {
  if (!(await ingest.decided(partition, offset + 1))) return null;
  const [seen] = await ingest.read(partition, [key]);
  return seen ?? null;
};

/** The session token of a call, from its header or its body; null where another token says who calls. */
export const sessionTokenOf = (ingest: Ingest, call: Call, inBody: string | undefined): SessionToken | null => {
  if (call.session !== null || inBody === undefined) {
    if (call.session === null && call.caller === null) throw unidentified();
    return call.session;
  }
  const token = ingest.readSession(inBody);
  // By its header, the call was nobody's, and nothing was counted.
  if (call.caller === null) ingest.limits.pass({ ...call, session: token }, true);
  return token;
};

/** Whose call it is, for the record. */
export const bearerOf = (
  call: Call,
  token: SessionToken | null,
): { readonly tenant: string; readonly claims: SessionToken['claims'] } => ({
  tenant: token?.tenant ?? tenantOf(call),
  claims: (token ?? call.caller)?.claims ?? {},
});

/** What a service does to an account's streams is an event of the audit; what the account does itself is its own. */
export const auditedIfService = (
  ingest: Ingest,
  call: Call,
  what: { readonly action: string; readonly about: AccountKey },
  work: () => Promise<Reply>,
): Promise<Reply> => {
  const { caller } = call;
  return caller !== null && caller.who !== null && caller.rights.has('service')
    ? ingest.audit.around(call, what, work)
    : work();
};

/** What a body may leave out where a token says it. */
export const carriedBy = ({ caller }: Call, token: SessionToken | null): CarriedIds | undefined => {
  if (token !== null) {
    const { accountId, profileId, deviceId, deviceType, contentId, contentType, sessionId } = token;
    return { accountId, profileId, deviceId, deviceType, contentId, contentType, sessionId };
  }
  if (caller === null || caller.accountId === null) return undefined;
  const { accountId, profileId } = caller;
  return profileId === null ? { accountId } : { accountId, profileId };
};

/** A session token is good for its own account, profile, device and session; another one for its account. */
export const refuseMismatch = (
  call: Call,
  token: SessionToken | null,
  beat: {
    readonly accountId: string;
    readonly profileId: string;
    readonly deviceId: string;
    readonly sessionId: string;
  },
): ProblemError | null => {
  if (token !== null)
    for (const field of ['accountId', 'profileId', 'deviceId', 'sessionId'] as const) {
      if (token[field] !== beat[field])
        return new ProblemError('SESSION_TOKEN_MISMATCH', `the session token is for another ${field}`);
    }
  return token !== null && call.caller === null ? null : otherAccount(call, beat.accountId);
};

export const invalid = (errors: readonly FieldError[]): ProblemError =>
  new ProblemError('VALIDATION_FAILED', errors.map((e) => `${e.path || '/'}: ${e.detail}`).join('; '), { errors });
