import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type ClientRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'acorn';
import type { Decision, SessionList } from '../../schemas/generated/http.ts';
import { startServer, type Server } from '../../services/testing/server.ts';

const source = readFileSync(new URL('player-es5.js', import.meta.url), 'utf8');

type Sent = {
  readonly url: string;
  readonly asynchronous: boolean;
  readonly body: Body;
  status: number | null;
  reply: unknown;
};
type Beat = { readonly sequence: number; readonly state: string; readonly positionMs: number; readonly ageMs?: number };
type Body = Beat & { readonly heartbeats?: readonly Beat[]; readonly requestId?: string };
type Session = { state(next: string): void; unload(): void };
type Problem = { readonly code: string; readonly reason: string; readonly active: readonly { deviceName: string }[] };

/** Timers and the monotonic clock of a device, turned by hand; between two timers real calls are answered. */
const handTime = (settled: () => Promise<void>) => {
  let nowMs = 0;
  let ids = 0;
  const due = new Map<number, { readonly atMs: number; readonly run: () => void }>();
  return {
    now: () => nowMs,
    set: (run: () => void, ms: number): number => {
      due.set((ids += 1), { atMs: nowMs + ms, run });
      return ids;
    },
    clear: (id: number): void => void due.delete(id),
    advance: async (ms: number): Promise<void> => {
      const untilMs = nowMs + ms;
      for (;;) {
        await settled();
        const [next] = [...due].filter(([, t]) => t.atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs);
        if (next === undefined) break;
        due.delete(next[0]);
        nowMs = next[1].atMs;
        next[1].run();
      }
      nowMs = untilMs;
    },
  };
};

/** A browser of its own: old (no fetch, no Promise), with a real XMLHttpRequest over node:http and time by hand. */
const device = (browser: { readonly beacon: boolean } = { beacon: false }) => {
  const sent: Sent[] = [];
  const beacons: { readonly url: string; readonly text: string }[] = [];
  const open = new Set<ClientRequest>();
  /** A server that takes calls and never answers is not waited for. */
  const waits = { forAnswers: true };
  const settled = async (): Promise<void> => {
    while (waits.forAnswers && open.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const time = handTime(settled);

  function xmlHttpRequest() {
    let target = { url: '', asynchronous: true };
    let call: ClientRequest | null = null;
    const headers: Record<string, string> = {};
    const xhr = {
      readyState: 0,
      status: 0,
      responseText: '',
      onreadystatechange: () => {},
      open: (_method: string, url: string, asynchronous: boolean) => {
        target = { url, asynchronous };
      },
      setRequestHeader: (name: string, value: string) => {
        headers[name] = value;
      },
      abort: () => call?.destroy(),
      send: (text: string) => {
        const entry: Sent = { ...target, body: JSON.parse(text) as Body, status: null, reply: null };
        sent.push(entry);
        const end = (status: number): void => {
          if (call === null || !open.delete(call)) return;
          entry.status = status;
          if (status > 0) entry.reply = JSON.parse(xhr.responseText);
          Object.assign(xhr, { readyState: 4, status });
          xhr.onreadystatechange();
        };
        call = httpRequest(target.url, { method: 'POST', headers, agent: false }, (response) => {
          response.setEncoding('utf8').on('data', (part: string) => {
            xhr.responseText += part;
          });
          response.on('end', () => end(response.statusCode ?? 0));
          response.on('error', () => end(0));
        });
        open.add(call);
        call.on('error', () => end(0));
        call.end(text);
      },
    };
    return xhr;
  }

  const window: Record<string, unknown> = {
    XMLHttpRequest: xmlHttpRequest,
    setTimeout: time.set,
    clearTimeout: time.clear,
    performance: { now: time.now },
    navigator: browser.beacon ? { sendBeacon: (url: string, text: string) => beacons.push({ url, text }) > 0 } : {},
  };
  window['window'] = window;
  createContext(window);
  runInContext('delete globalThis.Promise; delete globalThis.fetch;', window);
  runInContext(source, window, { filename: 'player-es5.js' });

  const told: { allowed: boolean; refused: Problem | null; stop: Decision | null } = {
    allowed: false,
    refused: null,
    stop: null,
  };
  const play = (url: string, ids: Readonly<Record<string, string>>): Session =>
    (window['playbeat'] as (options: unknown) => Session)({
      url,
      ids: { profileId: 'p-1', deviceType: 'tv', contentId: 'film-1', contentType: 'vod', ...ids },
      positionMs: () => time.now(),
      onAllowed: () => {
        told.allowed = true;
      },
      onRefused: (problem: Problem) => {
        told.refused = problem;
      },
      onStop: (decision: Decision) => {
        told.stop = decision;
      },
    });
  return { sent, beacons, told, play, waits, advance: time.advance };
};

/** Of a stop, or of the last beat that was stored. */
const positionIn = (reply: unknown): string => {
  const { position, results } = reply as { position?: string; results?: readonly { position: string }[] };
  return position ?? results?.at(-1)?.position ?? '';
};
const beatsIn = ({ body }: Sent): readonly Beat[] => body.heartbeats ?? [body];
const sequencesIn = (call: Sent | undefined): readonly number[] =>
  call === undefined ? [] : beatsIn(call).map(({ sequence }) => sequence);

let server: Server;
let household = '';
let households = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(() => {
  household = `home-${(households += 1)}`;
});

const ids = (name: string, deviceName = name): Readonly<Record<string, string>> => ({
  accountId: household,
  sessionId: `s-${name}`,
  deviceId: name,
  deviceName,
});
/** The sessions that hold slots, in an answer that includes the position. */
const running = async (after?: string): Promise<readonly string[]> => {
  const query = after === undefined ? '' : `?after=${after}`;
  const reply = await fetch(`${server.url()}/v1/accounts/${household}/sessions${query}`);
  return ((await reply.json()) as SessionList).sessions.map(({ sessionId }) => sessionId);
};
/** Goes away, and comes back on the same port and folder, as a restart or a roll-out does. */
const comeBack = (): Promise<void> => server.restart({ PORT: new URL(server.url()).port });

describe('the player in ES5', () => {
  it('is ES5, and fewer than 150 lines', () => {
    expect(() => parse(source, { ecmaVersion: 5 })).not.toThrow();
    expect(source.split('\n').length - 1).toBeLessThan(150);
  });

  it('lets two in, and tells the third who holds the slots', async () => {
    const [tv, pad, phone] = [device(), device(), device()];
    for (const [one, name] of [
      [tv, 'Living room'],
      [pad, 'Kitchen'],
      [phone, 'Phone'],
    ] as const) {
      one.play(server.url(), ids(name, name));
      await one.advance(0);
    }
    expect([tv, pad, phone].map(({ told }) => told.allowed)).toEqual([true, true, false]);
    expect(phone.told.refused).toMatchObject({ code: 'STREAM_LIMIT_EXCEEDED', reason: 'LIMIT_REACHED' });
    expect(phone.told.refused?.active.map(({ deviceName }) => deviceName)).toEqual(['Living room', 'Kitchen']);
    await phone.advance(60_000);
    expect(phone.sent).toHaveLength(1);
  });

  it('beats every 10 s, and at once with each change of state, the sequence growing by 1', async () => {
    const tv = device();
    const session = tv.play(server.url(), ids('tv'));
    await tv.advance(0);
    session.state('playing');
    await tv.advance(25_000);
    session.state('paused');
    await tv.advance(0);
    const beats = tv.sent.flatMap(beatsIn);
    expect(beats.map(({ sequence, state, positionMs }) => [sequence, state, positionMs])).toEqual([
      [0, 'starting', 0],
      [1, 'playing', 0],
      [2, 'playing', 10_000],
      [3, 'playing', 20_000],
      [4, 'paused', 25_000],
    ]);
    expect(tv.sent.map(({ status }) => status)).toEqual([201, 202, 202, 202, 202]);
  });

  it('learns with its next beat that somebody stopped it, stops the picture, and says nothing more', async () => {
    const tv = device();
    const session = tv.play(server.url(), ids('tv'));
    await tv.advance(0);
    session.state('playing');
    await tv.advance(0);
    const reply = await fetch(`${server.url()}/v1/sessions/s-tv?accountId=${household}`, { method: 'DELETE' });
    // A beat's reply has the newest decision that is known: one that overtakes the fold of the stop learns it one later.
    expect(await running(positionIn(await reply.json()))).toEqual([]);
    await tv.advance(10_000);
    expect(tv.told.stop).toMatchObject({ decision: 'stop', reason: 'TERMINATED_BY_USER' });
    const calls = tv.sent.length;
    await tv.advance(60_000);
    expect(tv.sent).toHaveLength(calls);
  });

  it('plays on while the server is away for 40 s, tries the same sequence again, and flushes the beats with their ages', async () => {
    const tv = device();
    const session = tv.play(server.url(), ids('tv'));
    await tv.advance(0);
    session.state('playing');
    await tv.advance(10_000);
    await server.kill('SIGTERM');
    const before = tv.sent.length;
    await tv.advance(40_000);
    const failed = tv.sent.slice(before);
    expect(failed.length).toBeGreaterThan(2);
    for (const call of failed) {
      expect(call.status).toBe(0);
      expect(sequencesIn(call)[0]).toBe(3);
    }
    await comeBack();
    const away = tv.sent.length;
    await tv.advance(15_000);
    const flushed = tv.sent[away];
    expect(flushed?.status).toBe(202);
    expect(sequencesIn(flushed).slice(0, 4)).toEqual([3, 4, 5, 6]);
    const beats = flushed === undefined ? [] : beatsIn(flushed);
    for (const { ageMs = -1, positionMs } of beats) {
      // Both are the device's time: made at its position, sent at the position and its age.
      expect(positionMs + ageMs).toBe((beats[0]?.positionMs ?? 0) + (beats[0]?.ageMs ?? 0));
    }
    expect(beats[0]?.ageMs).toBeGreaterThanOrEqual(30_000);
    expect(tv.told.stop).toBeNull();
    expect(await running()).toEqual(['s-tv']);
  });

  it('keeps its session and its token over a restart of the server', async () => {
    const tv = device();
    const session = tv.play(server.url(), ids('tv'));
    await tv.advance(0);
    session.state('playing');
    await tv.advance(0);
    await server.kill('SIGKILL');
    await comeBack();
    await tv.advance(10_000);
    expect(tv.sent.map(({ status }) => status)).toEqual([201, 202, 202]);
    expect(tv.told).toMatchObject({ allowed: true, stop: null });
    expect(await running()).toEqual(['s-tv']);
  });

  it('gives up an answer after 3 s, and asks for the same start again', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const tv = device();
    tv.waits.forAnswers = false;
    tv.play(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, ids('tv'));
    await tv.advance(2_999);
    expect(tv.sent).toHaveLength(1);
    await tv.advance(1 + 1_500);
    expect(tv.sent).toHaveLength(2);
    expect(tv.sent[1]?.body).toEqual(tv.sent[0]?.body);
    expect(tv.told).toEqual({ allowed: false, refused: null, stop: null });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('asks for a new token when its own is refused, and goes on with the same session', async () => {
    const tv = device();
    const session = tv.play(server.url(), ids('tv'));
    await tv.advance(0);
    session.state('playing');
    await tv.advance(0);
    await server.kill('SIGTERM');
    const otherKey = Buffer.alloc(32, 7).toString('base64url');
    await server.restart({ PORT: new URL(server.url()).port, SESSION_TOKEN_KEY: otherKey });
    await tv.advance(10_000);
    expect(tv.sent.slice(2).map(({ url, status }) => [new URL(url).pathname, status])).toEqual([
      ['/v1/heartbeats', 401],
      ['/v1/sessions', 201],
      ['/v1/heartbeats', 202],
    ]);
    expect(tv.told).toMatchObject({ allowed: true, stop: null });
    await server.kill('SIGTERM');
    await comeBack();
  });

  it('frees its slot with its last beat, or by sendBeacon, or by a call that the page waits for', async () => {
    const ended = device();
    const first = ended.play(server.url(), ids('tv'));
    await ended.advance(0);
    first.state('ended');
    await ended.advance(0);
    expect(await running(positionIn(ended.sent.at(-1)?.reply))).toEqual([]);

    const modern = device({ beacon: true });
    const second = modern.play(server.url(), ids('laptop'));
    await modern.advance(0);
    second.unload();
    const [beacon] = modern.beacons;
    // What sendBeacon does with a text: a simple request.
    const headers = { 'content-type': 'text/plain;charset=UTF-8' };
    const reply = await fetch(beacon?.url ?? '', { method: 'POST', body: beacon?.text ?? '', headers });
    expect(reply.status).toBe(202);
    expect(await running(positionIn(await reply.json()))).toEqual([]);

    const old = device();
    const third = old.play(server.url(), ids('old'));
    await old.advance(0);
    third.unload();
    await old.advance(0);
    expect(old.sent.at(-1)).toMatchObject({ asynchronous: false, status: 202 });
    expect(await running(positionIn(old.sent.at(-1)?.reply))).toEqual([]);
  });
});
