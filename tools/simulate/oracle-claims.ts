import type { Heartbeat, StreamDecided } from '../../schemas/generated/records.ts';
import { type InForce, isLate, type Known, limitFor, otherUnits, type Rule, speaksOf } from './known.ts';
import { type Invariant, Violation } from './violation.ts';

/** One claim, and what came out of it. */
export type JudgedClaim = {
  readonly inForce: InForce;
  readonly liveMs: number;
  /** Who held a slot before, oldest first, without the claimant. */
  readonly holders: readonly Known[];
  readonly beat: Heartbeat;
  /** A start or a session's first beats: it may replace and evict. */
  readonly full: boolean;
  readonly takesOver: readonly Known[];
  readonly admitted: boolean;
  readonly reason: string;
  readonly rule: string | null;
  readonly losers: readonly { readonly session: Known; readonly outcome: string }[];
  readonly observed: readonly StreamDecided[];
};

const CAP = 16;

/** Throws unless the verdict is one that the policy allows, and the losers are those who should lose. */
export const checkClaim = (claim: JudgedClaim): void => {
  const { beat, inForce } = claim;
  const matching = inForce.policy.rules.filter((rule) => speaksOf(rule, beat));
  const enforced = inForce.mode === 'observe' ? [] : matching.filter((rule) => rule.mode === 'enforce');
  const replaced = claim.holders.filter(
    (s) =>
      claim.full &&
      s.beat.deviceId === beat.deviceId &&
      enforced.some((rule) => rule.sameDevice === 'replace' && speaksOf(rule, s.beat)),
  );
  if (claim.admitted) checkAdmitted(claim, enforced, replaced);
  else checkDenied(claim, enforced, replaced);
  if (matching.length === 1) checkObserved(claim, matching[0]!, enforced.length === 0);
};

const fail = (invariant: Invariant, claim: JudgedClaim, what: string): never => {
  const held = claim.holders.map((s) => `${s.id}${isLate(s, claim.liveMs) ? ' (late)' : ''}`).join(', ');
  throw new Violation(invariant, `${claim.beat.sessionId} ${what}; slots were held by [${held}]`);
};

const checkAdmitted = (claim: JudgedClaim, enforced: readonly Rule[], replaced: readonly Known[]): void => {
  const { beat, losers, holders, liveMs } = claim;
  const lost = new Set(losers.map((l) => l.session));
  const crowded = holders.length >= CAP;
  for (const { session, outcome } of losers) {
    const rightly =
      outcome === 'replaced'
        ? claim.takesOver.includes(session) || replaced.includes(session) || crowded
        : outcome === 'displaced'
          ? isLate(session, liveMs)
          : claim.full && enforced.some((r) => r.onExceed === 'evict-oldest' && speaksOf(r, session.beat));
    if (!rightly) fail('T1 order', claim, `${outcome} ${session.id}`);
  }
  for (const s of [...claim.takesOver, ...replaced]) {
    if (!lost.has(s)) fail('T1 order', claim, `was admitted, and did not replace ${s.id}`);
  }
  const after = holders.filter((s) => !lost.has(s));
  for (const rule of enforced) {
    const limit = limitFor(rule, beat);
    if (limit === null) continue;
    const units = otherUnits(rule, after, beat).length + 1;
    if (units > limit) fail('T1 limit', claim, `was admitted by ${rule.id}: ${units} of ${limit}`);
  }
  if (after.length + 1 > CAP) fail('T1 limit', claim, 'was admitted above the cap');
  const [only] = enforced;
  if (only !== undefined && enforced.length === 1 && !crowded) checkLosers(claim, only, replaced);
  if (enforced.length === 0 && !crowded && losers.some((l) => !claim.takesOver.includes(l.session))) {
    fail('T1 order', claim, 'took a slot that no enforced rule makes it take');
  }
};

/** Under one rule it is exact: the silent first, the longest silent of them; then the oldest; no more than needed. */
const checkLosers = (claim: JudgedClaim, rule: Rule, replaced: readonly Known[]): void => {
  const { beat, losers, liveMs } = claim;
  const limit = limitFor(rule, beat);
  const stay = claim.holders.filter((s) => !replaced.includes(s) && !claim.takesOver.includes(s));
  const others = otherUnits(rule, stay, beat);
  const excess = limit === null ? 0 : Math.max(0, others.length + 1 - limit);
  const lastBeat = (unit: readonly Known[]): number => Math.max(...unit.map((s) => s.lastBeatMs));
  const firstCame = (unit: readonly Known[]): number => Math.min(...unit.map((s) => s.order));
  const silent = others
    .filter((unit) => unit.every((s) => isLate(s, liveMs)))
    .sort((a, b) => lastBeat(a) - lastBeat(b));
  const loud = others.filter((unit) => !silent.includes(unit)).sort((a, b) => firstCame(a) - firstCame(b));
  const displaced = silent.slice(0, excess);
  const evicted = loud.slice(0, excess - displaced.length);
  const wanted = [...displaced.flat().map((s) => `displaced ${s.id}`), ...evicted.flat().map((s) => `evicted ${s.id}`)];
  const actual = losers.filter((l) => l.outcome !== 'replaced').map((l) => `${l.outcome} ${l.session.id}`);
  if (wanted.sort().join() !== actual.sort().join()) {
    fail('T1 order', claim, `by ${rule.id} (${limit}, ${rule.onExceed}): [${actual.join()}], not [${wanted.join()}]`);
  }
};

const checkDenied = (claim: JudgedClaim, enforced: readonly Rule[], replaced: readonly Known[]): void => {
  const { beat, holders, liveMs } = claim;
  if (claim.losers.length > 0)
    fail('T1 order', claim, `was denied, and took the slot of ${claim.losers[0]!.session.id}`);
  if (claim.reason === 'SESSION_CAP') {
    if (holders.filter((s) => !isLate(s, liveMs)).length < CAP) fail('T1 refused', claim, 'was refused below the cap');
    return;
  }
  const rule = enforced.find((r) => r.id === claim.rule);
  const limit = rule === undefined ? null : limitFor(rule, beat);
  if (rule === undefined || limit === null || claim.reason !== 'LIMIT_REACHED') {
    return fail('T1 refused', claim, `was refused by ${claim.rule} for ${claim.reason}`);
  }
  const others = otherUnits(
    rule,
    holders.filter((s) => !replaced.includes(s) && !claim.takesOver.includes(s)),
    beat,
  );
  const loud = others.filter((unit) => !unit.every((s) => isLate(s, liveMs)));
  if (loud.length + 1 <= limit) {
    const invariant = others.length > loud.length ? 'T2 newcomer' : 'T1 refused';
    fail(invariant, claim, `was refused by ${rule.id}: ${loud.length} of ${limit} are taken`);
  }
  if (rule.onExceed === 'evict-oldest' && claim.full && limit > 0) {
    fail('T1 refused', claim, `was refused by ${rule.id}, which evicts the oldest`);
  }
};

const checkObserved = (claim: JudgedClaim, rule: Rule, observing: boolean): void => {
  const limit = limitFor(rule, claim.beat);
  const same = (s: Known): boolean =>
    claim.full && rule.sameDevice === 'replace' && s.beat.deviceId === claim.beat.deviceId && speaksOf(rule, s.beat);
  const others = otherUnits(
    rule,
    claim.holders.filter((s) => !same(s) && !claim.takesOver.includes(s)),
    claim.beat,
  );
  const loud = others.filter((unit) => !unit.every((s) => isLate(s, claim.liveMs)));
  const wanted = observing && limit !== null && loud.length + 1 > limit ? 1 : 0;
  if (claim.observed.length !== wanted) {
    fail('T1 claims', claim, `has ${claim.observed.length} decisions that ${rule.id} only observed, not ${wanted}`);
  }
};
