import type { AccountKey } from '../../schemas/ids.ts';
import type { BlockCheckRequest, SessionList } from '../../schemas/generated/http.ts';
import { validateBlockCheck } from '../../schemas/validate.ts';
import { AFTER_QUERY, isWarming, readAfter, refuseWarming } from '../../shared/http/after.ts';
import { readJson } from '../../shared/http/body.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { refuseOther } from '../../shared/http/guard.ts';
import type { Route } from '../../shared/http/route.ts';
import type { Tokens } from '../../shared/identity/tokens.ts';
import type { Claimant } from './account.ts';
import { holdsSlot } from './account.ts';
import { failsClosed, limitOf, matches } from './policy.ts';
import {
  type AccountReader,
  activeSessions,
  askerFor,
  controlOf,
  decisionBefore,
  decisionOf,
  decisionOpen,
  type Seen,
} from './view.ts';

export type ConcurrencyApi = {
  readonly read: AccountReader;
  /** Resolves true once the fold has reached the offset. */
  readonly decided: (partition: number, offset: number) => Promise<boolean>;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly partitionOf: (key: AccountKey) => number;
  /** Of the log. */
  readonly generation: number;
  readonly tokens: Tokens;
  readonly clock: () => number;
};

const MAX_BODY_BYTES = 4 * 1_024;

const QUERY = [
  { name: 'accountId', description: 'The household.', required: true },
  { name: 'sessionId', description: 'A running session: may it go on? Left out: would a start be allowed?' },
  { name: 'profileId', description: 'Who watches, or would.' },
  { name: 'deviceId', description: 'The device that would play; with deviceType, contentId and contentType.' },
  { name: 'deviceType', description: 'Such as tv, phone, browser.' },
  { name: 'contentId', description: 'The title or channel.' },
  { name: 'contentType', description: 'live or vod.', values: ['live', 'vod'] },
  { name: 'country', description: 'ISO 3166-1 alpha-2.' },
  AFTER_QUERY,
] as const;

const PROBLEMS = ['VALIDATION_FAILED', 'INVALID_POSITION', 'NOT_YET', 'DECISION_UNAVAILABLE'] as const;

export const concurrencyRoutes = (api: ConcurrencyApi): readonly Route[] => [
  {
    method: 'GET',
    path: '/v1/block-check',
    operationId: 'blockCheck',
    summary: 'May this stream go on, or would a start be allowed now? Changes nothing.',
    port: 'public',
    callers: ['session', 'player', 'service'],
    touches: 'account-in-query',
    hot: true,
    query: QUERY,
    responses: { 200: 'decision' },
    problems: PROBLEMS,
    handle: (call) => {
      const body: Record<string, string> = {};
      for (const [name, value] of call.query) if (name !== 'after') body[name] = value;
      return blockCheck(api, call, body);
    },
  },
  {
    method: 'POST',
    path: '/v1/block-check',
    operationId: 'blockCheckByBody',
    summary: 'The same question with its fields in the body.',
    port: 'public',
    callers: ['session', 'player', 'service'],
    touches: 'account-in-body',
    query: [AFTER_QUERY],
    request: 'block-check-request',
    responses: { 200: 'decision' },
    problems: [
      ...PROBLEMS,
      'MALFORMED_JSON',
      'TOO_DEEP',
      'BODY_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'UNSUPPORTED_ENCODING',
    ],
    handle: async (call) => blockCheck(api, call, await readJson(call.req, MAX_BODY_BYTES)),
  },
  {
    method: 'GET',
    path: '/v1/accounts/{accountId}/sessions',
    operationId: 'listSessions',
    summary: 'The streams that hold slots now.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    query: [AFTER_QUERY],
    responses: { 200: 'session-list' },
    problems: ['VALIDATION_FAILED', 'INVALID_POSITION', 'NOT_YET', 'WARMING'],
    handle: (call) => listSessions(api, call),
  },
];

const blockCheck = (api: ConcurrencyApi, call: Call, body: unknown): Reply | Promise<Reply> => {
  const checked = validateBlockCheck(withOwn(call, body));
  if (!checked.ok) {
    const detail = checked.errors.map((e) => `${e.path}: ${e.detail}`).join('; ');
    throw new ProblemError('VALIDATION_FAILED', detail, { errors: checked.errors });
  }
  const question = checked.value;
  refuseOther(call, question.accountId);
  if (call.caller === null && call.session !== null && call.session.sessionId !== question.sessionId)
    throw new ProblemError('SESSION_TOKEN_MISMATCH', 'the session token is for another session');
  const key = api.accountKey(tenantOf(call), question.accountId);
  const seen = seenBy(api, call, key);
  return seen instanceof Promise ? seen.then((s) => answer(api, key, question, s)) : answer(api, key, question, seen);
};

/** What the question may leave out where the token says it. */
const withOwn = ({ caller, session }: Call, body: unknown): unknown => {
  const accountId = (caller ?? session)?.accountId ?? null;
  if (accountId === null || typeof body !== 'object' || body === null) return body;
  return caller === null ? { accountId, sessionId: session?.sessionId, ...body } : { accountId, ...body };
};

const answer = (api: ConcurrencyApi, key: AccountKey, question: BlockCheckRequest, seen: Seen): Reply => {
  const asker = askerFor(api, key, question.profileId ?? null);
  const { sessionId } = question;
  if (isWarming(seen.checkpoint)) {
    const control = controlOf(seen.checkpoint);
    if (sessionId === undefined && control !== undefined && failsClosed(control.policy, claimantOf(question))) {
      throw new ProblemError('DECISION_UNAVAILABLE', 'the decision cannot be had now, and the policy refuses then', {
        retryAfterMs: 1_000,
      });
    }
    return { status: 200, body: decisionOpen(sessionId ?? null, api.clock()) };
  }
  const decision =
    sessionId === undefined ? decisionBefore(seen, claimantOf(question), asker) : decisionOf(seen, sessionId, asker);
  return { status: 200, body: decision };
};

const claimantOf = (q: BlockCheckRequest): Claimant => ({
  sessionId: '',
  profileId: q.profileId ?? '',
  deviceId: q.deviceId ?? '',
  deviceName: null,
  deviceType: q.deviceType ?? '',
  contentId: q.contentId ?? '',
  contentType: q.contentType ?? 'vod',
  country: q.country ?? null,
  metadata: q.metadata ?? {},
  claims: {},
});

const listSessions = async (api: ConcurrencyApi, call: Call): Promise<Reply> => {
  const accountId = call.params['accountId'] ?? '';
  if (accountId.length > 128) {
    throw new ProblemError('VALIDATION_FAILED', 'an account id has at most 128 characters', {
      errors: [{ path: '/accountId', code: 'RANGE', detail: 'must have at most 128 characters' }],
    });
  }
  const key = api.accountKey(tenantOf(call), accountId);
  const seen = await seenBy(api, call, key);
  refuseWarming(seen.checkpoint);
  const asker = askerFor(api, key, null);
  const { asOfMs, position } = decisionOf(seen, '', asker);
  const sessions = activeSessions(seen, asker, false);
  const body: SessionList = { sessions, limit: smallestLimit(seen), asOfMs, position };
  return { status: 200, body };
};

const smallestLimit = ({ checkpoint, account }: Seen): number | null => {
  const rules = controlOf(checkpoint)?.policy.rules.filter((r) => r.mode === 'enforce') ?? [];
  const holders = (account?.sessions ?? []).filter(holdsSlot);
  const limits = rules.flatMap((rule) =>
    holders.length === 0
      ? typeof rule.limit === 'number' && Object.keys(rule.match).length === 0
        ? [rule.limit]
        : []
      : holders.filter((s) => matches(rule, s)).flatMap((s) => limitOf(rule, s) ?? []),
  );
  return limits.length === 0 ? null : Math.min(...limits);
};

/** The account as it stands, or as it stands once it includes the position that the caller names. */
const seenBy = (api: ConcurrencyApi, call: Call, key: AccountKey): Seen | Promise<Seen> => {
  const partition = api.partitionOf(key);
  return readAfter(call, { generation: api.generation, partition, reached: api.decided }, () => {
    const seen = api.read(partition, [key]);
    return seen instanceof Promise ? seen.then((s) => s[0]!) : seen[0]!;
  });
};
