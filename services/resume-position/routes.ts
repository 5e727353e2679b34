import type { LogEvent } from '../../schemas/events.ts';
import type { ResumePositionList } from '../../schemas/generated/http.ts';
import type { ResumeHidden, ResumeUndone } from '../../schemas/generated/records.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import { isId } from '../../schemas/validate.ts';
import { AFTER_QUERY, notYet, readAfter, refuseWarming } from '../../shared/http/after.ts';
import { type Call, ProblemError, type Reply, tenantOf } from '../../shared/http/call.ts';
import { repeatIdOf } from '../../shared/http/repeats.ts';
import { cursorIn, limitIn, MAX_LIMIT, PAGE_QUERY } from '../../shared/http/list.ts';
import { choiceIn, idOf, invalid } from '../../shared/http/query.ts';
import type { Route } from '../../shared/http/route.ts';
import type { Cursors } from '../../shared/table/cursor.ts';
import type { AnyTable } from '../../shared/table/table.ts';
import { type ListName, shelfOf, TABLE } from './row.ts';
import { callOf, type Title, type TitleName } from './title.ts';
import { type HouseholdReader, pageOf, resumePositionOf, type Seen, titlesOf } from './view.ts';

export type ResumeApi = {
  readonly read: HouseholdReader;
  readonly table: Pick<AnyTable, 'get' | 'list'>;
  /** Resolves true once this fold has reached the offset, false when that takes too long. */
  readonly waitFor: (partition: number, offset: number) => Promise<boolean>;
  /** Resolves when the log has stored the event; rejects with the problem to answer. */
  readonly append: (
    key: AccountKey,
    event: LogEvent,
  ) => Promise<{ readonly partition: number; readonly offset: number }>;
  readonly cursors: Cursors;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly partitionOf: (key: AccountKey) => number;
  /** Of the log. */
  readonly generation: number;
  readonly clock: () => number;
  readonly nextRequestId: () => string;
};

const ROW = '/v1/accounts/{accountId}/profiles/{profileId}/resume-positions/{contentId}';
const LISTS: readonly ListName[] = ['in-progress', 'history'];
const READ_PROBLEMS = ['VALIDATION_FAILED', 'INVALID_POSITION', 'NOT_YET', 'WARMING', 'STORE_UNAVAILABLE'] as const;
const WRITE_PROBLEMS = ['VALIDATION_FAILED', 'LOG_UNAVAILABLE', 'STORE_UNAVAILABLE'] as const;

export const resumeRoutes = (api: ResumeApi): readonly Route[] => [
  {
    method: 'GET',
    path: ROW,
    operationId: 'getResumePosition',
    summary: 'Where a profile goes on with a content.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    query: [AFTER_QUERY],
    responses: { 200: 'resume-position' },
    problems: ['NO_RESUME_POSITION', ...READ_PROBLEMS],
    handle: (call) => getOne(api, call),
  },
  {
    method: 'GET',
    path: '/v1/accounts/{accountId}/profiles/{profileId}/resume-positions',
    operationId: 'listResumePositions',
    summary: 'What a profile can go on with, newest first; or the positions of the contents asked for.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    query: [
      { name: 'status', description: 'What to go on with (default), or all that was watched.', values: LISTS },
      ...PAGE_QUERY,
      { name: 'groupBy', description: 'Of each series the newest alone.', values: ['series'] },
      {
        name: 'contentIds',
        description: `Up to ${MAX_LIMIT}, with commas between: their positions in this order, those without one left out. With it, all but \`after\` is ignored.`,
      },
      AFTER_QUERY,
    ],
    responses: { 200: 'resume-position-list' },
    problems: ['INVALID_CURSOR', ...READ_PROBLEMS],
    handle: (call) => (call.query.has('contentIds') ? getMany(api, call) : getList(api, call)),
  },
  {
    method: 'DELETE',
    path: ROW,
    operationId: 'hideResumePosition',
    summary: 'Take a content off the list until it is played again; where to go on is kept.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    responses: { 204: null },
    problems: WRITE_PROBLEMS,
    handle: (call) => hide(api, call),
  },
  {
    method: 'POST',
    path: `${ROW}/undo`,
    operationId: 'undoResumePosition',
    summary: 'Bring back the resume position that stood before the last session; 204 where there was none.',
    port: 'public',
    callers: ['player', 'service'],
    touches: 'account-in-path',
    responses: { 200: 'resume-position', 204: null },
    problems: ['NO_RESUME_POSITION', 'NOTHING_TO_UNDO', 'NOT_YET', 'WARMING', ...WRITE_PROBLEMS],
    handle: (call) => undo(api, call),
  },
];

// --- Reads ----------------------------------------------------------------------------------------------------------

const getOne = async (api: ResumeApi, call: Call): Promise<Reply> => {
  const { key, name } = titleAsked(api, call);
  const seen = await seenBy(api, call, key);
  const title = await titleOf(api, seen, name);
  const body = title === null ? null : resumePositionOf(title);
  if (body === null) throw noPosition();
  return { status: 200, body };
};

const getMany = async (api: ResumeApi, call: Call): Promise<Reply> => {
  const { key, profileId } = profileAsked(api, call);
  const contentIds = [...new Set(call.query.getAll('contentIds').flatMap((text) => text.split(',')))];
  if (contentIds.length > MAX_LIMIT) throw invalid('/contentIds', 'RANGE', `must have 1 to ${MAX_LIMIT} items`);
  if (!contentIds.every(isId)) throw invalid('/contentIds', 'FORMAT', 'must be ids with commas between');
  const seen = await seenBy(api, call, key);
  const names = contentIds.map((contentId) => ({ profileId, contentId }));
  const titles = await titlesOf(seen, api.table, names);
  const items = titles.flatMap((title) => (title === null ? [] : (resumePositionOf(title) ?? [])));
  return { status: 200, body: { items, nextCursor: null } satisfies ResumePositionList };
};

const getList = async (api: ResumeApi, call: Call): Promise<Reply> => {
  const { key, profileId } = profileAsked(api, call);
  const list = choiceIn(call, 'status', LISTS) ?? 'in-progress';
  const bySeries = choiceIn(call, 'groupBy', ['series']) !== null;
  const limit = limitIn(call);
  const of = { table: TABLE, key, list: bySeries ? `${list} by series` : list } as const;
  // A cursor is good for an account; its places are those of one profile.
  const below = cursorIn(call, api.cursors, of, (place) => place.startsWith(shelfOf(profileId).first));
  const seen = await seenBy(api, call, key);
  const { items, next } = await pageOf(seen, api.table, { profileId, list, bySeries, below, limit });
  const nextCursor = next === null ? null : api.cursors.write(of, next);
  return { status: 200, body: { items, nextCursor } satisfies ResumePositionList };
};

// --- Calls that become records --------------------------------------------------------------------------------------

const hide = async (api: ResumeApi, call: Call): Promise<Reply> => {
  const { key, name } = titleAsked(api, call);
  const stored = await api.append(key, { type: 'ResumeHidden', value: recordOf(api, call, name) });
  // Answered once it is folded, so that the next list is without it; if that takes long, it is stored anyway.
  await api.waitFor(stored.partition, stored.offset + 1);
  return { status: 204, body: undefined };
};

const undo = async (api: ResumeApi, call: Call): Promise<Reply> => {
  const { key, name } = titleAsked(api, call);
  // Who cannot be answered is told so before anything is undone.
  refuseWarming((await api.read(api.partitionOf(key), key)).checkpoint);
  const value = recordOf(api, call, name);
  const stored = await api.append(key, { type: 'ResumeUndone', value });
  if (!(await api.waitFor(stored.partition, stored.offset + 1))) {
    throw notYet('it is stored, and not done yet: ask again with the same Idempotency-Key');
  }
  const seen = await api.read(stored.partition, key);
  refuseWarming(seen.checkpoint);
  const title = await titleOf(api, seen, name);
  if (title === null) throw noPosition();
  if (callOf(title, value.requestId)?.did !== true) {
    throw new ProblemError('NOTHING_TO_UNDO', 'no session of the last day can be undone here');
  }
  const body = resumePositionOf(title);
  return body === null ? { status: 204, body: undefined } : { status: 200, body };
};

const recordOf = (api: ResumeApi, call: Call, name: TitleName): ResumeHidden & ResumeUndone => {
  const receivedAtMs = api.clock();
  // Rows remember ids for as long as they live: one that is made here must not come again after a restart.
  const requestId = repeatIdOf(call, undefined, () => `${api.nextRequestId()}-${receivedAtMs.toString(36)}`);
  return { requestId, tenant: tenantOf(call), ...name, receivedAtMs, occurredAtMs: receivedAtMs, source: 'api' };
};

// --- Of both --------------------------------------------------------------------------------------------------------

const seenBy = async (api: ResumeApi, call: Call, key: AccountKey): Promise<Seen> => {
  const partition = api.partitionOf(key);
  const from = { generation: api.generation, partition, reached: api.waitFor };
  const seen = await readAfter(call, from, () => api.read(partition, key));
  refuseWarming(seen.checkpoint);
  return seen;
};

const titleOf = async (api: ResumeApi, seen: Seen, name: TitleName): Promise<Title | null> =>
  (await titlesOf(seen, api.table, [name]))[0] ?? null;

const noPosition = (): ProblemError =>
  new ProblemError('NO_RESUME_POSITION', 'this profile has nothing to go on with in this content');

const profileAsked = (api: ResumeApi, call: Call): { key: AccountKey; profileId: string } => {
  const [accountId, profileId] = [idIn(call.params, 'accountId'), idIn(call.params, 'profileId')];
  return { key: api.accountKey(tenantOf(call), accountId), profileId };
};

const titleAsked = (api: ResumeApi, call: Call): { key: AccountKey; name: TitleName } => {
  const { key, profileId } = profileAsked(api, call);
  return { key, name: { profileId, contentId: idIn(call.params, 'contentId') } };
};

const idIn = (params: Call['params'], name: string): string => idOf(name, params[name] ?? '');
