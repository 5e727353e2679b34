import { describe, expect, it } from '@jest/globals';
import { accountKeys } from '../../shared/identity/account-keys.ts';
import { changedTenants, readAccounts, WrongLine } from './accounts.ts';
import { counted } from './look.ts';

const pepper = (text: string): Uint8Array => Buffer.from(text);
const now = accountKeys(pepper('now'));
const then = accountKeys(pepper('now'), new Map([['acme', pepper('then')]]));
const read = (text: string) => readAccounts(text, { tenants: new Set(['acme']), now, then });

describe('the list of accounts', () => {
  it('has a tenant and an id in each line, and an id may have commas', () => {
    const { moving, staying } = read('acme,a,1\r\nacme,b\n\nglobex,a,1\n');
    expect([...moving]).toEqual([
      [now('acme', 'a,1'), then('acme', 'a,1')],
      [now('acme', 'b'), then('acme', 'b')],
    ]);
    expect([...staying]).toEqual([now('globex', 'a,1')]);
  });

  it.each(['acme', 'acme,', ',a', 'acme,a\u0007'])(
    'refuses a line like %j by its number, and does not show it',
    (line) => {
      expect(() => read(`acme,a\n${line}\n`)).toThrow(new WrongLine('line 2 is not tenant,accountId'));
    },
  );

  it('tells what moves from what stays, and counts what no account in it has', () => {
    const accounts = read('acme,a\nglobex,b\n');
    const keys = [
      [now('acme', 'a'), 5],
      [now('globex', 'b'), 7],
      [now('acme', 'who'), 2],
      [now('acme', 'else'), 1],
      // Of a run before.
      [then('acme', 'a'), 3],
    ] as const;
    expect(counted(keys, accounts)).toEqual({ moving: 5, staying: 10, unknown: 3, unknownKeys: 2 });
  });
});

describe('tenants whose pepper changes', () => {
  it('are those that get one, or another one', () => {
    const before = new Map([
      ['same', pepper('s')],
      ['other', pepper('o')],
    ]);
    const after = new Map([
      ['same', pepper('s')],
      ['other', pepper('p')],
      ['first', pepper('f')],
    ]);
    expect([...changedTenants(before, after)]).toEqual(['other', 'first']);
  });
});
