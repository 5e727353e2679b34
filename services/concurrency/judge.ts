import type { Policy, PolicyRule } from '../../schemas/generated/http.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { type Claimant, type Control, holdsSlot, isLate, MAX_HOLDERS, type Session } from './account.ts';
import { limitOf, matches } from './policy.ts';

/**
 * What a claim may do to others. `full`: a start, or the first beats of a session. `meek`: a session that comes back, or
 * whose start was never seen: it replaces and evicts nobody. `signal`: a backend's claim for a silent player, meek too.
 */
export type Power = 'full' | 'meek' | 'signal';

export type Claim = {
  readonly claimant: Claimant;
  readonly power: Power;
  /** Sessions whose slot this one takes over if it is admitted: casting, or the player behind a signal. */
  readonly takesOver: readonly Session[];
};

export type Verdict = {
  readonly admitted: boolean;
  /** Why not; `OK` when admitted. */
  readonly reason: Reason;
  /** The rule that refused, or the first that matched. */
  readonly rule: PolicyRule | null;
  readonly limit: number | null;
  /** Who loses a slot by this admission; nobody when it was refused. */
  readonly losers: readonly Loser[];
  /** Rules that only observe and would have refused or evicted. */
  readonly observed: readonly { readonly rule: PolicyRule; readonly limit: number; readonly refused: boolean }[];
};

export type Loser = { readonly session: Session; readonly how: 'replaced' | 'displaced' | 'evicted' };

/** Decides one claim against the sessions of its account. All matching rules must hold. */
export const judge = (control: Control, sessions: readonly Session[], claim: Claim, live: number): Verdict => {
  const { claimant, power } = claim;
  const holders = sessions.filter((s) => holdsSlot(s) && s.sessionId !== claimant.sessionId);
  const rules = control.policy.rules.filter((rule) => matches(rule, claimant));
  const losers = new Map<Session, Loser['how']>(claim.takesOver.map((session) => [session, 'replaced']));
  const observed: { rule: PolicyRule; limit: number; refused: boolean }[] = [];
  const first = rules[0] ?? null;

  for (const rule of rules) {
    const limit = limitOf(rule, claimant);
    const attempt = makeRoom({ rule, limit, holders, claimant, power, live, losers });
    if (limit !== null && (rule.mode === 'observe' || control.mode === 'observe')) {
      if (attempt === null || [...attempt.values()].includes('evicted')) {
        observed.push({ rule, limit, refused: attempt === null });
      }
      continue;
    }
    if (attempt === null) return refused('LIMIT_REACHED', rule, limit, observed);
    for (const [session, how] of attempt) losers.set(session, how);
  }
  if (!keepCap(holders, losers, claim, live)) return refused('SESSION_CAP', null, MAX_HOLDERS, observed);
  return {
    admitted: true,
    reason: 'OK',
    rule: first,
    limit: first === null ? null : limitOf(first, claimant),
    losers: [...losers].map(([session, how]) => ({ session, how })),
    observed,
  };
};

const refused = (
  reason: Reason,
  rule: PolicyRule | null,
  limit: number | null,
  observed: Verdict['observed'],
): Verdict => ({
  admitted: false,
  reason,
  rule,
  limit,
  losers: [],
  observed,
});

type Room = {
  readonly rule: PolicyRule;
  readonly limit: number | null;
  readonly holders: readonly Session[];
  readonly claimant: Claimant;
  readonly power: Power;
  readonly live: number;
  readonly losers: ReadonlyMap<Session, Loser['how']>;
};

/** Who must go for the claim to fit under one rule: same device first, then the silent, then by rule. Null: no room. */
const makeRoom = (room: Room): Map<Session, Loser['how']> | null => {
  const { rule, limit, claimant, power, live } = room;
  const losers = new Map<Session, Loser['how']>();
  const counted = room.holders.filter((s) => !room.losers.has(s) && matches(rule, s));
  if (rule.sameDevice === 'replace' && power === 'full') {
    for (const s of counted) if (s.deviceId === claimant.deviceId) losers.set(s, 'replaced');
  }
  if (limit === null) return losers;

  const units = new Map<string, Session[]>();
  for (const s of counted) if (!losers.has(s)) group(units, unitOf(rule, s)).push(s);
  const own = unitOf(rule, claimant);
  const others = [...units].filter(([unit]) => unit !== own).map(([, members]) => members);
  let excess = others.length + 1 - limit;
  if (excess <= 0) return losers;

  const silent = others.filter((members) => members.every((s) => isLate(s, live)));
  for (const members of silent.sort((a, b) => lastBeat(a) - lastBeat(b)).slice(0, excess)) {
    for (const s of members) losers.set(s, 'displaced');
    excess -= 1;
  }
  if (excess <= 0) return losers;

  if (rule.onExceed !== 'evict-oldest' || power !== 'full') return null;
  const oldest = others.filter((members) => !members.some((s) => losers.has(s)));
  if (oldest.length < excess) return null;
  // Sessions stand in the order of their admission, so the first unit is the oldest.
  for (const members of oldest.slice(0, excess)) for (const s of members) losers.set(s, 'evicted');
  return losers;
};

/** What one unit of the rule's limit is. */
const unitOf = (rule: PolicyRule, c: Claimant): string => {
  switch (rule.countBy) {
    case 'sessions':
      return rule.sameDevice === 'share-slot' ? c.deviceId : c.sessionId;
    case 'devices':
      return c.deviceId;
    case 'profiles':
      return c.profileId;
    case 'countries':
      return c.country ?? '';
  }
};

const group = (units: Map<string, Session[]>, unit: string): Session[] => {
  const members = units.get(unit) ?? [];
  units.set(unit, members);
  return members;
};

const lastBeat = (members: readonly Session[]): number => Math.max(...members.map((s) => s.lastBeatLiveMs));

/**
 * Adds sessions to the losers until the cap is kept: silent ones first, then older ones of the same device, which no
 * rule may have replaced (zapping through channels that no rule speaks of). False when it cannot be kept.
 */
const keepCap = (
  holders: readonly Session[],
  losers: Map<Session, Loser['how']>,
  { claimant, power }: Claim,
  live: number,
): boolean => {
  const left = holders.filter((s) => !losers.has(s));
  const excess = left.length + 1 - MAX_HOLDERS;
  if (excess <= 0) return true;
  const silent = left.filter((s) => isLate(s, live)).sort((a, b) => a.lastBeatLiveMs - b.lastBeatLiveMs);
  const own = power === 'full' ? left.filter((s) => !isLate(s, live) && s.deviceId === claimant.deviceId) : [];
  const leaving = [...silent, ...own].slice(0, excess);
  if (leaving.length < excess) return false;
  for (const s of leaving) losers.set(s, isLate(s, live) ? 'displaced' : 'replaced');
  return true;
};

/** The lease and its kin that a session is held by: those of the first rule that matches, else the policy's defaults. */
export const holdOf = (policy: Policy, claimant: Claimant): Pick<Session, 'leaseMs' | 'lateMs' | 'pausedHoldsMs'> => {
  const { leaseMs, lateMs, pausedHoldsMs } = policy.rules.find((r) => matches(r, claimant)) ?? policy.defaults;
  return { leaseMs, lateMs, pausedHoldsMs };
};
