import type { ContentAudience, ResumePosition, View } from '../../schemas/generated/http.ts';
import { send } from './http.ts';
import { beat, results } from './player.ts';

/** Somebody watches eleven seconds of a film of a minute, and stops. All of it has happened when it is sent. */
export type Evening = { readonly accountId: string; readonly position: string };

const FILM = { contentId: 'film', contentType: 'vod', profileId: 'p', durationMs: 60_000 } as const;

export const watchFilm = async (url: string, accountId: string): Promise<Evening> => {
  const session = { ...FILM, accountId, sessionId: `${accountId}-film` };
  const told = [
    { state: 'starting', positionMs: 0, ageMs: 12_000 },
    { state: 'playing', positionMs: 0, ageMs: 11_500 },
    { state: 'playing', positionMs: 10_000, ageMs: 1_500 },
    { state: 'stopped', positionMs: 11_000, ageMs: 500 },
  ] as const;
  const heartbeats = told.map((one, i) => beat({ ...session, ...one, sequence: i + 1 }));
  const answer = await send(url, { path: '/v1/heartbeats', body: { heartbeats } });
  const position = results(answer).results.at(-1)?.position;
  if (answer.status !== 202 || position === undefined) throw new Error(`refused: ${answer.text}`);
  return { accountId, position };
};

export type Remembered = { readonly resume: ResumePosition | null; readonly view: View | null };

/** Where to go on, and the view, from whoever answers; null for one that cannot be had now. */
export const remembered = async (url: string, { accountId, position }: Evening): Promise<Remembered> => {
  const resume = `/v1/accounts/${accountId}/profiles/p/resume-positions/film?after=${position}`;
  const view = `/v1/views/${accountId}-film?accountId=${accountId}&after=${position}`;
  const [one, other] = await Promise.all([send(url, { path: resume }), send(url, { path: view })]);
  return {
    resume: one.status === 200 ? (one.json as ResumePosition) : null,
    view: other.status === 200 ? (other.json as View) : null,
  };
};

/** How many have watched the film; null when it cannot be had now. */
export const watched = async (url: string): Promise<number | null> => {
  const answer = await send(url, { path: '/v1/contents/film/audience?window=24h' });
  return answer.status === 200 ? (answer.json as ContentAudience).viewers : null;
};
