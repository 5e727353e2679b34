import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, openApi } from './testing/contract.ts';
import { runHostile, unattacked } from './testing/hostile.ts';
import { admit, newAccount } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let api: Api;
beforeAll(async () => {
  server = await startServer();
  api = await openApi(server);
});
afterAll(() => server.close());

describe('hostile input', () => {
  it('is made for every call that takes a body', () => {
    expect(unattacked(api)).toEqual([]);
  });

  it('of 2,000 bodies gets 2xx or a documented problem, never a 5xx, and the service goes on', async () => {
    const report = await runHostile(api, { bodies: 2_000, seed: 11, concurrency: 8, sampleEvery: 500 });
    expect(report.violations).toEqual([]);
    expect([...report.statuses.keys()].sort()).toEqual(expect.arrayContaining([201, 202, 400, 401, 413, 415]));
    expect(await admit(api, { accountId: newAccount() })).toMatchObject({ decision: 'allow', policyVersion: 1 });
    expect(server.output()).not.toMatch(/"level":"error"/);
  }, 60_000);
});
