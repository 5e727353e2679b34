import { createCourt, release, type Account, type OracleCounts } from './court.ts';
import type { Fact } from './facts.ts';
import { onBeatAnswered, onBeatSent, onDecision } from './judge-beats.ts';
import { onStartAnswered, onStartLost, onStartRefused, onStartSent } from './judge-starts.ts';
import { STRAGGLER_MS } from './certainty.ts';
import type { Verdicts } from './verdicts.ts';

export type Oracle = {
  note(fact: Fact): void;
  /** Something broke that a household need not have noticed: leases may have rested in this span, and for a while after. */
  mayHaveRested(fromMs: number, toMs: number): void;
  /** For how much of the span leases may have rested. */
  restedWithin(fromMs: number, toMs: number): number;
  readonly verdicts: Verdicts;
  readonly counts: Readonly<OracleCounts>;
};

/** A node that refused beats says so within this time, and leases rest from then on for a beat and 2 s. */
const TICK_MS = 1_000;
const HOLD_MS = 12_000;
const HISTORY_FACTS = 60;
const SESSIONS_KEPT = 40;
const FORGET_FREED_MS = 60_000;
const FORGET_SILENT_MS = 900_000;

/**
 * Judges a server by its replies alone, for one rule: `limit` sessions per account, the newest is denied, the same device
 * replaces. Pure: the same facts in the same order give the same verdicts.
 */
export function createOracle({ limit }: { readonly limit: number }): Oracle {
  const accounts = new Map<string, Account>();
  const court = createCourt(limit);

  const open = (id: string): Account => {
    const account: Account = {
      id,
      sessions: new Map(),
      known: new Set(),
      history: [],
      degraded: false,
      doubtful: [],
    };
    accounts.set(id, account);
    return account;
  };

  const judge = (account: Account, fact: Fact): void => {
    const session = account.sessions.get(fact.sessionId);
    switch (fact.type) {
      case 'start-sent':
        if (account.sessions.size > SESSIONS_KEPT) forget(account, fact.atMs);
        return onStartSent(account, fact);
      case 'start-answered':
        return onStartAnswered(court, account, fact);
      case 'beat-sent':
        return onBeatSent(account, fact);
      case 'beat-answered':
        return onBeatAnswered(court, account, fact);
      case 'check-answered':
        return session && onDecision(court, account, session, fact);
      case 'stop-sent':
      case 'stop-answered':
        if (session === undefined) return;
        session.ending = true;
        session.certain = false;
        if (fact.type === 'stop-sent') return;
        session.stoppedMs ??= fact.atMs;
        return release(session, fact.atMs);
      case 'call-lost':
        court.stalls.add(fact.sentAtMs - TICK_MS, fact.atMs + HOLD_MS + TICK_MS);
        if (fact.call === 'start') return onStartLost(court, account, fact);
        if (session === undefined || fact.call === 'stop') return;
        session.beatsOnTheWay -= 1;
        session.heardMs = Math.max(session.heardMs, fact.atMs + STRAGGLER_MS);
        return;
      case 'call-refused':
        court.blame(account, 'refused-call', fact, `${fact.call}: ${fact.why}`);
        if (fact.call === 'start') return onStartRefused(court, account, fact);
        if (session !== undefined && fact.call === 'beat') session.beatsOnTheWay -= 1;
    }
  };

  return {
    verdicts: court.verdicts,
    counts: court.counts,
    restedWithin: court.stalls.within,
    mayHaveRested: (fromMs, toMs) => court.stalls.add(fromMs, toMs + HOLD_MS + TICK_MS),
    note(fact) {
      const account = accounts.get(fact.accountId) ?? open(fact.accountId);
      account.history.push(fact);
      if (account.history.length > 2 * HISTORY_FACTS) account.history = account.history.slice(-HISTORY_FACTS);
      judge(account, fact);
    },
  };
}

/** Households that zap leave hundreds of ended sessions behind; what is long over can judge nothing any more. */
function forget(account: Account, atMs: number): void {
  for (const [id, session] of account.sessions) {
    if (session.startsOnTheWay > 0 || session.beatsOnTheWay > 0) continue;
    const quietMs = atMs - Math.max(session.heardMs, session.freedMs ?? 0);
    if (quietMs > (session.freedMs === undefined ? FORGET_SILENT_MS : FORGET_FREED_MS)) account.sessions.delete(id);
  }
}
