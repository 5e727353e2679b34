import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeOutput } from '../schemas/codec.ts';
import type { StreamDecided } from '../schemas/generated/records.ts';
import { epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { readAll } from '../shared/log/testing/member.ts';
import { send } from './testing/http.ts';
import { beat, newAccount, start } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
};

/** What collects spans: OTLP over HTTP, as JSON. */
const received: Span[] = [];
let collector: HttpServer;
let server: Server;
beforeAll(async () => {
  collector = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      type Posted = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as Posted;
      received.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)));
      res.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  // Listening on a port, it has an address of this form.
  const { port } = collector.address() as AddressInfo;
  server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
}, 120_000);
afterAll(async () => {
  await server?.close();
  collector?.close();
  collector?.closeAllConnections();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const spansOf = async (traceId: string, count: number): Promise<readonly Span[]> => {
  for (;;) {
    const found = received.filter((span) => span.traceId === traceId);
    if (found.length >= count) return found;
    await sleep(50);
  }
};
const decisionsIn = async (): Promise<readonly StreamDecided[]> => {
  const log = await openEmbeddedLog({ folder: server.folder, partitions: 4, clock: () => epochMs(Date.now()) });
  try {
    const all = await Promise.all([0, 1, 2, 3].map((partition) => readAll(log, partition, 'stream-decisions.v1')));
    return all.flat().flatMap(({ value }) => {
      const output = decodeOutput(value);
      return output.type === 'StreamDecided' ? [output.value] : [];
    });
  } finally {
    await log.close();
  }
};

describe('a call with a traceparent that is sampled', () => {
  const accountId = newAccount();

  it('is one trace from the player’s call to the decision, with the right parents, and no id of a person in it', async () => {
    const answer = await send(server.url(), {
      path: '/v1/sessions',
      body: start({ accountId }),
      headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=a1' },
    });
    expect(answer).toMatchObject({ status: 201, json: { decision: 'allow' } });
    const spans = await spansOf(TRACE, 2);
    const call = spans.find(({ name }) => name === 'POST /v1/sessions');
    const fold = spans.find(({ name }) => name === 'process heartbeats.v1');
    expect(spans).toHaveLength(2);
    expect([call?.parentSpanId, fold?.parentSpanId]).toEqual([PARENT, call?.spanId]);
    const attributes = Object.fromEntries(
      (fold?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]),
    );
    expect(attributes).toMatchObject({
      'messaging.destination.name': 'heartbeats.v1',
      'messaging.consumer.group.name': 'concurrency',
      'playbeat.outcome': 'admitted',
      'playbeat.reason': 'OK',
    });
    const said = JSON.stringify(spans);
    for (const id of [accountId, 's-1', 'p-1', 'device-of', 'film-1'])
      expect([id, said.includes(id)]).toEqual([id, false]);
  });

  it('has its trace in the record of the decision, and after a kill in that of the repeat', async () => {
    const [call] = received.filter(({ name, traceId }) => name === 'POST /v1/sessions' && traceId === TRACE);
    await server.kill('SIGKILL');
    await server.restart();
    await server.kill('SIGTERM');
    const traces = (await decisionsIn()).map(({ trace }) => trace);
    expect(traces.length).toBeGreaterThan(0);
    for (const trace of traces)
      expect(trace).toEqual({ traceparent: `00-${TRACE}-${call?.spanId}-01`, tracestate: 'vendor=a1' });
    await server.restart();
  }, 300_000);
});

describe('a call that nobody watches', () => {
  it('makes no span and leaves no trace in the log: without a traceparent, with a malformed one, with one that is not sampled', async () => {
    const other = '1af7651916cd43dd8448eb211c80319c';
    const headers = [{}, { traceparent: 'nonsense' }, { traceparent: `00-${other}-${PARENT}-00` }];
    const before = received.length;
    for (const [i, given] of headers.entries()) {
      const body = start({ accountId: newAccount(), sessionId: `quiet-${i}` });
      expect(await send(server.url(), { path: '/v1/sessions', body, headers: given })).toMatchObject({ status: 201 });
    }
    // Spans come in the order of their calls: with this one all of those before are here.
    const last = '2af7651916cd43dd8448eb211c80319c';
    const watched = { traceparent: `00-${last}-${PARENT}-01` };
    await send(server.url(), { path: '/v1/heartbeats', body: beat({ accountId: newAccount() }), headers: watched });
    await spansOf(last, 1);
    expect(received.slice(before).filter(({ traceId }) => traceId !== last)).toEqual([]);
    await server.kill('SIGTERM');
    const quiet = (await decisionsIn()).filter(({ sessionId }) => sessionId.startsWith('quiet-'));
    expect(quiet.map(({ trace }) => trace)).toEqual([undefined, undefined, undefined]);
    await server.restart();
  }, 300_000);

  it('is chosen where one in so many is to be watched', async () => {
    await server.kill('SIGTERM');
    await server.restart({ TRACE_ONE_IN: '2' });
    const before = received.length;
    for (let i = 0; i < 4; i++) {
      const body = beat({ accountId: newAccount(), sequence: 9, state: 'stopped' });
      await send(server.url(), { path: '/v1/heartbeats', body });
    }
    while (received.length < before + 2) await sleep(50);
    await server.kill('SIGTERM');
    expect(received.slice(before).map(({ name }) => name)).toEqual(['POST /v1/heartbeats', 'POST /v1/heartbeats']);
  }, 300_000);
});
