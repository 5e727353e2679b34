import { decodeAudit, encode } from '../schemas/codec.ts';
import type { AuditEvent } from '../schemas/generated/records.ts';
import type { AccountKey } from '../schemas/ids.ts';
import { PROBLEMS } from '../shared/errors/problems.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../shared/http/call.ts';
import { limitIn, PAGE_QUERY } from '../shared/http/list.ts';
import { invalid } from '../shared/http/query.ts';
import { isAudited, type Route } from '../shared/http/route.ts';
import type { Log } from '../shared/log/log.ts';
import { recordsBetween } from '../shared/log/log-records.ts';
import { formatPosition, parsePosition, positionOf } from '../shared/log/position.ts';
import { availably } from './availability.ts';

/** Who changed what, and why: in `audit.v1` before it is changed, and with its outcome before it is answered. */
export type Audit = {
  /**
   * Does the work between two events. Rejects with `LOG_UNAVAILABLE` where one of them cannot be stored: before the first, nothing
   * has been done.
   */
  around(call: Call, what: Audited, work: () => Promise<Reply>): Promise<Reply>;
  /** The routes with an event around each call that changes something. */
  covered(routes: readonly Route[]): readonly Route[];
  /** Where it is read. */
  readonly route: Route;
};

export type Audited = { readonly action: string; readonly about: AccountKey | null };

export type AuditOptions = {
  readonly log: Pick<Log, 'append' | 'bounds' | 'read'>;
  readonly clock: () => number;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
};

const TOPIC = 'audit.v1';
/** Where nobody is asked who they are. */
const LOCAL = 'local';
const REASON = /^[^\p{Cc}]{1,200}$/u;

export const openAudit = ({ log, clock, accountKey }: AuditOptions): Audit => {
  const append = availably(async (event: AuditEvent) => {
    await log.append(TOPIC, 0, [{ key: null, value: encode('AuditEvent', event) }]);
  });
  const around: Audit['around'] = async (call, { action, about }, work) => {
    const { caller, requestId } = call;
    const who = caller?.who ?? LOCAL;
    const begun = { action, who, tenant: tenantOf(call), why: reasonIn(call), about, requestId };
    await append({ ...begun, atMs: clock(), status: null });
    const ended = (status: number): Promise<void> => append({ ...begun, atMs: clock(), status });
    let reply: Reply;
    try {
      reply = await work();
    } catch (error) {
      await ended(error instanceof ProblemError ? PROBLEMS[error.code].status : PROBLEMS.INTERNAL.status);
      throw error;
    }
    await ended(reply.status);
    return reply;
  };
  const about = ({ touches }: Route, call: Call): AccountKey | null => {
    const accountId = touches === 'account-in-path' ? call.params['accountId'] : call.query.get('accountId');
    return accountId == null ? null : accountKey(tenantOf(call), accountId);
  };
  const cover = (route: Route): Route => ({
    ...route,
    handle: (call) =>
      around(call, { action: route.operationId, about: about(route, call) }, async () => {
        const reply = await route.handle(call);
        if (reply === null) throw new Error(`${route.operationId} answers by itself: its outcome cannot be told`);
        return reply;
      }),
  });
  return {
    around,
    covered: (routes) => routes.map((route) => (isAudited(route) ? cover(route) : route)),
    route: {
      method: 'GET',
      path: '/admin/audit',
      operationId: 'listAudit',
      summary: 'Who changed what, and why: newest first, for 400 days.',
      port: 'admin',
      callers: ['admin'],
      touches: 'nobody',
      query: PAGE_QUERY,
      responses: { 200: 'object' },
      problems: ['VALIDATION_FAILED', 'INVALID_CURSOR', 'LOG_UNAVAILABLE'],
      handle: availably((call: Call) => list(log, call)),
    },
  };
};

const reasonIn = ({ query, req }: Call): string | null => {
  const header = req.headers['x-playbeat-reason'];
  const reason = query.get('reason') ?? (typeof header === 'string' ? header : null);
  if (reason === null || REASON.test(reason)) return reason;
  throw invalid('/reason', 'RANGE', 'must have 1 to 200 characters, none of them a control character');
};

const list = async (log: AuditOptions['log'], call: Call): Promise<Reply> => {
  const limit = limitIn(call);
  const { first, end } = await log.bounds(TOPIC, 0);
  const below = Math.min(end, belowIn(call) ?? end);
  const from = Math.max(first, below - limit);
  const items: unknown[] = [];
  for await (const records of recordsBetween(log, { topic: TOPIC, partition: 0 }, { first: from, end: below }))
    for (const { offset, value } of records) items.push({ position: placeOf(offset), ...decodeAudit(value) });
  return { status: 200, body: { items: items.reverse(), nextCursor: from > first ? placeOf(from) : null } };
};

const placeOf = (offset: number): string => formatPosition(positionOf(0, offset));

/** Events do not move: the place of one is a cursor that is good for as long as there are older ones. */
const belowIn = ({ query }: Call): number | null => {
  const text = query.get('cursor');
  if (text === null) return null;
  const position = parsePosition(text);
  const { generation } = positionOf(0, 0);
  if (position !== null && position.generation === generation && position.partition === 0) return position.offset;
  throw new ProblemError('INVALID_CURSOR', 'this cursor was not made for this list');
};
