import { describe, expect, it } from '@jest/globals';
import { mayTouch } from './caller.ts';
import { callerIn } from './claims.ts';

const NAMES = { account: 'account_id', profile: 'profile_id', tenant: 'tenant', plan: 'plan', scope: 'scope' };
const caller = (payload: Record<string, unknown>) => callerIn(payload, NAMES, 'default');
const rightsOf = (payload: Record<string, unknown>): unknown => {
  const one = caller(payload);
  return typeof one === 'string' ? one : [...one.rights].sort();
};

describe('a token', () => {
  it('says whose account it is for, who watches, and in which tenant', () => {
    expect(caller({ account_id: 'a', profile_id: 'p', tenant: 'north' })).toMatchObject({
      accountId: 'a',
      profileId: 'p',
      tenant: 'north',
    });
    expect(caller({ account_id: 17 })).toMatchObject({ accountId: '17', profileId: null, tenant: 'default' });
  });

  it('says who calls, for the audit, by its sub; one that is no id names nobody', () => {
    const whoOf = (sub: unknown): unknown => caller({ account_id: 'a', sub });
    expect(whoOf('carla')).toMatchObject({ who: 'carla' });
    for (const sub of [undefined, '', 7, 'a\nb', 'x'.repeat(129)]) expect(whoOf(sub)).toMatchObject({ who: 'unnamed' });
  });

  it('takes the names of the claims from the operator', () => {
    const names = { ...NAMES, account: 'https://tv.example/household', scope: 'permissions' };
    const one = callerIn({ 'https://tv.example/household': 'a', permissions: ['playbeat:service'] }, names, 'default');
    expect(one).toMatchObject({ accountId: 'a', rights: new Set(['service']) });
  });

  it.each([
    ['openid playbeat:player email', 'a', ['player']],
    [['playbeat:service', 'playbeat:admin', 7], undefined, ['admin', 'service']],
    ['openid', 'a', ['player']],
    [undefined, 'a', ['player']],
    // Not a word that looks like one.
    ['playbeat:admins xplaybeat:admin playbeat:Admin constructor __proto__', 'a', ['player']],
  ])('with the scope %j gives its bearer these rights', (scope, account_id, rights) => {
    expect(rightsOf({ scope, account_id })).toEqual(rights);
  });

  it.each([
    [{}, 'it has no scope of Playbeat, and no account_id'],
    [{ scope: 'playbeat:player' }, 'it has no account_id'],
    [{ account_id: '' }, 'its claim account_id is no id'],
    [{ account_id: 'x'.repeat(129) }, 'its claim account_id is no id'],
    [{ account_id: ['a'] }, 'its claim account_id is no id'],
    [{ account_id: 'a\u0000b' }, 'its claim account_id is no id'],
    [{ account_id: 'a', profile_id: {} }, 'its claim profile_id is no id'],
    [{ account_id: 'a', tenant: '../x' }, 'its claim tenant is no name of a tenant'],
    [{ account_id: 'a', tenant: 'x'.repeat(65) }, 'its claim tenant is no name of a tenant'],
  ])('as %j names no caller', (payload, why) => {
    expect(caller(payload)).toBe(why);
  });

  it('takes an account id of 128 characters and a tenant of 64', () => {
    expect(caller({ account_id: 'x'.repeat(128), tenant: 'x'.repeat(64) })).toMatchObject({ tenant: 'x'.repeat(64) });
  });

  it.each([
    ['premium', { plan: 'premium' }],
    [
      { name: 'premium', maxStreams: 4, note: 'text', list: [1], deep: {}, wrong: Infinity },
      { plan: 'premium', 'plan.maxStreams': 4, 'plan.note': 'text' },
    ],
    [Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])), { 'plan.k15': 15 }],
    [null, {}],
    [['premium'], {}],
  ])('with the plan %j gives policies what they can use', (plan, claims) => {
    const one = caller({ account_id: 'a', plan });
    expect(one).toMatchObject({ claims });
    expect(Object.keys(typeof one === 'string' ? {} : one.claims).length).toBeLessThanOrEqual(16);
  });
});

describe('whose data', () => {
  const one = (payload: Record<string, unknown>) => {
    const found = caller(payload);
    if (typeof found === 'string') throw new Error(found);
    return found;
  };

  it('a player may touch is its account’s, a service’s is everybody’s, and an admin’s nobody’s', () => {
    expect(mayTouch(one({ account_id: 'a' }), 'a')).toBe(true);
    expect(mayTouch(one({ account_id: 'a' }), 'A')).toBe(false);
    expect(mayTouch(one({ scope: 'playbeat:service' }), 'a')).toBe(true);
    expect(mayTouch(one({ scope: 'playbeat:admin' }), 'a')).toBe(false);
  });
});
