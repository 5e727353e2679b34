import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { send } from './testing/http.ts';
import { beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer({ STARTS_WAITING_MAX: '8' });
});
afterAll(() => server.close());

describe('where 8 starts may wait for their decision', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  afterAll(() => agent.destroy());
  const startOnce = () => send(server.url(), { path: '/v1/sessions', body: start({ accountId: newAccount() }), agent });

  it('8 at once are decided, again and again', async () => {
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, startOnce));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    }
  });

  it('of 200 at once some are told to come back, not all at the same moment, and beats are taken as ever', async () => {
    const accountId = newAccount();
    await send(server.url(), { path: '/v1/sessions', body: start({ accountId }) });
    const starts = Promise.all(Array.from({ length: 200 }, startOnce));
    const beats = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        send(server.url(), { path: '/v1/heartbeats', body: beat({ accountId, sequence: i + 1 }), agent }),
      ),
    );
    expect(new Set(beats.map(({ status }) => status))).toEqual(new Set([202]));
    const answers = await starts;
    const refused = answers.filter(({ status }) => status === 503).map(({ json }) => json as Refused);
    expect(answers.filter(({ status }) => status === 201).length).toBe(200 - refused.length);
    expect(refused.length).toBeGreaterThan(0);
    for (const { code, retryAfterMs } of refused) {
      expect(code).toBe('OVERLOADED');
      expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
      expect(retryAfterMs).toBeLessThan(2_000);
    }
    expect(new Set(refused.map(({ retryAfterMs }) => retryAfterMs)).size).toBeGreaterThan(1);
    // What was refused left nothing behind.
    expect((await startOnce()).status).toBe(201);
  });
});

type Refused = { readonly code: string; readonly retryAfterMs: number };
