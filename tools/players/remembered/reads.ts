import type { Client, Reply } from '../client.ts';
import { fields } from '../replies.ts';
import type { AudienceAnswer } from './audience.ts';
import type { ResumeAnswer } from './resume.ts';
import type { ViewAnswer } from './views.ts';

/** Asks for what is remembered. `absent`: there is no such path; `lost`: no answer to judge. */
export type Read<T> = { readonly got: T } | 'absent' | 'lost';

type Fields = Readonly<Record<string, unknown>>;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : NaN);
const orNull = (value: unknown): number | null => (value === null ? null : number(value));

const toResume = (body: Fields): ResumeAnswer => ({
  contentId: text(body['contentId']),
  sessionId: text(body['sessionId']),
  deviceId: text(body['deviceId']),
  positionMs: number(body['positionMs']),
  durationMs: body['durationMs'] === null ? undefined : number(body['durationMs']),
  status: text(body['status']),
});

const toView = (body: Fields): ViewAnswer => ({
  sessionId: text(body['sessionId']),
  profileId: text(body['profileId']),
  deviceId: text(body['deviceId']),
  contentId: text(body['contentId']),
  status: text(body['status']),
  reason: body['reason'] === null ? null : text(body['reason']),
  exitBeforeStart: body['exitBeforeStart'] === true,
  beatsReceived: number(body['beatsReceived']),
  watchedMs: number(body['watchedMs']),
  furthestPositionMs: orNull(body['furthestPositionMs']),
  lastPositionMs: orNull(body['lastPositionMs']),
});

const enc = encodeURIComponent;
const get = (client: Client, path: string): Promise<Reply> => client.call({ method: 'GET', path, keepAlive: true });
const codeOf = ({ body }: Reply): string => text(fields(body)['code']);

async function one<T>(client: Client, path: string, none: string, read: (body: Fields) => T): Promise<Read<T | null>> {
  const reply = await get(client, path);
  if (reply.status === 200) return { got: read(fields(reply.body)) };
  if (reply.status !== 404) return 'lost';
  return codeOf(reply) === none ? { got: null } : 'absent';
}

/** A list whole, page by page. */
async function all<T>(client: Client, path: string, read: (body: Fields) => T): Promise<Read<readonly T[]>> {
  const got: T[] = [];
  for (let cursor = ''; ;) {
    const reply = await get(client, cursor === '' ? path : `${path}&cursor=${enc(cursor)}`);
    if (reply.status !== 200) return reply.status === 404 ? 'absent' : 'lost';
    const { items, nextCursor } = fields(reply.body);
    for (const item of Array.isArray(items) ? items : []) got.push(read(fields(item)));
    if (typeof nextCursor !== 'string') return { got };
    cursor = nextCursor;
  }
}

const shelf = (accountId: string, profileId: string): string =>
  `/v1/accounts/${enc(accountId)}/profiles/${enc(profileId)}/resume-positions`;

export const readResume = (
  client: Client,
  of: { readonly accountId: string; readonly profileId: string; readonly contentId: string },
): Promise<Read<ResumeAnswer | null>> =>
  one(client, `${shelf(of.accountId, of.profileId)}/${enc(of.contentId)}`, 'NO_RESUME_POSITION', toResume);

export const listResume = (
  client: Client,
  of: { readonly accountId: string; readonly profileId: string },
): Promise<Read<readonly ResumeAnswer[]>> =>
  all(client, `${shelf(of.accountId, of.profileId)}?status=history&limit=100`, toResume);

export const readView = (
  client: Client,
  of: { readonly accountId: string; readonly sessionId: string },
): Promise<Read<ViewAnswer | null>> =>
  one(client, `/v1/views/${enc(of.sessionId)}?accountId=${enc(of.accountId)}`, 'VIEW_NOT_FOUND', toView);

export const listViews = (client: Client, accountId: string): Promise<Read<readonly ViewAnswer[]>> =>
  all(client, `/v1/accounts/${enc(accountId)}/views?limit=100`, toView);

export async function readAudience(
  client: Client,
  of: { readonly contentId: string; readonly windowMinutes: number },
): Promise<Read<AudienceAnswer>> {
  const window = of.windowMinutes === 60 ? '1h' : `${of.windowMinutes}m`;
  const reply = await get(client, `/v1/contents/${enc(of.contentId)}/audience?window=${window}`);
  if (reply.status !== 200) return reply.status === 404 ? 'absent' : 'lost';
  const { viewers, asOfMs } = fields(reply.body);
  return { got: { viewers: number(viewers), asOfMs: number(asOfMs) } };
}
