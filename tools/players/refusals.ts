import { type Decision } from './facts.ts';
import { GONE_MS, isOpen, possiblyHolds, silentMs, type Session, type Span } from './certainty.ts';
import type { Stalls } from './stalls.ts';
import type { ViolationKind } from './verdicts.ts';

/** A refusal that stands only if one of the claims that were on the way with it turns out to have won. */
type Doubtful = {
  readonly refused: Session;
  readonly verdict: Verdict;
  readonly sure: Session[];
  readonly open: Set<Session>;
};

export type Verdict = {
  readonly kind: ViolationKind;
  readonly sessionId: string;
  readonly atMs: number;
  readonly detail: string;
};

export type Refusals = {
  readonly doubtful: Doubtful[];
};

export type Refused = {
  readonly session: Session;
  readonly span: Span;
  readonly sessions: Iterable<Session>;
  readonly roomAfterMs: number;
};

/** A device holds at most one slot: its sessions replace each other. */
const devices = (sessions: Iterable<Session>): number => new Set([...sessions].map(({ deviceId }) => deviceId)).size;
const names = (sessions: readonly Session[]): string => sessions.map(({ id }) => id).join(' ') || 'nobody';

const isMereClaim = (session: Session): boolean => session.startsOnTheWay > 0 && !session.admitted && !session.ghost;

/** A verdict when fewer than `limit` others can have held slots, at any moment from the sending to the reply. */
export function judgeRefusal(
  refusals: Refusals,
  { session, span, sessions, roomAfterMs }: Refused,
  { limit, stalls }: { readonly limit: number; readonly stalls: Stalls },
): Verdict | undefined {
  const others = [...sessions].filter(
    (other) => other !== session && other.deviceId !== session.deviceId && other.id !== session.continues,
  );
  const holders = others.filter((other) => possiblyHolds(other, span, roomAfterMs, stalls));
  const silent = others.filter((other) => isOpen(other, span) && !holders.includes(other));
  const gone = silent.length > 0 && silent.every((other) => silentMs(other, span.fromMs, stalls) > GONE_MS);
  const verdict: Verdict = {
    kind: gone && holders.length === 0 ? 'slot-stays-taken' : 'false-block',
    sessionId: session.id,
    atMs: span.toMs,
    detail: `limit ${limit}, possible holders: ${names(holders)}; too silent to hold: ${names(silent)}`,
  };
  if (devices(holders) < limit) return verdict;

  const sure = holders.filter((other) => !isMereClaim(other));
  if (devices(sure) < limit) {
    const open = new Set(holders.filter(isMereClaim));
    refusals.doubtful.push({ refused: session, verdict, sure, open });
  }
  return undefined;
}

/** A claim was answered: refusals that leaned on it are judged again. Two claims for one slot cannot both lose. */
export function settleClaim(refusals: Refusals, claim: Session, limit: number): readonly Verdict[] {
  if (refusals.doubtful.length === 0) return [];
  const verdicts: Verdict[] = [];
  const left = refusals.doubtful.filter(({ sure, open, verdict }) => {
    if (!open.delete(claim)) return true;
    if (!claim.denied || claim.ghost) sure.push(claim);
    if (devices(sure) >= limit) return false;
    if (devices([...sure, ...open]) >= limit) return true;
    verdicts.push({
      ...verdict,
      detail: `limit ${limit}, possible holders: ${names(sure)}; every other claim lost too`,
    });
    return false;
  });
  refusals.doubtful.splice(0, refusals.doubtful.length, ...left);
  return verdicts;
}

const NAMING_REASONS: readonly string[] = ['LIMIT_REACHED', 'SESSION_CAP'];

/** What is missing from a refusal for a viewer to know who holds the slots. */
export function findUnexplained(decision: Decision, known: ReadonlySet<string>): string | undefined {
  if (!NAMING_REASONS.includes(decision.reason)) return `reason ${decision.reason || 'missing'}`;
  if (decision.active === undefined || decision.active.length === 0) return 'active names nobody';
  const strangers = decision.active.filter((id) => !known.has(id));
  return strangers.length === 0 ? undefined : `active names ${strangers.join(' ')}, unknown in this account`;
}
