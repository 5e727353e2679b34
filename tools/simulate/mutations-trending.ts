import type { Mutation } from './mutations.ts';

const TRENDING = 'services/trending';
const LOOP = 'shared/runtime';

const TOLD_WHEN = `if (known.changed || left || at.liveMs >= silentUntilMs)`;

/** Bugs in who is counted as watching what, and when it is told. */
export const MUTATIONS_TRENDING: readonly Mutation[] = [
  {
    name: 'move-counted-again',
    patches: [
      {
        within: TRENDING,
        find: `if (offset <= seen[i + 1]! && to.minute <= newest) return null;`,
        replace: '',
      },
    ],
  },
  {
    name: 'mover-left-behind',
    patches: [
      { within: TRENDING, find: `move.from === null ? before : withoutPlace(before, move.from)`, replace: `before` },
    ],
  },
  {
    name: 'standing-still-counts',
    patches: [{ within: TRENDING, find: `return moved ? 'counted' : 'idle';`, replace: `return 'counted';` }],
  },
  {
    name: 'minutes-merged-early',
    patches: [
      {
        within: TRENDING,
        find: `Math.max(stood.merged, quarterOf(minute - HOUR_MINUTES))`,
        replace: `Math.max(stood.merged, quarterOf(minute))`,
      },
    ],
  },
  {
    name: 'windows-by-own-clock',
    patches: [
      {
        within: TRENDING,
        find: `return Math.max(control.atMs, (newest - FURTHEST_BEHIND_MINUTES) * MINUTE_MS);`,
        replace: `return appendedAtMs;`,
      },
    ],
  },
  {
    name: 'time-relayed-once',
    patches: [
      {
        within: LOOP,
        find: `Math.abs(atMs - partition.relayedAtMs) < RELAY_EVERY_MS`,
        replace: `RELAY_EVERY_MS > 0`,
      },
    ],
  },
  {
    name: 'change-untold',
    patches: [{ within: TRENDING, find: TOLD_WHEN, replace: `if (left || at.liveMs >= silentUntilMs)` }],
  },
  {
    name: 'leaver-untold',
    patches: [{ within: TRENDING, find: TOLD_WHEN, replace: `if (known.changed || at.liveMs >= silentUntilMs)` }],
  },
];
