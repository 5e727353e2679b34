import type { ClaimNames } from '../identity/claims.ts';
import { CONFIG_KEYS, type ConfigName } from './config-keys.ts';
import type { Reader } from './config-reader.ts';

/** How callers say who they are. */
export type IdentityConfig = {
  readonly keys: { readonly url: string } | { readonly file: string };
  readonly issuer: string;
  readonly audience: string;
  readonly claims: ClaimNames;
};

/** Null where nobody is asked. */
export const readIdentityConfig = ({ errors, text, choice }: Reader): IdentityConfig | null => {
  const url = text('AUTH_JWKS_URL');
  const file = text('AUTH_PUBLIC_KEY_FILE');
  const issuer = text('AUTH_ISSUER');
  const audience = text('AUTH_AUDIENCE');
  const claims = {
    account: text('AUTH_CLAIM_ACCOUNT') ?? CONFIG_KEYS.AUTH_CLAIM_ACCOUNT.default,
    profile: text('AUTH_CLAIM_PROFILE') ?? CONFIG_KEYS.AUTH_CLAIM_PROFILE.default,
    tenant: text('AUTH_CLAIM_TENANT') ?? CONFIG_KEYS.AUTH_CLAIM_TENANT.default,
    plan: text('AUTH_CLAIM_PLAN') ?? CONFIG_KEYS.AUTH_CLAIM_PLAN.default,
    scope: text('AUTH_CLAIM_SCOPE') ?? CONFIG_KEYS.AUTH_CLAIM_SCOPE.default,
  };
  const keys = url !== null ? { url } : file !== null ? { file } : null;
  if (url !== null && file !== null) errors.push('AUTH_JWKS_URL and AUTH_PUBLIC_KEY_FILE are both given: choose one');
  if (keys === null) {
    if (issuer !== null || audience !== null)
      errors.push('AUTH_ISSUER and AUTH_AUDIENCE need AUTH_JWKS_URL or AUTH_PUBLIC_KEY_FILE to verify tokens with');
    return null;
  }
  if (choice('AUTH', CONFIG_KEYS.AUTH.choices) === 'off')
    errors.push('AUTH=off says that nobody is asked who they are, and there are keys to ask them with: leave one out');
  const missing = (['AUTH_ISSUER', 'AUTH_AUDIENCE'] satisfies ConfigName[]).filter((name) => text(name) === null);
  if (missing.length > 0)
    errors.push(`${missing.join(' and ')} must be given: a token that was made for somebody else is none for us`);
  return { keys, issuer: issuer ?? '', audience: audience ?? '', claims };
};
