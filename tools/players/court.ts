import { certainlyHolds, type Session } from './certainty.ts';
import type { Fact } from './facts.ts';
import { settleClaim, type Refusals, type Verdict } from './refusals.ts';
import { createStalls, type Stalls } from './stalls.ts';
import { createVerdicts, type Verdicts, type ViolationKind } from './verdicts.ts';

/** What the judging of starts and the judging of beats share. */

export type Of<T extends Fact['type']> = Extract<Fact, { readonly type: T }>;

export const LAST_STATES: readonly string[] = ['ended', 'stopped', 'failed'];

export type Account = {
  readonly id: string;
  readonly sessions: Map<string, Session>;
  /** Every session that was ever claimed, also those that are long over. */
  readonly known: Set<string>;
  history: Fact[];
  /** Something was let in without a decision: who holds what is not certain any more. */
  degraded: boolean;
} & Refusals;

export type OracleCounts = {
  startsDecided: number;
  admitted: number;
  denied: number;
  degraded: number;
  /** Sessions that lost their slot by silence and learned it when they came back. */
  displaced: number;
  /** Sessions that came back after too long a silence and went on. */
  returned: number;
};

export type Court = {
  readonly limit: number;
  readonly counts: OracleCounts;
  readonly stalls: Stalls;
  readonly verdicts: Verdicts;
  convict(account: Account, verdict: Verdict | undefined): void;
  blame(account: Account, kind: ViolationKind, fact: Fact, detail: string): void;
  /** From here on the session certainly holds a slot; the only place where the limit can turn out to be exceeded. */
  becomeCertain(account: Account, session: Session, fact: Fact): void;
  settle(account: Account, claim: Session): void;
};

export function createCourt(limit: number): Court {
  const verdicts = createVerdicts();
  const court: Court = {
    limit,
    counts: { startsDecided: 0, admitted: 0, denied: 0, degraded: 0, displaced: 0, returned: 0 },
    stalls: createStalls(),
    verdicts,
    convict(account, verdict) {
      if (verdict !== undefined) verdicts.add({ ...verdict, accountId: account.id }, account.history);
    },
    blame(account, kind, fact, detail) {
      court.convict(account, { kind, sessionId: fact.sessionId, atMs: fact.atMs, detail });
    },
    becomeCertain(account, session, fact) {
      session.certain = true;
      session.returnedMs = undefined;
      session.suspendedBy = undefined;
      if (!certainlyHolds(session, fact.atMs)) return;
      const holders = [...account.sessions.values()].filter((other) => certainlyHolds(other, fact.atMs));
      if (holders.length <= limit) return;
      court.blame(account, 'over-admission', fact, `limit ${limit}, holders: ${holders.map(({ id }) => id).join(' ')}`);
    },
    settle(account, claim) {
      for (const verdict of settleClaim(account, claim, limit)) court.convict(account, verdict);
    },
  };
  return court;
}

export function release(session: Session, atMs: number): void {
  session.certain = false;
  session.freedMs ??= atMs;
}
