import { crc32 } from 'node:zlib';
import { ROLE_NAMES, ROLES, type RoleName } from '../services/roles.ts';

/** The rules of the load balancer, from what each role serves. */
export type Rule = { readonly role: RoleName; readonly pattern: string; readonly priority: number };

/** Its star takes slashes, too, so that of two patterns that fit the one with more segments is asked first. */
const MOST_SEGMENTS = 40;
const PLACES = 1_000;

/**
 * Follows from the pattern alone: a rule keeps its priority when others come and go, and stacks that are deployed one after the
 * other never want the same one.
 */
const priorityOf = (pattern: string): number =>
  (MOST_SEGMENTS - pattern.split('/').length) * PLACES + (crc32(pattern) % PLACES) + 1;

export const rules = (): readonly Rule[] => {
  const all = ROLE_NAMES.flatMap((role) =>
    ROLES[role].serves.map((pattern): Rule => ({ role, pattern, priority: priorityOf(pattern) })),
  );
  for (const [i, one] of all.entries()) {
    const twin = all.slice(i + 1).find(({ priority }) => priority === one.priority);
    if (twin !== undefined) throw new RangeError(`${one.pattern} and ${twin.pattern} have one priority: change PLACES`);
  }
  return all;
};

export const rulesOf = (wanted: RoleName): readonly Rule[] => rules().filter(({ role }) => role === wanted);
