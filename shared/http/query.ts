import type { FieldError } from '../../schemas/generated/http.ts';
import { isId } from '../../schemas/validate.ts';
import { type Call, ProblemError, tenantOf } from './call.ts';

/** A parameter that is refused, by its JSON pointer. */
export const invalid = (path: string, code: FieldError['code'], detail: string): ProblemError =>
  new ProblemError('VALIDATION_FAILED', `${path}: ${detail}`, { errors: [{ path, code, detail }] });

/** What names something, from a path or a query. */
export const idOf = (name: string, text: string): string => {
  if (isId(text)) return text;
  throw invalid(`/${name}`, 'FORMAT', 'must have 1 to 128 characters, none of them a control character');
};

/** Of whose account an operator speaks: the caller's own where the tenant is left out. */
export const tenantAsked = (call: Call, tenant: unknown): string => {
  if (tenant === undefined) return tenantOf(call);
  if (typeof tenant === 'string' && isId(tenant)) return tenant;
  throw invalid('/tenant', 'FORMAT', 'must be a name of 1 to 128 characters');
};

/** Null where the parameter is left out. */
export const choiceIn = <T extends string>({ query }: Call, name: string, choices: readonly T[]): T | null => {
  const text = query.get(name);
  if (text === null) return null;
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw invalid(`/${name}`, 'ENUM', `must be ${choices.join(' or ')}`);
};
