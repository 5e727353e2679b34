import type { SessionList, StartResponse } from '../../schemas/generated/http.ts';
import type { Api } from './contract.ts';
import type { Issuer } from './issuer.ts';
import { beat, start } from './player.ts';

/** What calls that are made up may hold so that they meet something: households that play, and who may ask about them. */
export type Known = {
  readonly accounts: readonly string[];
  readonly sessions: readonly string[];
  readonly positions: readonly string[];
  readonly cursors: readonly string[];
  /** Of real starts. */
  readonly sessionTokens: readonly string[];
  /** By the scheme of the document; none where nobody is asked. */
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  /** Whole headers that name nobody. */
  readonly badTokens: readonly string[];
};

const ACCOUNTS = Array.from({ length: 12 }, (_, i) => `household-${i + 1}`);
const SESSIONS = ['s-1', 's-2', 's-3'];
const PLAYING = ACCOUNTS.slice(0, 4);

/** 40 s of a content, out of an offline queue: enough to go on with it. */
const watched = (session: { readonly accountId: string; readonly contentId: string }): unknown => ({
  heartbeats: [0, 1, 2, 3, 4].map((n) =>
    beat({
      ...session,
      sessionId: session.contentId,
      sequence: 10 + n,
      positionMs: 60_000 + 10_000 * n,
      ageMs: 40_000 - 10_000 * n,
    }),
  ),
});

/** Lets some households play, and takes note of what the answers say. */
export const settle = async (api: Api, issuer: Issuer | null): Promise<Known> => {
  const playerToken = await Promise.all(
    PLAYING.map((account_id) => issuer?.sign({ account_id, scope: 'playbeat:player' }) ?? ''),
  );
  const [service = '', admin = '', expired = ''] = await Promise.all([
    issuer?.sign({ scope: 'playbeat:service' }) ?? '',
    issuer?.sign({ scope: 'playbeat:admin' }) ?? '',
    issuer?.sign({ scope: 'playbeat:service' }, { exp: 1_000 }) ?? '',
  ]);
  const headers: Record<string, string> = issuer === null ? {} : { authorization: `Bearer ${service}` };
  const sessionTokens: string[] = [];
  const positions: string[] = [];
  const cursors: string[] = [];
  for (const accountId of PLAYING) {
    const session = { accountId, deviceId: 'device-1', durationMs: 3_600_000 };
    const begun = await api.call({ path: '/v1/sessions', body: start(session), headers });
    sessionTokens.push((begun.json as StartResponse).sessionToken);
    for (const contentId of ['film-1', 'film-2'])
      await api.call({ path: '/v1/heartbeats?decision=wait', body: watched({ ...session, contentId }), headers });
    const streams = await api.call({ path: `/v1/accounts/${accountId}/sessions`, headers });
    const { position } = streams.json as SessionList;
    if (position !== null) positions.push(position);
    for (const list of ['profiles/p-1/resume-positions', 'views']) {
      const page = await api.call({ path: `/v1/accounts/${accountId}/${list}?limit=1`, headers });
      const { nextCursor } = page.json as { nextCursor?: string | null };
      if (nextCursor != null) cursors.push(nextCursor);
    }
  }
  return {
    accounts: [...ACCOUNTS, 'me'],
    sessions: [...SESSIONS, 'film-1', 'film-2'],
    positions: [...positions, '1.0.0', '1.1.0', '1.9.0', '0.0.0', '2.0.1'],
    cursors: [...cursors, 'none'],
    sessionTokens,
    tokens: issuer === null ? {} : { playerToken, serviceToken: [service], adminToken: [admin] },
    badTokens: [
      ...[
        'Bearer',
        'Bearer ',
        'Bearer a.b.c',
        'Basic dTpw',
        'Bearer pbs1.AAAA.BBBB',
        `Bearer pbs1.${'A'.repeat(5_000)}.B`,
      ],
      `Bearer ${expired}`,
    ],
  };
};
