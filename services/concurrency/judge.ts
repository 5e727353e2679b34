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

export type Loser = {
  readonly session: Session;
  readonly how: 'replaced' | 'displaced' | 'evicted';
  /** By which rule; null where none asked for it: a slot taken over, or the cap. */
  readonly rule: PolicyRule | null;
  readonly limit: number | null;
};

/** By session, in the order in which they lose. */
type Losers = Map<Session, Omit<Loser, 'session'>>;

/**
 * Decides one claim against the sessions of its account. All matching rules must hold, and it does not matter in which
 * order they are written: replacement counts first, then what some rules evict makes room under the others.
 */
export const judge = (control: Control, sessions: readonly Session[], claim: Claim, live: number): Verdict => {
  const { claimant, power } = claim;
  const holders = sessions.filter((s) => holdsSlot(s) && s.sessionId !== claimant.sessionId);
  const rules = control.policy.rules.filter((rule) => matches(rule, claimant));
  const observes = (rule: PolicyRule): boolean => rule.mode === 'observe' || control.mode === 'observe';
  const enforced = rules.filter((rule) => !observes(rule));
  const takenOver = { how: 'replaced', rule: null, limit: null } as const;
  const losers: Losers = new Map(claim.takesOver.map((session) => [session, takenOver]));
  for (const rule of enforced) addAll(losers, replacedBy(rule, holders, claim));

  const observed = rules.filter(observes).flatMap((rule) => {
    const limit = limitOf(rule, claimant);
    if (limit === null) return [];
    const gone = new Map([...losers, ...replacedBy(rule, holders, claim)]);
    const attempt = makeRoom({ rule, limit, holders, claimant, power, live, losers: gone });
    const evicts = attempt !== null && [...attempt.values()].some(({ how }) => how === 'evicted');
    return attempt === null || evicts ? [{ rule, limit, refused: attempt === null }] : [];
  });

  for (const rule of [...enforced].sort(evictingFirst)) {
    const limit = limitOf(rule, claimant);
    if (limit === null) continue;
    const attempt = makeRoom({ rule, limit, holders, claimant, power, live, losers });
    if (attempt === null) return refused({ reason: 'LIMIT_REACHED', rule, limit, observed });
    addAll(losers, attempt);
  }
  if (!keepCap(holders, losers, claim, live)) {
    return refused({ reason: 'SESSION_CAP', rule: null, limit: MAX_HOLDERS, observed });
  }
  const first = rules[0] ?? null;
  return {
    admitted: true,
    reason: 'OK',
    rule: first,
    limit: first === null ? null : limitOf(first, claimant),
    losers: [...losers].map(([session, lost]) => ({ session, ...lost })),
    observed,
  };
};

const refused = (why: Pick<Verdict, 'reason' | 'rule' | 'limit' | 'observed'>): Verdict => ({
  admitted: false,
  losers: [],
  ...why,
});

/** Two rules that evict may choose differently after each other, so they go by their id and not by their place. */
const evictingFirst = (a: PolicyRule, b: PolicyRule): number => {
  const [first, second] = [a, b].map((rule) => (rule.onExceed === 'evict-oldest' ? 0 : 1));
  if (first !== second) return first! - second!;
  return first === 1 ? 0 : a.id < b.id ? -1 : 1;
};

const addAll = (losers: Losers, more: Losers): void => {
  for (const [session, lost] of more) if (!losers.has(session)) losers.set(session, lost);
};

/** The sessions of the claimant's device, where the rule says that a new one takes their place. */
const replacedBy = (rule: PolicyRule, holders: readonly Session[], { claimant, power }: Claim): Losers => {
  if (rule.sameDevice !== 'replace' || power !== 'full') return new Map();
  const lost = { how: 'replaced', rule, limit: limitOf(rule, claimant) } as const;
  return new Map(
    holders.filter((s) => s.deviceId === claimant.deviceId && matches(rule, s)).map((session) => [session, lost]),
  );
};

type Room = {
  readonly rule: PolicyRule;
  readonly limit: number;
  readonly holders: readonly Session[];
  readonly claimant: Claimant;
  readonly power: Power;
  readonly live: number;
  /** Who has lost a slot already, and counts no more. */
  readonly losers: Losers;
};

/** Who must go for the claim to fit under one rule: the silent first, then by rule. Null: no room. */
const makeRoom = ({ rule, limit, holders, claimant, power, live, losers }: Room): Losers | null => {
  const leaving: Losers = new Map();
  const units = new Map<string, Session[]>();
  for (const s of holders) if (!losers.has(s) && matches(rule, s)) group(units, unitOf(rule, s)).push(s);
  const own = unitOf(rule, claimant);
  const others = [...units].filter(([unit]) => unit !== own).map(([, members]) => members);
  let excess = others.length + 1 - limit;
  if (excess <= 0) return leaving;

  const silent = others.filter((members) => members.every((s) => isLate(s, live)));
  for (const members of silent.sort((a, b) => lastBeat(a) - lastBeat(b)).slice(0, excess)) {
    for (const s of members) leaving.set(s, { how: 'displaced', rule, limit });
    excess -= 1;
  }
  if (excess <= 0) return leaving;

  if (rule.onExceed !== 'evict-oldest' || power !== 'full') return null;
  const oldest = others.filter((members) => !members.some((s) => leaving.has(s)));
  if (oldest.length < excess) return null;
  // Sessions stand in the order of their admission, so the first unit is the oldest.
  for (const members of oldest.slice(0, excess))
    for (const s of members) leaving.set(s, { how: 'evicted', rule, limit });
  return leaving;
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
const keepCap = (holders: readonly Session[], losers: Losers, { claimant, power }: Claim, live: number): boolean => {
  const left = holders.filter((s) => !losers.has(s));
  const excess = left.length + 1 - MAX_HOLDERS;
  if (excess <= 0) return true;
  const silent = left.filter((s) => isLate(s, live)).sort((a, b) => a.lastBeatLiveMs - b.lastBeatLiveMs);
  const own = power === 'full' ? left.filter((s) => !isLate(s, live) && s.deviceId === claimant.deviceId) : [];
  const leaving = [...silent, ...own].slice(0, excess);
  if (leaving.length < excess) return false;
  for (const s of leaving) {
    losers.set(s, { how: isLate(s, live) ? 'displaced' : 'replaced', rule: null, limit: null });
  }
  return true;
};

/** The lease and its kin that a session is held by: those of the first rule that matches, else the policy's defaults. */
export const holdOf = (policy: Policy, claimant: Claimant): Pick<Session, 'leaseMs' | 'lateMs' | 'pausedHoldsMs'> => {
  const { leaseMs, lateMs, pausedHoldsMs } = policy.rules.find((r) => matches(r, claimant)) ?? policy.defaults;
  return { leaseMs, lateMs, pausedHoldsMs };
};
