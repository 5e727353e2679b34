import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Evening, remembered, watchFilm } from './testing/evening.ts';
import { send } from './testing/http.ts';
import { newAccount } from './testing/player.ts';
import { type Server, startServer } from './testing/server.ts';

let server: Server;
let evenings: readonly Evening[];
beforeAll(async () => {
  server = await startServer();
  evenings = await Promise.all(Array.from({ length: 12 }, () => watchFilm(server.url(), newAccount())));
});
afterAll(() => server.close());

describe('what an evening leaves', () => {
  it('is where to go on, and when the viewing ended and how much was seen', async () => {
    for (const evening of evenings) {
      const { resume, view } = await remembered(server.url(), evening);
      expect(resume).toMatchObject({ positionMs: 11_000, status: 'in-progress', source: 'stop', contentId: 'film' });
      expect(view).toMatchObject({ status: 'final', reason: 'stopped', distinctMs: 11_000, beatsReceived: 4 });
    }
  });

  it('is the same after kill -9', async () => {
    const before = await Promise.all(evenings.map((evening) => remembered(server.url(), evening)));
    await server.kill('SIGKILL');
    await server.restart();
    expect(await Promise.all(evenings.map((evening) => remembered(server.url(), evening)))).toEqual(before);
  });

  it('is hidden by DELETE until it is watched again, and stays what it was', async () => {
    const [{ accountId, position }] = evenings as [Evening];
    const list = `/v1/accounts/${accountId}/profiles/p/resume-positions`;
    const ids = async (): Promise<readonly string[]> =>
      ((await send(server.url(), { path: list })).json as { items: { contentId: string }[] }).items.map(
        ({ contentId }) => contentId,
      );
    expect(await ids()).toEqual(['film']);
    expect(await send(server.url(), { method: 'DELETE', path: `${list}/film` })).toMatchObject({ status: 204 });
    expect(await ids()).toEqual([]);
    expect((await remembered(server.url(), { accountId, position })).resume).toMatchObject({ positionMs: 11_000 });
  });
});
