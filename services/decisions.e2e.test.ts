import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeOutput } from '../schemas/codec.ts';
import type { DecisionList, DecisionReport, KeptDecision, SessionList } from '../schemas/generated/http.ts';
import type { StreamDecided } from '../schemas/generated/records.ts';
import { DAY_MS, epochMs } from '../schemas/time.ts';
import { openEmbeddedLog } from '../shared/log/embedded-log.ts';
import { readAll } from '../shared/log/testing/member.ts';
import { type Api, openApi } from './testing/contract.ts';
import { admit, beat, start } from './testing/player.ts';
import { randomOf } from './testing/random.ts';
import { makeFolder, type Server, startServer } from './testing/server.ts';

const POLICY = `version: 1
rules:
  - { id: one-console, match: { deviceType: [console] }, limit: 1, lateMs: 1000, leaseMs: 600000 }
  - { id: two-films, match: { contentType: [vod] }, limit: 2 }
  - { id: newest-channel, match: { contentType: [live] }, limit: 1, onExceed: evict-oldest }
`;
const HOUSEHOLDS = 30;
/** Folding takes milliseconds; the machine may have others to serve. */
const PATIENCE_MS = 20_000;

let folder: string;
let server: Server;
let api: Api;
beforeAll(async () => {
  folder = await makeFolder();
  const file = join(folder, 'policy.yaml');
  await writeFile(file, POLICY);
  server = await startServer({ POLICY_FILE: file });
  api = await openApi(server);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const until = async <T>(look: () => Promise<T>, isRight: (found: T) => boolean): Promise<T> => {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const found = await look();
    if (isRight(found)) return found;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const decisionsOf = async (accountId: string, query: string): Promise<DecisionList> => {
  const { status, json, text } = await api.call({ path: `/v1/accounts/${accountId}/decisions?${query}` });
  if (status !== 200) throw new Error(text);
  return json as DecisionList;
};
/** Once the ledger has so many of them. */
const explained = async (accountId: string, sessionId: string, count: number): Promise<readonly KeptDecision[]> =>
  (
    await until(
      () => decisionsOf(accountId, `sessionId=${sessionId}`),
      ({ items }) => items.length >= count,
    )
  ).items;
const positionsOf = (one: KeptDecision | undefined): readonly string[] =>
  (one?.explanation?.beats ?? []).map(({ position }) => position);

describe('GET /v1/accounts/{accountId}/decisions', () => {
  it('explains a denial: the rule, who held both slots, and the beats by their positions', async () => {
    const accountId = 'house-of-tv-lovers';
    await admit(api, { accountId, sessionId: 's-1', deviceName: 'Living room' });
    await admit(api, { accountId, sessionId: 's-2' });
    const sent = await api.call({ path: '/v1/heartbeats', body: beat({ accountId, sessionId: 's-1' }) });
    const { position } = (sent.json as { results: [{ position: string }] }).results[0];
    const refused = await api.call({ path: '/v1/sessions', body: start({ accountId, sessionId: 's-3' }) });
    expect(refused.status).toBe(409);
    const [denied] = await explained(accountId, 's-3', 1);
    expect(denied).toMatchObject({
      sessionId: 's-3',
      outcome: 'denied',
      reason: 'LIMIT_REACHED',
      rule: 'two-films',
      policyVersion: 1,
      limit: 2,
      holders: 2,
      explanation: {
        replay: 'agrees',
        heldBy: [{ sessionId: 's-1', deviceName: 'Living room', status: 'active', position }, { sessionId: 's-2' }],
        beats: [{ kind: 'start' }, { kind: 'start' }, { kind: 'beat', position }, { kind: 'start', sessionId: 's-3' }],
      },
    });
    expect(positionsOf(denied).at(-1)).toBe(denied?.position);
    expect(JSON.stringify(denied)).not.toContain(accountId);
  });

  it('explains an eviction: the session that took the slot, by the rule of its channel', async () => {
    const accountId = 'evicted';
    await admit(api, { accountId, sessionId: 's-1', contentType: 'live' });
    await admit(api, { accountId, sessionId: 's-2', contentType: 'live' });
    expect(await explained(accountId, 's-1', 2)).toMatchObject([
      {
        ...{ outcome: 'evicted', reason: 'EVICTED_BY_NEWER', rule: 'newest-channel', bySessionId: 's-2' },
        explanation: { replay: 'agrees', heldBy: [{ sessionId: 's-1' }] },
      },
      { outcome: 'admitted', explanation: { replay: 'agrees', heldBy: [] } },
    ]);
  });

  it('explains a displacement: the slot of a session that had been silent for a second', async () => {
    const accountId = 'displaced';
    const console = { accountId, deviceType: 'console' };
    await admit(api, { ...console, sessionId: 's-1' });
    await until(
      async () => (await api.call({ path: `/v1/accounts/${accountId}/sessions` })).json as SessionList,
      ({ sessions }) => sessions[0]?.status === 'late',
    );
    await admit(api, { ...console, sessionId: 's-2' });
    expect((await explained(accountId, 's-1', 2))[0]).toMatchObject({
      ...{ outcome: 'displaced', reason: 'SILENT_TOO_LONG', rule: 'one-console', bySessionId: 's-2' },
      explanation: { replay: 'agrees', heldBy: [{ sessionId: 's-1', status: 'late' }] },
    });
  });

  it('without a session lists all of the account as they were kept, newest first and page by page', async () => {
    const first = await until(
      () => decisionsOf('evicted', 'limit=2'),
      ({ nextCursor }) => nextCursor !== null,
    );
    const rest = await decisionsOf('evicted', `limit=2&cursor=${first.nextCursor}`);
    const items = [...first.items, ...rest.items];
    expect(items.map(({ outcome, sessionId }) => `${outcome} ${sessionId}`)).toEqual([
      'admitted s-2',
      'evicted s-1',
      'admitted s-1',
    ]);
    expect(items.map(({ explanation }) => explanation)).toEqual([null, null, null]);
    expect(rest.nextCursor).toBeNull();
    expect(await decisionsOf('nobody', 'sessionId=s-1')).toEqual({ items: [], nextCursor: null });
  });
});

type Ran = { readonly code: number | null; readonly out: string; readonly err: string };
const runReport = (...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const main = fileURLToPath(new URL('../tools/report/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, '--url', server.adminUrl(), ...args]);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });

/** Two days, so that midnight may come in between. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const today = Date.now();
const SPAN = ['--from', dayOf(today), '--to', dayOf(today + 2 * DAY_MS)];

/** An evening of all households, by chance but the same each time. */
const play = async (): Promise<void> => {
  const random = randomOf(7);
  for (let deed = 0; deed < 10 * HOUSEHOLDS; deed++) {
    const accountId = `house-${deed % HOUSEHOLDS}`;
    const sessionId = `s-${Math.floor(deed / HOUSEHOLDS)}`;
    const deviceType = random.pick(['tv', 'phone', 'browser']);
    const what = {
      accountId,
      sessionId,
      deviceType,
      contentType: random.pick(['live', 'vod']),
      contentId: random.pick(['a', 'b=', 'c"']),
    };
    await api.call({ path: '/v1/sessions', body: start(what as Parameters<typeof start>[0]) });
    if (random.below(5) === 0) await api.call({ path: `/v1/sessions/${sessionId}/stop`, body: { accountId } });
  }
};

/** What lies in the log, each output once: counted by hand. */
const countedInLog = async (): Promise<Readonly<Record<string, unknown>>> => {
  const log = await openEmbeddedLog({
    folder: server.folder,
    partitions: 4,
    clock: () => epochMs(Date.now()),
    onTrouble: (error) => {
      throw error;
    },
  });
  const records = await Promise.all([0, 1, 2, 3].map((partition) => readAll(log, partition, 'stream-decisions.v1')));
  await log.close();
  const found = new Map<string, StreamDecided>();
  for (const { value } of records.flat()) {
    const output = decodeOutput(value);
    if (output.type === 'StreamDecided') found.set(output.value.id, output.value);
  }
  const all = [...found.values()];
  const number = (outcome: string, more: (one: StreamDecided) => boolean = () => true): number =>
    all.filter((one) => one.outcome === outcome && more(one)).length;
  return {
    starts: number('admitted'),
    denials: number('denied'),
    evictions: number('evicted'),
    displaced: number('displaced'),
    degraded: 0,
    streamsAtOnce: Object.fromEntries(
      [1, 2, 3]
        .map((n) => [n, number('admitted', ({ holders }) => holders === n)])
        .filter(([, starts]) => starts !== 0),
    ),
    onPhones: number('denied', ({ deviceType }) => deviceType === 'phone'),
    ofContent: number('admitted', ({ contentId }) => contentId === 'b='),
  };
};

describe('npm run report', () => {
  it('counts starts, denials, evictions, displaced and streams at once exactly as they lie in the log', async () => {
    await play();
    const report = async (by: string): Promise<DecisionReport> => {
      const { code, out, err } = await runReport(...SPAN, '--by', by, '--format', 'json');
      if (code !== 0) throw new Error(err);
      return JSON.parse(out) as DecisionReport;
    };
    // The ledger is a moment behind the answers.
    const decided = 10 * HOUSEHOLDS + 7;
    const path = `/admin/reports/decisions?from=${Date.parse(dayOf(today))}&to=${Date.parse(dayOf(today + 2 * DAY_MS))}`;
    await until(
      async () => ((await api.admin({ path })).json as DecisionReport).total,
      ({ starts, denials }) => starts + denials >= decided,
    );
    const [byRule, byDevice, byContent] = [await report('rule'), await report('deviceType'), await report('content')];
    const csv = await runReport(...SPAN, '--by', 'content', '--format', 'csv');
    const table = await runReport(...SPAN);

    await server.kill('SIGTERM');
    const { onPhones, ofContent, ...counts } = await countedInLog();
    expect(byRule.total).toMatchObject(counts);
    expect(byRule.lines.map(({ value }) => value).sort()).toEqual(['newest-channel', 'one-console', 'two-films']);
    expect(byDevice.lines.find(({ value }) => value === 'phone')?.counts.denials).toBe(onPhones);
    expect(byContent.lines.find(({ value }) => value === 'b=')?.counts.starts).toBe(ofContent);
    for (const { total } of [byDevice, byContent]) expect(total).toEqual(byRule.total);

    const [head, ...rows] = csv.out.trim().split('\r\n');
    expect(head).toMatch(
      /^content,starts,returns,denials,evictions,displaced,observed,degraded,streams_1,.*,streams_16$/,
    );
    expect(rows.find((row) => row.startsWith('"c"""'))).toBeDefined();
    const starts = rows.map((row) => Number(/^"(?:[^"]|"")*",(\d+),/.exec(row)?.[1]));
    expect(starts.reduce((sum, n) => sum + n, 0)).toBe(counts['starts']);
    expect(table.out).toMatch(new RegExp(`two-films[^\\n]+\\n(.*\\n)*│ total +│ +${String(counts['starts'])} │`));
  });

  it.each([
    [['--from', '2026-11-31', '--to', '2026-12-02'], 2, /^--from has to be a day such as 2026-11-01, not "2026-11-31"/],
    [['--from', '2026-11-02', '--to', '2026-11-02'], 2, /^--to has to be later than --from/],
    [[...SPAN, '--by', 'account'], 2, /^--by has to be rule, content, deviceType, not "account"/],
    [[...SPAN, '--url', 'http://127.0.0.1:9'], 1, /^fetch failed \(.+\)$/m],
  ] as const)('with %j ends with %i and says why', async (args, code, message) => {
    const ended = await runReport(...args);
    expect([ended.code, ended.err]).toEqual([code, expect.stringMatching(message)]);
    expect(ended.err).not.toMatch(/^\s+at /m);
  });
});
