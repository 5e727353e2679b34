import { expect, it } from '@jest/globals';
import { everyHome, FORGOTTEN, HOMES, type Households, type Kept, LIMIT } from './households.ts';

/** What holds of households before and after a move, wherever the log lies. */

/** How it was before. */
export type Begun = {
  readonly kept: readonly Kept[];
  /** Where the streams of those that move were last known, in the order of `HOMES`. */
  readonly positions: readonly string[];
};

/** The service of the first generation, an evening in every household, and what is known of it. */
export const begin = async (homes: Households): Promise<Begun> => {
  await homes.launch('1');
  await homes.live();
  await homes.beatAll(2);
  const kept = await homes.settled();
  const streams = await Promise.all(HOMES.map((home) => homes.streamsOf('north', home)));
  return { kept, positions: streams.map(({ position }) => position ?? '') };
};

export type Moved = { readonly homes: Households; readonly begun: Begun };

/** Starts the service of the second generation. */
export const movedContract = (moved: () => Moved, patienceMs: number): void => {
  it(
    'changes nothing of what callers are told, and nothing is told twice',
    async () => {
      const { homes, begun } = moved();
      await homes.launch('2');
      const after = await homes.settled();
      for (const [i, { viewId, ...kept }] of after.entries()) {
        const { viewId: viewIdBefore, ...keptBefore } = begun.kept[i]!;
        expect(kept).toEqual(keptBefore);
        expect(viewId === viewIdBefore).toBe(i >= HOMES.length);
      }
    },
    patienceMs,
  );

  it(
    'leaves every stream its slot: it plays on with its old token, and one more is refused',
    async () => {
      const { homes } = moved();
      expect(new Set(await homes.beatAll(3))).toEqual(new Set(['OK']));
      for (const [tenant, home] of everyHome()) {
        expect((await homes.streamsOf(tenant, home)).sessions).toHaveLength(LIMIT);
        expect(await homes.startMore(tenant, home)).toMatchObject({ code: 'STREAM_LIMIT_EXCEEDED' });
      }
    },
    patienceMs,
  );

  it(
    'takes a position of before for one that every answer includes, and gives new ones',
    async () => {
      const { homes, begun } = moved();
      for (const [i, home] of HOMES.entries()) {
        const { position, sessions } = await homes.streamsOf('north', home, `?after=${begun.positions[i]}`);
        expect([sessions.length, position?.startsWith('2.')]).toEqual([LIMIT, true]);
      }
    },
    patienceMs,
  );

  it(
    'knows nobody under the key of an account that was not in the list',
    async () => {
      const { homes } = moved();
      expect((await homes.streamsOf('north', FORGOTTEN)).sessions).toEqual([]);
    },
    patienceMs,
  );
};
