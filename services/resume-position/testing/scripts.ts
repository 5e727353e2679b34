import fc from 'fast-check';
import { DAY_MS, MINUTE_MS } from '../../../schemas/time.ts';
import { FILM_MS, type Viewers } from './viewers.ts';

/** What can happen to the titles of a household, in any order; erasing is not among it. */
type Move =
  | {
      readonly kind: 'beat';
      readonly sessionId: string;
      readonly contentId: string;
      readonly state: 'playing' | 'paused' | 'seeking' | 'stopped';
      readonly positionMs: number;
      readonly ageMs: number;
      readonly lower: boolean;
    }
  | { readonly kind: 'watch'; readonly sessionId: string; readonly contentId: string; readonly fromMs: number }
  | { readonly kind: 'hide' | 'undo'; readonly contentId: string; readonly requestId: string }
  | { readonly kind: 'stop'; readonly sessionId: string }
  | { readonly kind: 'silence'; readonly ms: number };

const sessionId = fc.constantFrom('s-1', 's-2', 's-3', 's-4');
const contentId = fc.constantFrom('film', 'series-1');
const positionMs = fc.constantFrom(0, 20_000, 60_000, 30 * MINUTE_MS, 0.96 * FILM_MS);

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('beat' as const),
      sessionId,
      contentId,
      state: fc.constantFrom('playing' as const, 'paused' as const, 'seeking' as const, 'stopped' as const),
      positionMs,
      ageMs: fc.constantFrom(0, 0, 0, 4_000, 10 * MINUTE_MS, 5 * DAY_MS),
      lower: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('watch' as const), sessionId, contentId, fromMs: positionMs }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('hide' as const, 'undo' as const),
      contentId,
      requestId: fc.constantFrom('r-1', 'r-2', 'r-3', 'r-4', 'r-5'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), sessionId }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('silence' as const), ms: fc.constantFrom(1_000, 45_000, 6 * MINUTE_MS) }),
  },
);

export const script: fc.Arbitrary<readonly Move[]> = fc.array(move, { minLength: 5, maxLength: 25 });

export const play = (home: Viewers, moves: readonly Move[]): void => {
  for (const one of moves) {
    switch (one.kind) {
      case 'beat': {
        const { sessionId, contentId, state, positionMs, ageMs, lower } = one;
        home.beat(sessionId, positionMs, { contentId, state, ageMs, ...(lower ? { sequence: 1 } : {}) });
        break;
      }
      case 'watch':
        home.watch(one.sessionId, one.fromMs, 40, { contentId: one.contentId });
        break;
      case 'hide':
        home.hide(one, one.requestId);
        break;
      case 'undo':
        home.undo(one, one.requestId);
        break;
      case 'stop':
        home.stop(one.sessionId);
        break;
      case 'silence':
        home.silence(one.ms);
        break;
    }
  }
};
