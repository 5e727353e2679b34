import type { Mutation } from './mutations.ts';

const LOOP = 'shared/runtime';
const STORE = 'shared/state';

const SEND = `  for (const { topic, to, records } of outgoing) yield* begin('send', () => log.send(topic, to, records));`;
const FENCE = `      if (nonce === null || owner.nonce !== nonce) return 'fenced';`;
const LOAD_OFFSET = `      if ((checkpoint?.offset ?? null) !== from) return 'rewound';`;
const COMMIT_OFFSET = `      const offset = checkpoint === null ? null : checkpoint.offset;`;
const REWOUND = `      if (offset !== from) return offset === to.offset && ownCommit ? 'already' : 'rewound';`;

/** Bugs in the loop, its clock and the store. */
export const MUTATIONS_RUNTIME: readonly Mutation[] = [
  {
    name: 'commit-before-outputs',
    patches: [
      { within: LOOP, find: SEND, replace: '' },
      { within: LOOP, find: `  partition.folded = to;\n`, replace: `  partition.folded = to;\n${SEND}\n` },
    ],
  },
  {
    name: 'group-before-outputs',
    patches: [
      {
        within: LOOP,
        find: SEND,
        replace: `  yield* step('commit-group', () => log.commitGroup(partition.number, offset));\n${SEND}`,
      },
    ],
  },
  {
    name: 'wall-clock-expiry',
    patches: [
      {
        within: LOOP,
        find: `if (appended !== null && !held) live += Math.min(Math.max(appendedAtMs - appended, 0), MAX_STEP_MS);`,
        replace: `live = appendedAtMs;`,
      },
    ],
  },
  {
    name: 'negative-step-counted',
    patches: [{ within: LOOP, find: `Math.max(appendedAtMs - appended, 0)`, replace: `(appendedAtMs - appended)` }],
  },
  {
    name: 'step-clamp-missing',
    patches: [
      {
        within: LOOP,
        find: `Math.min(Math.max(appendedAtMs - appended, 0), MAX_STEP_MS)`,
        replace: `Math.max(appendedAtMs - appended, 0)`,
      },
    ],
  },
  {
    name: 'calls-let-time-pass',
    patches: [{ within: LOOP, find: `if (!letsTimePass(event.type)) return liveMs(live);`, replace: '' }],
  },
  {
    name: 'shedding-ignored',
    patches: [
      { within: LOOP, find: `const held = shedding || appendedAtMs <= heldUntil;`, replace: `const held = false;` },
    ],
  },
  {
    name: 'shedding-hold-short',
    patches: [{ within: LOOP, find: `SHEDDING_HOLD_MS = HEARTBEAT_INTERVAL_MS + 2`, replace: `SHEDDING_HOLD_MS = 2` }],
  },
  {
    name: 'fence-ignored',
    patches: [
      { within: STORE, find: `${FENCE}\n${LOAD_OFFSET}`, replace: LOAD_OFFSET },
      { within: STORE, find: `${FENCE}\n${COMMIT_OFFSET}`, replace: COMMIT_OFFSET },
    ],
  },
  {
    name: 'rewind-unnoticed',
    patches: [
      { within: STORE, find: LOAD_OFFSET, replace: '' },
      { within: STORE, find: REWOUND, replace: '' },
    ],
  },
  {
    name: 'stale-rows-folded',
    patches: [{ within: STORE, find: `${FENCE}\n${LOAD_OFFSET}`, replace: '' }],
  },
  {
    name: 'timers-cut-unnoticed',
    patches: [{ within: LOOP, find: `(live) => live >= cutMs`, replace: `() => false` }],
  },
  {
    name: 'rows-kept-over-reopening',
    patches: [
      {
        within: LOOP,
        find: `Object.assign(partition, fresh);`,
        replace: `Object.assign(partition, fresh, { kept: partition.kept });`,
      },
    ],
  },
  { name: 'snapshot-lost', patches: [{ within: STORE, find: `        dirty.push(cell);`, replace: '' }] },
  {
    name: 'offset-gate-off-by-one',
    patches: [
      {
        within: LOOP,
        find: `if (record.offset < start) continue;`,
        replace: `if (record.offset <= start) continue;`,
      },
    ],
  },
  {
    name: 'random-output-ids',
    patches: [
      {
        within: LOOP,
        find: 'id: `${processor.name}:${cause}:${name}`',
        replace: 'id: `${processor.name}:${cause}:${Math.random()}`',
      },
    ],
  },
];
