import type { Policy } from '../../schemas/generated/http.ts';
import type { Claimant } from './account.ts';

export type Rule = Policy['rules'][number];

/** Whether a rule speaks of this claim. An absent condition matches all; a list matches any of its values. */
export const matches = (rule: Rule, c: Claimant): boolean => {
  const match = rule.match;
  if (match === undefined) return true;
  if (!oneOf(match.contentType, c.contentType)) return false;
  if (!oneOf(match.contentId, c.contentId)) return false;
  if (!oneOf(match.deviceType, c.deviceType)) return false;
  if (!oneOf(match.country, c.country)) return false;
  if (!oneOf(match.plan, c.claims['plan'] ?? null)) return false;
  for (const [key, wanted] of Object.entries(match.metadata ?? {})) {
    if (!oneOf(wanted, c.metadata[key] ?? null)) return false;
  }
  return true;
};

const oneOf = (wanted: string | readonly string[] | undefined, actual: string | number | null): boolean => {
  if (wanted === undefined) return true;
  if (actual === null) return false;
  return typeof wanted === 'string' ? wanted === actual : wanted.includes(String(actual));
};

/** The rule's limit for this claim; null: none. A named claim that is no whole number gives way to `limitWithoutClaim`. */
export const limitOf = (rule: Rule, c: Claimant): number | null => {
  if (typeof rule.limit === 'number') return rule.limit;
  if (rule.limit === 'none') return null;
  const claimed = Number(c.claims[rule.limit] ?? Number.NaN);
  return Number.isInteger(claimed) && claimed >= 0 ? claimed : (rule.limitWithoutClaim ?? null);
};

/** Whether a claim that could not be decided is refused: any rule that speaks of it and says `closed`. */
export const failsClosed = (policy: Policy, c: Claimant): boolean =>
  policy.rules.some((rule) => rule.failMode === 'closed' && rule.mode === 'enforce' && matches(rule, c));
