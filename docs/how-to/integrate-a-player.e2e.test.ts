import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REASON_NAMES } from '../../schemas/reasons.ts';
import { startServer, type Server } from '../../services/testing/server.ts';
import { exchangesOf, player } from '../testing/exchanges.ts';
import { fencesOf, readPage } from '../testing/fences.ts';

const page = await readPage('docs/how-to/integrate-a-player.md');
const exchanges = exchangesOf(fencesOf(page));

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('how to integrate a player', () => {
  it('shows the replies that the service gives, in the order of the page', async () => {
    expect(exchanges.length).toBeGreaterThan(25);
    expect(exchanges.filter(({ reply }) => reply === null)).toEqual([]);
    const { play } = player({ url: server.url(), adminUrl: server.adminUrl() });
    for (const exchange of exchanges) await play(exchange);
  });

  it('names only reasons that there are', () => {
    const named = [...page.matchAll(/"reason": ?"(\w+)"/g)].map(([, reason]) => reason);
    expect(REASON_NAMES).toEqual(expect.arrayContaining(named));
  });
});
