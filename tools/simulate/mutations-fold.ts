import type { Mutation } from './mutations.ts';

const FOLD = 'services/concurrency';
const LIFECYCLE = 'shared/sessions';

/** Bugs in the rules of who may stream. */
export const MUTATIONS_FOLD: readonly Mutation[] = [
  {
    name: 'dedup-skipped',
    patches: [{ within: LIFECYCLE, find: `beat.sequence <= session.sequence`, replace: `beat.sequence < 0` }],
  },
  {
    name: 'policy-outside-log',
    patches: [
      {
        within: FOLD,
        find: `(event.type === 'PolicyActivated' ? activated(control, event.value) : control)`,
        replace: `(event.type === 'PolicyActivated' ? (newest = activated(control, event.value)) : control)`,
      },
      { within: FOLD, find: `  const { control } = at;`, replace: `  const control = newest ?? at.control;` },
      {
        within: FOLD,
        find: `type Here = At<Control>;`,
        replace: `type Here = At<Control>;\nlet newest: Control | undefined;`,
      },
    ],
  },
  {
    name: 'stopped-revived',
    patches: [
      {
        within: FOLD,
        find: `const mayComeBack = (session: Session): boolean =>`,
        replace: `const mayComeBack = (session: Session): boolean => session.status === 'stopped' ||`,
      },
    ],
  },
  {
    name: 'denied-replaces',
    patches: [
      {
        within: FOLD,
        find: `return refused({ reason: 'LIMIT_REACHED', rule, limit, observed });`,
        replace: `return {
      ...refused({ reason: 'LIMIT_REACHED', rule, limit, observed }),
      losers: [...losers].map(([session, lost]) => ({ session, ...lost })),
    };`,
      },
    ],
  },
  {
    name: 'silent-first-skipped',
    patches: [
      {
        within: FOLD,
        find: `const silent = others.filter((members) => members.every((s) => isLate(s, live)));`,
        replace: `const silent: Session[][] = [];`,
      },
    ],
  },
  {
    name: 'evictions-forgotten',
    patches: [{ within: FOLD, find: `REMEMBERED_MS = 10 * MINUTE_MS`, replace: `REMEMBERED_MS = 1` }],
  },
  {
    name: 'lease-from-arrival',
    patches: [
      {
        within: FOLD,
        find: `  const live = at.liveMs - beatAgeMs(beat);\n  const heard: Session`,
        replace: `  const live = at.liveMs;\n  const heard: Session`,
      },
    ],
  },
  {
    name: 'unknown-stamp-ignored',
    patches: [{ within: FOLD, find: `if (told === null || STATUS_TOLD[told] === 'gone') return`, replace: `return` }],
  },
  {
    name: 'evicts-newest',
    patches: [{ within: FOLD, find: `of oldest.slice(0, excess)`, replace: `of oldest.slice(-excess)` }],
  },
  {
    name: 'stop-ignored',
    patches: [
      { within: LIFECYCLE, find: `state === 'ended' || state === 'stopped' ||`, replace: `state === 'ended' ||` },
    ],
  },
  {
    name: 'flushed-beat-holds',
    patches: [{ within: LIFECYCLE, find: `beatAgeMs(beat) > lateMs`, replace: `false && lateMs > 0` }],
  },
  {
    name: 'limit-off-by-one',
    patches: [
      { within: FOLD, find: `let excess = others.length + 1 - limit;`, replace: `let excess = others.length - limit;` },
    ],
  },
  {
    name: 'pause-forgotten',
    patches: [
      {
        within: FOLD,
        find: `session.pausedSinceLiveMs !== null &&`,
        replace: `false && session.pausedSinceLiveMs !== null &&`,
      },
    ],
  },
];
