/** What a caller may be to a route. */
export type Right = 'player' | 'service' | 'admin';

/** The scopes that a token names its rights by. */
export const SCOPES: ReadonlyMap<unknown, Right> = new Map([
  ['playbeat:player', 'player'],
  ['playbeat:service', 'service'],
  ['playbeat:admin', 'admin'],
]);

/** Who makes a call, by a token of the operator's identity provider. */
export type Caller = {
  readonly tenant: string;
  /** The `sub` of its token, for the audit; null where nobody is asked. */
  readonly who: string | null;
  /** The account whose data it may touch; null for those that may touch every account of the tenant. */
  readonly accountId: string | null;
  /** Who watches, where the token says it. */
  readonly profileId: string | null;
  readonly rights: ReadonlySet<Right>;
  /** What policies match and take limits from. */
  readonly claims: Readonly<Record<string, string | number>>;
};

/** Where nobody is asked: whoever reaches the port may act for every account. */
export const trusted = (tenant: string): Caller => ({
  tenant,
  who: null,
  accountId: null,
  profileId: null,
  rights: new Set<Right>(['player', 'service', 'admin']),
  claims: {},
});

/** Whether it may touch the data of an account. */
export const mayTouch = ({ accountId, rights }: Caller, given: string): boolean =>
  rights.has('service') || accountId === given;
