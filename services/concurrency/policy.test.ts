import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Policy } from '../../schemas/generated/http.ts';
import type { Claimant } from './account.ts';
import { claimantOf } from './sessions.ts';
import { failsClosed, limitOf, matches } from './policy.ts';
import { beatOf, policyOf, rules, type Who } from './testing/household.ts';

const claimant = (who: Who = {}): Claimant => claimantOf(beatOf('session', 0, who));
const ruleOf = (written: string): Policy['rules'][number] => policyOf(rules(1, written)).rules[0]!;
const matching = (match: string) => ruleOf(`{ id: r, limit: 1, match: ${match} }`);

describe('a rule speaks of', () => {
  it('everybody where it has no condition', () => {
    expect(matches(matching('{}'), claimant())).toBe(true);
  });

  it.each([
    ['{ contentType: live }', { contentType: 'live' }, { contentType: 'vod' }],
    ['{ contentId: [film-1, film-2] }', { contentId: 'film-2' }, { contentId: 'film-3' }],
    ['{ deviceType: [tv, stick] }', { deviceType: 'stick' }, { deviceType: 'phone' }],
    ['{ country: FR }', { country: 'FR' }, { country: 'DE' }],
    ['{ country: FR }', { country: 'FR' }, { country: null }],
    ['{ plan: [basic, free] }', { claims: { plan: 'free' } }, { claims: { plan: 'gold' } }],
    ['{ plan: basic }', { claims: { plan: 'basic' } }, { claims: {} }],
    ['{ plan: "2" }', { claims: { plan: 2 } }, { claims: { plan: 3 } }],
    ['{ metadata: { studio: acme } }', { metadata: { studio: 'acme' } }, { metadata: { studio: 'other' } }],
    ['{ metadata: { studio: acme } }', { metadata: { studio: 'acme' } }, { metadata: {} }],
  ] as const)('%s: of one and not of another', (match, one, other) => {
    expect(matches(matching(match), claimant(one))).toBe(true);
    expect(matches(matching(match), claimant(other))).toBe(false);
  });

  it('those only who meet all of its conditions', () => {
    const rule = matching('{ contentType: live, country: [FR, BE], deviceType: tv }');
    const one = { contentType: 'live', country: 'BE', deviceType: 'tv' } as const;
    expect(matches(rule, claimant(one))).toBe(true);
    for (const other of [{ contentType: 'vod' }, { country: 'DE' }, { deviceType: 'phone' }] as const) {
      expect(matches(rule, claimant({ ...one, ...other }))).toBe(false);
    }
  });
});

describe('the limit of a rule', () => {
  it('is its number, or none', () => {
    expect(limitOf(ruleOf('{ id: r, limit: 0 }'), claimant())).toBe(0);
    expect(limitOf(ruleOf('{ id: r, limit: none }'), claimant())).toBeNull();
  });

  const byClaim = ruleOf('{ id: r, limit: plan.streams, limitWithoutClaim: 1 }');

  it('is the claim that it names, as a number or a text', () => {
    expect(limitOf(byClaim, claimant({ claims: { 'plan.streams': 4 } }))).toBe(4);
    expect(limitOf(byClaim, claimant({ claims: { 'plan.streams': '3' } }))).toBe(3);
    expect(limitOf(byClaim, claimant({ claims: { 'plan.streams': 0 } }))).toBe(0);
  });

  it('is limitWithoutClaim where the token lacks the claim, or has no whole number from 0 on', () => {
    expect(limitOf(byClaim, claimant())).toBe(1);
    for (const value of ['', ' ', 'many', -1, 2.5, 'NaN', 'Infinity', '1e400']) {
      expect([value, limitOf(byClaim, claimant({ claims: { 'plan.streams': value } }))]).toEqual([value, 1]);
    }
  });

  it('is never other than null or a whole number from 0 on', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double()), (value) => {
        const limit = limitOf(byClaim, claimant({ claims: { 'plan.streams': value } }));
        return limit !== null && Number.isInteger(limit) && limit >= 0;
      }),
    );
  });
});

describe('a claim that could not be decided', () => {
  it('is refused where any enforced rule that speaks of it fails closed, else allowed', () => {
    const policy = policyOf(
      rules(
        1,
        '{ id: open, limit: 2 }',
        '{ id: sport, limit: 1, failMode: closed, match: { contentId: sport } }',
        '{ id: watched, limit: 1, failMode: closed, mode: observe }',
      ),
    );
    expect(failsClosed(policy, claimant({ contentId: 'sport' }))).toBe(true);
    expect(failsClosed(policy, claimant({ contentId: 'film' }))).toBe(false);
  });
});
