import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyRule } from '../../schemas/generated/http.ts';
import { type Control, holdsSlot, isLate, MAX_HOLDERS, type Session } from './account.ts';
import { type Claim, judge, type Power, type Verdict } from './judge.ts';
import { limitOf, matches } from './policy.ts';

const LIVE_MS = 1_000_000;

const sessionOf = (sessionId: string, said: Partial<Session> = {}): Session => ({
  sessionId,
  profileId: 'parent',
  deviceId: sessionId,
  deviceName: null,
  deviceType: 'tv',
  contentId: 'film',
  contentType: 'vod',
  country: 'FR',
  metadata: {},
  claims: {},
  status: 'active',
  reason: 'OK',
  takenBy: null,
  signal: false,
  requestId: null,
  sequence: 0,
  startedAtMs: 0,
  admittedAt: '1.0.0',
  lastBeatAtMs: 0,
  lastBeatLiveMs: LIVE_MS,
  pausedSinceLiveMs: null,
  vouchedUntilLiveMs: 0,
  leaseMs: 35_000,
  lateMs: 22_000,
  pausedHoldsMs: 300_000,
  told: null,
  rule: null,
  policyVersion: 1,
  limit: null,
  ...said,
});

const traits = {
  deviceId: fc.constantFrom('tv', 'phone', 'tablet', 'laptop', 'stick'),
  profileId: fc.constantFrom('parent', 'child'),
  contentType: fc.constantFrom('live', 'vod'),
  country: fc.constantFrom('FR', 'DE', null),
};
const aSession = fc.record({
  ...traits,
  status: fc.constantFrom('active', 'active', 'starting', 'stopped', 'displaced'),
  lastBeatLiveMs: fc.constantFrom(LIVE_MS, LIVE_MS - 9_000, LIVE_MS - 22_000, LIVE_MS - 30_000),
  pausedSinceLiveMs: fc.constantFrom(null, null, LIVE_MS - 10_000, LIVE_MS - 300_000),
});
const aRule = fc.record({
  mode: fc.constantFrom('enforce', 'enforce', 'observe'),
  match: fc.constantFrom<PolicyRule['match']>({}, {}, { contentType: ['live'] }, { country: ['FR'] }),
  countBy: fc.constantFrom('sessions', 'devices', 'profiles', 'countries'),
  limit: fc.constantFrom<number | string>(0, 1, 2, 3, 4, 'none'),
  onExceed: fc.constantFrom('deny-newest', 'evict-oldest', 'ask'),
  sameDevice: fc.constantFrom('replace', 'share-slot', 'count'),
});
type Case = { readonly control: Control; readonly sessions: readonly Session[]; readonly claim: Claim };

const aCase = (powers: readonly Power[], holders = 8): fc.Arbitrary<Case> =>
  fc
    .record({
      sessions: fc.array(aSession, { maxLength: holders }),
      rules: fc.array(aRule, { maxLength: 4 }),
      mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'observe'),
      claimant: fc.record(traits),
      power: fc.constantFrom(...powers),
      takesOver: fc.boolean(),
    })
    .map(({ sessions, rules, mode, claimant, power, takesOver }) => {
      const standing = sessions.map((said, i) => sessionOf(`session-${i}`, said));
      return {
        sessions: standing,
        control: controlOf(
          rules.map((rule, i) => ({
            id: `rule-${i}`,
            leaseMs: 35_000,
            lateMs: 22_000,
            pausedHoldsMs: 300_000,
            failMode: 'open',
            ...rule,
          })),
          mode,
        ),
        claim: {
          claimant: sessionOf('claimant', claimant),
          power,
          takesOver: takesOver ? standing.filter(holdsSlot).slice(0, 1) : [],
        },
      };
    });

const controlOf = (rules: readonly PolicyRule[], mode: Control['mode']): Control => ({
  version: 1,
  mode,
  activatedAtMs: 0,
  policy: { version: 1, defaults: { leaseMs: 35_000, lateMs: 22_000, pausedHoldsMs: 300_000 }, rules },
});

const verdictOf = ({ control, sessions, claim }: Case): Verdict => judge(control, sessions, claim, LIVE_MS);

/** Said again in its own words: how many units of a rule these sessions are. */
const unitsOf = (rule: PolicyRule, sessions: readonly Session[]): number =>
  new Set(
    sessions
      .filter((s) => matches(rule, s))
      .map((s) => {
        if (rule.countBy === 'profiles') return s.profileId;
        if (rule.countBy === 'countries') return s.country;
        return rule.countBy === 'devices' || rule.sameDevice === 'share-slot' ? s.deviceId : s.sessionId;
      }),
  ).size;

const enforced = ({ control, claim }: Case): readonly PolicyRule[] =>
  control.policy.rules.filter(
    (rule) => rule.mode === 'enforce' && control.mode === 'enforce' && matches(rule, claim.claimant),
  );
const holdersAfter = (one: Case, { losers }: Verdict): readonly Session[] => [
  ...one.sessions.filter((s) => holdsSlot(s) && !losers.some((l) => l.session === s)),
  sessionOf('claimant', one.claim.claimant),
];

const ALL = ['full', 'meek', 'signal'] as const;
const law = (cases: fc.Arbitrary<Case>, holds: (one: Case, verdict: Verdict) => void): void =>
  fc.assert(
    fc.property(cases, (one) => holds(one, verdictOf(one))),
    { numRuns: 500 },
  );

describe('the judge', () => {
  it('admits nobody over the limit of any rule that holds', () => {
    law(aCase(ALL), (one, verdict) => {
      if (!verdict.admitted) return;
      for (const rule of enforced(one)) {
        const limit = limitOf(rule, one.claim.claimant);
        if (limit !== null) expect(unitsOf(rule, holdersAfter(one, verdict))).toBeLessThanOrEqual(limit);
      }
    });
  });

  it('refuses nobody, and takes no slot but of the same device, where all stay within every limit', () => {
    law(aCase(ALL), (one, verdict) => {
      const everybody = holdersAfter(one, { ...verdict, losers: [] });
      const room = enforced(one).every((rule) => {
        const limit = limitOf(rule, one.claim.claimant);
        return limit === null || unitsOf(rule, everybody) <= limit;
      });
      if (!room) return;
      expect(verdict.admitted).toBe(true);
      expect(verdict.losers.filter(({ how }) => how !== 'replaced')).toEqual([]);
    });
  });

  it('refuses under a rule that does not evict only where live streams fill it', () => {
    law(aCase(ALL), (one, verdict) => {
      if (verdict.admitted || verdict.rule === null || verdict.limit === null) return;
      expect(enforced(one)).toContain(verdict.rule);
      const live = one.sessions.filter((s) => holdsSlot(s) && !isLate(s, LIVE_MS));
      const claimant = sessionOf('claimant', one.claim.claimant);
      expect(unitsOf(verdict.rule, [...live, claimant])).toBeGreaterThan(verdict.limit);
    });
  });

  it('lets only holders lose, each once, never the claimant, and nobody where it refuses', () => {
    law(aCase(ALL), (_one, { admitted, losers }) => {
      if (!admitted) expect(losers).toEqual([]);
      expect(new Set(losers.map((l) => l.session)).size).toBe(losers.length);
      for (const { session } of losers) {
        expect(holdsSlot(session)).toBe(true);
        expect(session.sessionId).not.toBe('claimant');
      }
    });
  });

  it('does not take a slot from the claimant itself, which held one before', () => {
    law(aCase(ALL), (one) => {
      const again = { ...one.claim, claimant: one.sessions[0] ?? one.claim.claimant, takesOver: [] };
      const { losers } = verdictOf({ ...one, claim: again });
      expect(losers.map((l) => l.session)).not.toContain(again.claimant);
    });
  });

  it('admits the same in whatever order the rules are written', () => {
    const withOrder = aCase(ALL).chain((one) =>
      fc
        .shuffledSubarray([...one.control.policy.rules], { minLength: one.control.policy.rules.length })
        .map((shuffled) => ({ one, other: { ...one, control: controlOf(shuffled, one.control.mode) } })),
    );
    fc.assert(
      fc.property(withOrder, ({ one, other }) => {
        expect(verdictOf(other).admitted).toBe(verdictOf(one).admitted);
      }),
      { numRuns: 1_000 },
    );
  });

  it('lets a meek claim, and a signal, evict and replace nobody but whom it takes over', () => {
    law(aCase(['meek', 'signal']), (one, { losers }) => {
      for (const { session, how } of losers) {
        if (!one.claim.takesOver.includes(session)) expect(how).toBe('displaced');
      }
    });
  });

  it('displaces only late sessions, and evicts under no rule that has a late one left', () => {
    law(aCase(['full']), (one, verdict) => {
      const left = holdersAfter(one, verdict);
      for (const { session, how, rule } of verdict.losers) {
        if (how === 'displaced') expect(isLate(session, LIVE_MS)).toBe(true);
        if (how !== 'evicted' || rule === null || rule.countBy !== 'sessions' || rule.sameDevice === 'share-slot')
          continue;
        expect(left.filter((s) => matches(rule, s) && s.sessionId !== 'claimant' && isLate(s, LIVE_MS))).toEqual([]);
      }
    });
  });

  it('replaces on the same device only, but for what a claim takes over', () => {
    law(aCase(['full']), (one, { losers }) => {
      for (const { session, how } of losers) {
        if (how !== 'replaced' || one.claim.takesOver.includes(session)) continue;
        expect(session.deviceId).toBe(one.claim.claimant.deviceId);
      }
    });
  });

  it('admits under observation as if there were no rule, and takes nothing', () => {
    law(aCase(ALL), (one) => {
      const watching = { ...one, control: { ...one.control, mode: 'observe' as const } };
      const { admitted, losers, observed } = verdictOf(watching);
      expect(admitted).toBe(true);
      expect(losers.map((l) => l.session)).toEqual(one.claim.takesOver);
      const single = one.control.policy.rules.length === 1 && one.control.mode === 'enforce';
      const [rule] = one.control.policy.rules;
      if (!single || rule?.mode !== 'enforce') return;
      expect(observed.some((o) => o.refused)).toBe(!verdictOf(one).admitted);
    });
  });

  it('keeps 16 holders at most, and refuses for it only where nobody is silent or zaps', () => {
    law(aCase(ALL, 24), (one, verdict) => {
      const before = one.sessions.filter(holdsSlot);
      if (verdict.admitted && before.length <= MAX_HOLDERS) {
        expect(holdersAfter(one, verdict).length).toBeLessThanOrEqual(MAX_HOLDERS);
      }
      if (verdict.reason !== 'SESSION_CAP') return;
      expect(before.length).toBeGreaterThanOrEqual(MAX_HOLDERS);
      expect(before.filter((s) => !isLate(s, LIVE_MS)).length).toBeGreaterThanOrEqual(MAX_HOLDERS);
    });
  });
});
