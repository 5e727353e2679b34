import { describe, expect, it } from '@jest/globals';
import { AS_IS, NO_PACKING, packingOf, type Shape } from './packing.ts';

type Inner = { readonly at: number; readonly by: string | null };
type State = {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly newest: Inner | null;
  readonly all: readonly Inner[];
  readonly groups: readonly (readonly (Inner | null)[])[] | null;
  readonly pairs: readonly (readonly [number, number])[];
};
const INNER: Shape<Inner> = { at: AS_IS, by: AS_IS };
const STATE: Shape<State> = { name: AS_IS, tags: AS_IS, newest: INNER, all: [INNER], groups: [[INNER]], pairs: AS_IS };

const state: State = {
  name: 'a',
  tags: { b: 'c' },
  newest: { at: 1, by: null },
  all: [
    { at: 2, by: 'x' },
    { at: 3, by: 'y' },
  ],
  groups: [[{ at: 4, by: 'z' }, null], []],
  pairs: [[5, 6]],
};
const bare: State = { name: '', tags: {}, newest: null, all: [], groups: null, pairs: [] };
const { pack, unpack } = packingOf(STATE);
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a packed state', () => {
  it('is written by place, without a name of a field', () => {
    expect(written(pack(state))).toEqual([
      'a',
      { b: 'c' },
      [1, null],
      [
        [2, 'x'],
        [3, 'y'],
      ],
      [[[4, 'z'], null], []],
      [[5, 6]],
    ]);
    expect(written(pack(bare))).toEqual(['', {}, null, [], null, []]);
  });

  it.each([state, bare])('is the same again', (one) => {
    expect(unpack(written(pack(one)))).toEqual(one);
  });

  it('is written in the order of its shape, in whatever order its fields were made', () => {
    const turned = Object.fromEntries(Object.entries(state).reverse());
    expect(pack(turned)).toEqual(pack(state));
  });

  it('is read where its fields still have their names', () => {
    expect(unpack(written(state))).toEqual(state);
  });

  it('lacks the fields that its shape has been given since, for `upgrade` to fill in', () => {
    const older = written(pack(state)) as unknown[];
    expect(unpack(older.slice(0, 3))).toEqual({ ...state, all: null, groups: null, pairs: undefined });
  });

  it('without a shape is as it was', () => {
    expect(NO_PACKING.unpack(NO_PACKING.pack(state))).toBe(state);
  });
});
