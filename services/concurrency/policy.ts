import type { Policy, PolicyRule } from '../../schemas/generated/http.ts';
import type { Claimant } from './account.ts';

/** Whether a rule speaks of this claim. An absent condition matches all, a list any of its values. */
export const matches = ({ match }: PolicyRule, c: Claimant): boolean => {
  if (!oneOf(match.contentType, c.contentType)) return false;
  if (!oneOf(match.contentId, c.contentId)) return false;
  if (!oneOf(match.deviceType, c.deviceType)) return false;
  if (!oneOf(match.country, c.country)) return false;
  if (!oneOf(match.plan, c.claims['plan'] ?? null)) return false;
  if (match.metadata === undefined) return true;
  return Object.entries(match.metadata).every(([key, wanted]) => oneOf(wanted, c.metadata[key] ?? null));
};

const oneOf = (wanted: readonly string[] | undefined, actual: string | number | null): boolean =>
  wanted === undefined || (actual !== null && wanted.includes(String(actual)));

/** The rule's limit for this claim; null: none. A named claim that is no whole number gives way to `limitWithoutClaim`. */
export const limitOf = (rule: PolicyRule, c: Claimant): number | null => {
  if (typeof rule.limit === 'number') return rule.limit;
  if (rule.limit === 'none') return null;
  const value = c.claims[rule.limit] ?? '';
  // A blank text is no number, and not the 0 that `Number` makes of it: nobody is locked out for it.
  const claimed = String(value).trim() === '' ? Number.NaN : Number(value);
  return Number.isInteger(claimed) && claimed >= 0 ? claimed : (rule.limitWithoutClaim ?? null);
};

/** Whether a claim that could not be decided is refused: any enforced rule that speaks of it says `closed`. */
export const failsClosed = (policy: Policy, c: Claimant): boolean =>
  policy.rules.some((rule) => rule.failMode === 'closed' && rule.mode === 'enforce' && matches(rule, c));
