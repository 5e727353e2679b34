import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from '../client.ts';
import type { Stage } from '../household.ts';
import { createOracle } from '../oracle.ts';
import { createPace } from '../pace.ts';
import { createPrng } from '../prng.ts';
import { createTally } from '../tally.ts';
import { askForEverything } from './audit.ts';
import { FILM, resumeAt, told, viewOf } from './hand-made.ts';
import { createMarks, type Marks } from './marks.ts';

/** What a server says to each path: a status and a body. A path that it does not know is 404. */
type Says = (path: string) => { readonly status?: number; readonly body: unknown } | undefined;

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close().closeAllConnections()));

async function audit(says: (film: ReturnType<typeof told>['viewing']) => Says): Promise<Marks> {
  const clock = createPace(1);
  const pace = { ...clock, nowMs: () => clock.nowMs() + 100_000 };
  const { viewing } = told('s1').plays(40, 40, 100).says(82, 'stopped', 141);
  const answers = says(viewing);
  const server = createServer((request, response) => {
    const { status = 200, body } = answers(request.url ?? '') ?? { status: 404, body: { code: 'NOT_FOUND' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timeoutMs: 3_000,
    sockets: 4,
  });
  const marks = createMarks();
  const stage: Stage = {
    pace,
    client,
    marks,
    oracle: createOracle({ limit: 2 }),
    tally: createTally(),
    limit: 2,
    contentPrefix: 'x',
    epochMs: Date.now() - pace.nowMs(),
  };
  await askForEverything(stage, [{ accountId: 'a', viewings: [viewing] }], createPrng(1));
  await client.close();
  return marks;
}

const SHELF = '/v1/accounts/a/profiles/p/resume-positions?status=history&limit=100';
const VIEWS = '/v1/accounts/a/views?limit=100';

let right: Marks, wrong: Marks, silent: Marks, without: Marks;
beforeAll(async () => {
  [right, wrong, silent, without] = await Promise.all([
    audit((film) => (path) => {
      if (path === SHELF) return { body: { items: [], nextCursor: 'page 2' } };
      if (path === `${SHELF}&cursor=page%202`) return { body: { items: [resumeAt(film, 141)], nextCursor: null } };
      const view = viewOf(film, {
        status: 'final',
        reason: 'stopped',
        watchedMs: 41_000,
        furthestPositionMs: 141_000,
        lastPositionMs: 141_000,
      });
      if (path === VIEWS) return { body: { items: [view], nextCursor: null } };
      const audience = { viewers: 1, series: [], asOfMs: Date.now() };
      return path.startsWith(`/v1/contents/${FILM.id}/audience?window=`) ? { body: audience } : undefined;
    }),
    audit((film) => (path) => {
      if (path === SHELF) return { body: { items: [resumeAt(film, 131)], nextCursor: null } };
      if (path === VIEWS) return { body: { items: [], nextCursor: null } };
      return { body: { viewers: 9, series: [], asOfMs: Date.now() } };
    }),
    audit(() => () => ({ status: 503, body: { code: 'WARMING' } })),
    audit(() => () => undefined),
  ]);
}, 120_000);

describe('asking for everything', () => {
  it('reads lists to their end, and agrees with a right server', () => {
    expect(right.first).toEqual([]);
    const { resume, views, audience } = right.of;
    expect([resume, views, audience].map(({ judged }) => judged)).toEqual([1, 1, 2]);
    expect(right.unjudged()).toEqual([]);
  });

  it('convicts a wrong one of each answer, after it was asked for some seconds', () => {
    const { resume, views, audience } = wrong.of;
    expect([resume, views, audience].map((mark) => mark.wrong)).toEqual([1, 1, 2]);
    expect(wrong.first.map(({ what }) => what)).toEqual([
      'expected s1 on tv of s1 at 141000 ms (in-progress); seen s1 on tv of s1 at 131000 of 3600000 ms (in-progress)',
      'expected a view of 7 beats; seen none',
      expect.stringContaining('expected 1 accounts; seen 9'),
      expect.stringContaining('expected 1 accounts; seen 9'),
    ]);
  });

  it('says what was asked and never answered: that proves nothing', () => {
    expect(silent.unjudged()).toEqual(['resume', 'views', 'audience']);
  });

  it('does not ask for what the server does not have', () => {
    expect(without.unjudged()).toEqual([]);
    expect(without.of.views).toMatchObject({ judged: 0, absent: 1 });
  });
});
