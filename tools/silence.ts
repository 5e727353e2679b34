import { setTimeout } from 'node:timers/promises';
import { type Api, openApi } from '../services/testing/contract.ts';
import { admit, beat, newAccount, start } from '../services/testing/player.ts';
import { startServer } from '../services/testing/server.ts';

/**
 * node tools/silence.ts
 *
 * The promise about silent devices on a real clock, in half a minute: too slow for the tests, which turn the clock by hand
 * (services/concurrency/*.test.ts). A device that goes silent frees its slot between 35 s and 37 s after its last beat; with
 * a newcomer at the door, who tries every 250 ms, the newcomer is in between 22 s and 24 s after it. Ends with 1 outside.
 */
const HOUSEHOLDS = 8;

type Outcome = { readonly what: string; readonly tookMs: number; readonly fromMs: number; readonly toMs: number };

/** Two streams of a household beat once; one goes on each 10 s, the other is never heard again. */
const goSilent = async (api: Api): Promise<{ accountId: string; lastBeatMs: number; stop(): void }> => {
  const accountId = newAccount();
  await admit(api, { accountId, sessionId: 'alive' });
  await admit(api, { accountId, sessionId: 'silent' });
  let sequence = 0;
  const alive = setInterval(() => {
    void api.call({ path: '/v1/heartbeats', body: beat({ accountId, sessionId: 'alive', sequence: (sequence += 1) }) });
  }, 10_000);
  await api.call({ path: '/v1/heartbeats?decision=none', body: beat({ accountId, sessionId: 'silent' }) });
  return { accountId, lastBeatMs: performance.now(), stop: () => clearInterval(alive) };
};

const every250Ms = async (holds: () => Promise<boolean>, from: number): Promise<number> => {
  for (;;) {
    if (await holds()) return performance.now() - from;
    if (performance.now() - from > 60_000) return Number.POSITIVE_INFINITY;
    await setTimeout(250);
  }
};

const alone = async (api: Api): Promise<Outcome> => {
  const { accountId, lastBeatMs, stop } = await goSilent(api);
  const tookMs = await every250Ms(async () => {
    const { json } = await api.call({ path: `/v1/accounts/${accountId}/sessions` });
    return (json as { sessions: readonly unknown[] }).sessions.length === 1;
  }, lastBeatMs);
  stop();
  return { what: 'frees its slot', tookMs, fromMs: 35_000, toMs: 37_000 };
};

const atTheDoor = async (api: Api): Promise<Outcome> => {
  const { accountId, lastBeatMs, stop } = await goSilent(api);
  const body = start({ accountId, sessionId: 'newcomer' });
  const tookMs = await every250Ms(
    async () => (await api.call({ path: '/v1/sessions', body })).status === 201,
    lastBeatMs,
  );
  stop();
  return { what: 'gives way to a newcomer at the door', tookMs, fromMs: 22_000, toMs: 24_000 };
};

const server = await startServer();
try {
  const api = await openApi(server);
  const runs = Array.from({ length: HOUSEHOLDS }, async (_, i) => {
    await setTimeout(i * 130);
    return i % 2 === 0 ? alone(api) : atTheDoor(api);
  });
  for (const { what, tookMs, fromMs, toMs } of await Promise.all(runs)) {
    const kept = tookMs >= fromMs && tookMs <= toMs;
    if (!kept) process.exitCode = 1;
    const seconds = (tookMs / 1_000).toFixed(2);
    console.log(`${kept ? 'ok    ' : 'failed'} a silent device ${what} ${seconds} s after its last beat`);
  }
} finally {
  await server.close();
}
