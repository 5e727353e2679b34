import type { Mutation } from './mutations.ts';

const LOOP = 'shared/runtime';
const TABLE = 'shared/table';
const RESUME = 'services/resume-position';
const VIEWS = 'services/view-end';

const WRITES = `  yield* writeToTable(parts, partition, folded.writes);
`;

/** Bugs in what is remembered: resume positions, views, and the table that both stand in. */
export const MUTATIONS_REMEMBERED: readonly Mutation[] = [
  {
    name: 'put-after-commit',
    patches: [
      { within: LOOP, find: WRITES, replace: '' },
      { within: LOOP, find: `  partition.folded = to;\n`, replace: `  partition.folded = to;\n${WRITES}` },
    ],
  },
  {
    name: 'put-forgotten',
    patches: [
      { within: RESUME, find: `if (isDue) effects.push({ put:`, replace: `if (isDue && isOld) effects.push({ put:` },
    ],
  },
  {
    name: 'older-row-wins',
    patches: [
      { within: TABLE, find: `stored === null || compareText(row.version, stored.version) > 0`, replace: `true` },
    ],
  },
  {
    name: 'read-through-ignored',
    patches: [{ within: LOOP, find: `if (needs.size === 0) return`, replace: `if (needs.size >= 0) return` }],
  },
  {
    name: 'replay-folded-into-newer-row',
    patches: [{ within: RESUME, find: `isReplayed ? entry.title : change`, replace: `change` }],
  },
  {
    name: 'repeat-moves-position',
    patches: [{ within: RESUME, find: `  isRepeat(viewing, beat) ||\n`, replace: '' }],
  },
  {
    name: 'view-begun-anew',
    patches: [{ within: VIEWS, find: `viewingIn(at) ?? newViewing(beat, at)`, replace: `newViewing(beat, at)` }],
  },
  {
    name: 'read-view-never-final',
    patches: [
      { within: VIEWS, find: `    finals,\n    changed: false,`, replace: `    finals: 0,\n    changed: false,` },
    ],
  },
  {
    name: 'read-view-counted-anew',
    patches: [
      {
        within: VIEWS,
        find: `tally: { ...tally, runs: tally.runs.map(unpackedRun) }`,
        replace: `tally: { ...tally, beats: 0, runs: tally.runs.map(unpackedRun) }`,
      },
    ],
  },
  {
    name: 'view-reopened-unsaid',
    patches: [
      {
        within: VIEWS,
        find: `corrected: v.finals > (v.status === 'final' ? 1 : 0)`,
        replace: `corrected: v.status === 'final' && v.finals > 1`,
      },
    ],
  },
  {
    name: 'second-final-unsaid',
    patches: [
      {
        within: VIEWS,
        find: `corrected: v.finals > (v.status === 'final' ? 1 : 0)`,
        replace: `corrected: v.status !== 'final' && v.finals > 0`,
      },
    ],
  },
  {
    name: 'revision-repeated',
    patches: [
      {
        within: VIEWS,
        find: `Math.max(revisionAt(at.position), before.revision + 1)`,
        replace: `revisionAt(at.position)`,
      },
    ],
  },
  {
    name: 'live-view-ended',
    patches: [{ within: VIEWS, find: `v.heardLiveMs + LEASE_MS`, replace: `v.heardLiveMs + 8_000` }],
  },
  {
    name: 'view-never-final',
    patches: [
      { within: VIEWS, find: `Math.max(silent + FINAL_AFTER_MS, settled)`, replace: `silent + 24 * FINAL_AFTER_MS` },
    ],
  },
];
