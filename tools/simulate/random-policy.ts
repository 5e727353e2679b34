import type { Policy } from '../../schemas/generated/http.ts';
import { type Prng, pickWeighted } from '../players/prng.ts';

type Rule = Policy['rules'][number];

/** A policy of one or two rules, as `parsePolicy` would fill it. */
export const randomPolicy = (rng: Prng, version: number): Policy => {
  const defaults = { leaseMs: 35_000, lateMs: 22_000, pausedHoldsMs: 300_000 };
  const first = randomRule(rng, 'all', {});
  const byType = randomRule(rng, 'by-type', { contentType: [rng.pick(['live', 'vod'] as const)] });
  const rules = pickWeighted<readonly Rule[]>(rng, [
    { weight: 5, item: [first] },
    { weight: 3, item: [byType, first] },
    { weight: 1, item: [first, byType] },
    { weight: 1, item: [byType] },
  ]);
  return { version, defaults, rules };
};

const randomRule = (rng: Prng, id: string, match: Rule['match']): Rule => {
  const limit = pickWeighted<Rule['limit']>(rng, [
    { weight: 8, item: rng.between(1, 3) },
    { weight: 1, item: 4 },
    { weight: 1, item: 'plan.streams' },
    { weight: 0.5, item: 'none' },
  ]);
  return {
    id,
    mode: rng.chance(0.9) ? 'enforce' : 'observe',
    match,
    countBy: pickWeighted(rng, [
      { weight: 6, item: 'sessions' },
      { weight: 2, item: 'devices' },
      { weight: 1, item: 'profiles' },
    ]),
    limit,
    ...(limit === 'plan.streams' ? { limitWithoutClaim: 1 } : {}),
    onExceed: rng.pick(['deny-newest', 'evict-oldest', 'ask']),
    sameDevice: pickWeighted(rng, [
      { weight: 6, item: 'replace' },
      { weight: 2, item: 'share-slot' },
      { weight: 2, item: 'count' },
    ]),
    pausedHoldsMs: rng.pick([300_000, 300_000, 60_000]),
    failMode: rng.chance(0.7) ? 'open' : 'closed',
    leaseMs: 35_000,
    lateMs: 22_000,
  };
};
