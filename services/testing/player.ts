import type { Decision, HeartbeatRequest, IngestResponse, StartResponse } from '../../schemas/generated/http.ts';
import type { Api } from './contract.ts';
import type { Response } from './http.ts';

/** What a player says, whole; tests name what matters to them. */
export const beat = (fields: Partial<HeartbeatRequest> & Pick<HeartbeatRequest, 'accountId'>): HeartbeatRequest => ({
  sessionId: 's-1',
  sequence: 1,
  profileId: 'p-1',
  deviceId: `device-of-${fields.sessionId ?? 's-1'}`,
  deviceType: 'tv',
  contentId: 'film-1',
  contentType: 'vod',
  state: 'playing',
  positionMs: 60_000,
  sentAtMs: 1_800_000_000_000,
  ...fields,
});

export const start = (
  fields: Partial<HeartbeatRequest> & Pick<HeartbeatRequest, 'accountId'> & Readonly<Record<string, unknown>>,
): HeartbeatRequest => beat({ sequence: 0, state: 'starting', positionMs: 0, ...fields });

let accounts = 0;
/** An account that no other test of this process has. */
export const newAccount = (): string => `a-${process.pid}-${(accounts += 1)}`;

/** Admits a stream and answers what the player then knows. */
export const admit = async (
  api: Api,
  fields: Parameters<typeof start>[0],
): Promise<StartResponse & { readonly sessionToken: string }> => {
  const answer = await api.call({ path: '/v1/sessions', body: start(fields) });
  if (answer.status !== 201) throw new Error(`not admitted: ${answer.text}`);
  return answer.json as StartResponse;
};

export const results = (answer: Response): IngestResponse => answer.json as IngestResponse;
/** The decision of the first beat in a reply. */
export const decisionIn = (answer: Response): Decision | undefined => results(answer).results[0]?.decision;
