import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runRaces } from './testing/races.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('the last slot of a household', () => {
  it('goes to exactly one of 64 clients that start at once, 20 times of 20', async () => {
    const report = await runRaces({ urls: () => [server.url()], rounds: 20, clients: 64 });
    expect(report.violations).toEqual([]);
  });
});
