import type { DecisionList, DecisionReport } from '../../schemas/generated/http.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { cursorIn, limitIn, PAGE_QUERY } from '../../shared/http/list.ts';
import { choiceIn, idOf, invalid } from '../../shared/http/query.ts';
import type { Route } from '../../shared/http/route.ts';
import type { Cursors } from '../../shared/table/cursor.ts';
import { BY_ID } from '../../shared/table/table.ts';
import { explained, type ReplayAccount } from './explain.ts';
import { REPORT_BY, reportBy } from './report.ts';
import { LEDGER } from './row.ts';
import { countEach, pageOf, type Rows, type Span } from './view.ts';

export type LedgerApi = {
  readonly table: Rows;
  readonly cursors: Cursors;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly replay: ReplayAccount;
  /** Lets others in. */
  readonly breathe: () => Promise<void>;
};

/** A longer time is asked for piece by piece: what is counted can be added up. */
export const MAX_REPORT_MS = 31 * DAY_MS;

export const ledgerRoutes = (api: LedgerApi): readonly Route[] => {
  const [replaying, reporting] = [oneAtATime('an explanation'), oneAtATime('a report')];
  return [
    {
      method: 'GET',
      path: '/v1/accounts/{accountId}/decisions',
      operationId: 'listDecisions',
      summary:
        'What was decided about an account, newest first; of one session, with how each decision follows from its beats.',
      port: 'public',
      callers: ['service'],
      touches: 'account-in-path',
      query: [
        {
          name: 'sessionId',
          description: 'The decisions of this session, explained; left out: of all, as they were kept.',
        },
        ...PAGE_QUERY,
      ],
      responses: { 200: 'decision-list' },
      problems: ['VALIDATION_FAILED', 'INVALID_CURSOR', 'STORE_UNAVAILABLE', 'LOG_UNAVAILABLE', 'OVERLOADED'],
      handle: (call) => list({ ...api, replay: (asked) => replaying(() => api.replay(asked)) }, call),
    },
    {
      method: 'GET',
      path: '/admin/reports/decisions',
      operationId: 'reportDecisions',
      summary: 'Starts, denials, evictions and streams at once in a span of time, by rule, content or device type.',
      port: 'admin',
      callers: ['admin'],
      touches: 'nobody',
      query: [
        { name: 'from', description: 'Epoch milliseconds: the first moment that counts.', required: true },
        { name: 'to', description: 'The first moment that does not; at most 31 days later.', required: true },
        { name: 'by', description: 'What there is a line for each of; rule when left out.', values: REPORT_BY },
      ],
      responses: { 200: 'decision-report' },
      problems: ['VALIDATION_FAILED', 'STORE_UNAVAILABLE', 'OVERLOADED'],
      handle: (call) => {
        const asked = reportAsked(call);
        return reporting(() => report(api, asked));
      },
    },
  ];
};

const list = async (api: LedgerApi, call: Call): Promise<Reply> => {
  const key = api.accountKey(tenantOf(call), idOf('accountId', call.params['accountId'] ?? ''));
  const asked = call.query.get('sessionId');
  const sessionId = asked === null ? null : idOf('sessionId', asked);
  const limit = limitIn(call);
  const of = { table: LEDGER, key, list: BY_ID } as const;
  const below = cursorIn(call, api.cursors, of);
  const { decisions, next } = await pageOf(api.table, { key, sessionId, below, limit });
  const items =
    sessionId === null
      ? decisions.map(({ kept }) => ({ ...kept, explanation: null }))
      : await explained(api.table, key, { decisions, replay: api.replay });
  const body: DecisionList = {
    items: [...items],
    nextCursor: next === null ? null : api.cursors.write(of, next),
  };
  return { status: 200, body };
};

const reportAsked = (call: Call) => ({
  ...spanIn(call),
  by: choiceIn(call, 'by', REPORT_BY) ?? 'rule',
  tenant: tenantOf(call),
});

const report = async (api: LedgerApi, asked: ReturnType<typeof reportAsked>): Promise<Reply> => {
  const { fromMs, toMs, by, tenant } = asked;
  const counted = reportBy(by);
  await countEach(
    api.table,
    { fromMs, toMs },
    {
      breathe: api.breathe,
      count: (one) => {
        if (one.tenant === tenant) counted.count(one);
      },
    },
  );
  const body: DecisionReport = { from: fromMs, to: toMs, by, lines: counted.lines(), total: counted.total() };
  return { status: 200, body };
};

const spanIn = ({ query }: Call): Span => {
  const fromMs = timeIn('from', query.get('from'));
  const toMs = timeIn('to', query.get('to'));
  if (toMs > fromMs && toMs - fromMs <= MAX_REPORT_MS) return { fromMs, toMs };
  throw invalid('/to', 'RANGE', `must be later than from, and at most ${MAX_REPORT_MS / DAY_MS} days`);
};

const timeIn = (name: string, text: string | null): number => {
  if (text !== null && /^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`/${name}`, text === null ? 'REQUIRED' : 'FORMAT', 'must be a time in epoch milliseconds');
};

const RETRY_AFTER_MS = 1_000;

/** More than so many who wait are sent away. */
const MOST_WAITING = 8;

/** What reads much is done once at a time in a process: beats go on. */
const oneAtATime = (what: string) => {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting >= MOST_WAITING)
      throw new ProblemError('OVERLOADED', `${MOST_WAITING} wait for ${what} already`, {
        retryAfterMs: RETRY_AFTER_MS,
      });
    waiting += 1;
    const turn = last.then(work);
    last = turn.catch(() => null);
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  };
};
