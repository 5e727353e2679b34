import type { ProblemCode } from '../errors/problems.ts';
import { lineOf } from '../identity/network-keys.ts';
import { allowances } from './allowance.ts';
import { type Call, type Identified, ProblemError } from './call.ts';
import { spreadMs } from './spread.ts';

/** What is counted: one session, one account, one address without a good token, and all calls of this process. */
export type LimitedBy = 'session' | 'account' | 'address' | 'node';
/** Calls a minute; of the node 0 for as many as come. */
export type Rates = Readonly<Record<LimitedBy, number>>;

/** How often who may call. Each node counts what comes to it. */
export type Limits = {
  /**
   * Counts a call whose caller is known; throws `RATE_LIMITED` where it is one too many. A call that is `kept` is one that a
   * stream lives on: see `KEPT_EVERY_MS`.
   */
  pass(call: Call, kept: boolean): void;
  /** More than one call's worth of what has passed. */
  charge(who: Identified, calls: number): void;
  /** What to answer an error: `RATE_LIMITED` instead of that a token is missing or not good, where that was said too often. */
  refused(call: Call, error: unknown): unknown;
};

/**
 * A session token is the proof of an admitted session. Whatever its account or all the others do, one of its calls passes in
 * this time: players beat every 10 s, and may be told to every 5.
 */
export const KEPT_EVERY_MS = 5_000;
/** Of so many sessions of one account: ids of sessions are the caller's, and must not be a way past its limit. */
export const KEPT_SESSIONS = 20;

const MINUTE_MS = 60_000;
const STRANGERS: ReadonlySet<ProblemCode> = new Set([
  'UNAUTHENTICATED',
  'SESSION_TOKEN_INVALID',
  'SESSION_TOKEN_EXPIRED',
]);

export type LimitsOptions = {
  /** Whether callers have to say who they are: those who do not are counted together only. */
  readonly asked: boolean;
  readonly rates: Rates;
  readonly addressOf: (req: Call['req']) => string | undefined;
  /** Milliseconds that never go back. */
  readonly steadyMs: () => number;
  readonly limited: (by: LimitedBy) => void;
};

/** By what name a call counts; null: it does not. */
type Names = { readonly session: string | null; readonly account: string | null; readonly node: string };

export const createLimits = ({ asked, rates, addressOf, steadyMs, limited }: LimitsOptions): Limits => {
  const sessions = allowances(rates.session);
  const accounts = allowances(rates.account);
  const addresses = allowances(rates.address);
  const node = rates.node === 0 ? null : allowances(rates.node);
  const keptSessions = allowances(MINUTE_MS / KEPT_EVERY_MS);
  const keptAccounts = allowances((KEPT_SESSIONS * MINUTE_MS) / KEPT_EVERY_MS);

  const counted = [
    ...(asked
      ? ([
          ['session', sessions],
          ['account', accounts],
        ] as const)
      : []),
    ...(node === null ? [] : ([['node', node]] as const)),
  ] as const;

  const isKept = ({ session, account }: Names, nowMs: number): boolean => {
    if (!asked || session === null || account === null) return false;
    if (keptSessions.wait(session, nowMs) > 0 || keptAccounts.wait(account, nowMs) > 0) return false;
    keptSessions.take(session, 1, nowMs);
    keptAccounts.take(account, 1, nowMs);
    return true;
  };
  const count = (names: Names, calls: number, nowMs: number): void => {
    for (const [by, of] of counted) {
      const name = names[by];
      if (name !== null) of.take(name, calls, nowMs);
    }
  };
  const tooMany = (by: LimitedBy, waitMs: number, requestId: string): ProblemError => {
    limited(by);
    return new ProblemError('RATE_LIMITED', TOO_MANY[by], { retryAfterMs: Math.ceil(waitMs) + spreadMs(requestId) });
  };

  if (!asked && node === null) return UNLIMITED;
  return {
    pass: (call, kept) => {
      const nowMs = steadyMs();
      const names = namesOf(call);
      for (const [by, of] of counted) {
        const name = names[by];
        const waitMs = name === null ? 0 : of.wait(name, nowMs);
        if (waitMs === 0) continue;
        if (kept && isKept(names, nowMs)) return;
        throw tooMany(by, waitMs, call.requestId);
      }
      count(names, 1, nowMs);
    },
    charge: (who, calls) => count(namesOf(who), calls, steadyMs()),
    refused: (call, error) => {
      if (!asked || !(error instanceof ProblemError) || !STRANGERS.has(error.code)) return error;
      const nowMs = steadyMs();
      const address = lineOf(addressOf(call.req) ?? '');
      const waitMs = addresses.wait(address, nowMs);
      if (waitMs > 0) return tooMany('address', waitMs, call.requestId);
      addresses.take(address, 1, nowMs);
      return error;
    },
  };
};

/** Where as many calls pass as come. */
export const UNLIMITED: Limits = { pass: () => {}, charge: () => {}, refused: (_call, error) => error };

/** A service counts by the node alone: it calls for many accounts. */
const namesOf = ({ caller, session }: Identified): Names => {
  if (caller !== null) {
    const { tenant, accountId, rights } = caller;
    const account = accountId === null || rights.has('service') ? null : `${tenant}\0${accountId}`;
    return { session: null, account, node: '' };
  }
  if (session === null) return { session: null, account: null, node: '' };
  const account = `${session.tenant}\0${session.accountId}`;
  return { session: `${account}\0${session.sessionId}`, account, node: '' };
};

const TOO_MANY: Readonly<Record<LimitedBy, string>> = {
  session: 'these are too many calls of one session',
  account: 'these are too many calls of one account',
  address: 'these are too many calls of one address without a good token',
  node: 'these are more calls than this node takes',
};
