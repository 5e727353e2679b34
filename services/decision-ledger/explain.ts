import type { KeptDecision } from '../../schemas/generated/http.ts';
import { DAY_MS } from '../../schemas/time.ts';
import { type Position, parsePosition } from '../../shared/log/position.ts';
import type { Kept } from './row.ts';
import { newestFirst, type Placed, type Rows } from './view.ts';

type Explanation = NonNullable<KeptDecision['explanation']>;

/** What the fold makes of the log when it reads it again. */
export type Replayed = {
  /** The first record that was read. */
  readonly from: Position;
  /** Whether the log still had all that was asked for. */
  readonly whole: boolean;
  readonly decisions: readonly ReplayedDecision[];
};
export type ReplayedDecision = {
  readonly cause: string;
  readonly decided: Readonly<Record<Compared, Kept[Compared]>>;
  readonly heldBy: readonly Explanation['heldBy'][number][];
  readonly beats: readonly Explanation['beats'][number][];
};

export type ReplayAsked = {
  readonly key: string;
  /** The account has to be known from here on. */
  readonly sinceMs: number;
  /** The last record to be read. */
  readonly until: Position;
};
/** Null where there is too much to read. */
export type ReplayAccount = (asked: ReplayAsked) => Promise<Replayed | null>;

/** What has to be the same; the rest of a row is the session's. */
const COMPARED = [
  ...(['sessionId', 'outcome', 'reason', 'rule', 'policyVersion', 'limit'] as const),
  ...(['observed', 'returned', 'bySessionId', 'holders'] as const),
];
type Compared = (typeof COMPARED)[number];

/** The decisions, newest first, each with how it came about. */
export const explained = async (
  table: Rows,
  key: string,
  { decisions, replay }: { readonly decisions: readonly Placed[]; readonly replay: ReplayAccount },
): Promise<readonly KeptDecision[]> => {
  const folded = decisions.filter(({ kept }) => !isFailMode(kept));
  const [newest, oldest] = [folded[0], folded.at(-1)];
  const until = newest === undefined ? null : parsePosition(newest.kept.position);
  const replayed =
    until === null || oldest === undefined
      ? null
      : await replay({ key, sinceMs: await heldNothingBefore(table, key, oldest), until });
  return decisions.map(({ kept }) => ({ ...kept, explanation: explanationOf(kept, replayed) }));
};

/** The answer of ingest in the fold's stead. */
export const isFailMode = ({ reason, outcome }: Pick<Kept, 'reason' | 'outcome'>): boolean =>
  reason === 'SERVICE_DEGRADED' && outcome !== 'stopped';

/**
 * When the account held its first slot of those that it held at this decision: before that its past decides nothing, but for
 * what is remembered of it. The log holds a day; further back there is nothing to replay.
 */
const heldNothingBefore = async (table: Rows, key: string, { place, kept }: Placed): Promise<number> => {
  let sinceMs = kept.decidedAtMs;
  for await (const older of newestFirst(table, key, place)) {
    if (isFailMode(older.kept)) continue;
    if (older.kept.holders === 0 || older.kept.decidedAtMs < kept.decidedAtMs - DAY_MS) break;
    sinceMs = older.kept.decidedAtMs;
  }
  return sinceMs;
};

const explanationOf = (kept: Kept, replayed: Replayed | null): Explanation => {
  if (isFailMode(kept)) return bare('fail-mode');
  if (replayed === null) return bare('not-finished');
  const at = parsePosition(kept.position);
  const { from } = replayed;
  if (at === null || at.generation !== from.generation || at.offset < from.offset) return bare('beats-expired');
  const caused = replayed.decisions.filter(({ cause }) => cause === kept.position);
  const same = caused.find(({ decided }) => COMPARED.every((field) => decided[field] === kept[field]));
  // Without all of the past another decision may follow: that says nothing against this one.
  if (same === undefined && !replayed.whole) return bare('beats-expired');
  const shown = same ?? caused[0];
  if (shown === undefined) return bare('differs');
  return { replay: same === undefined ? 'differs' : 'agrees', heldBy: [...shown.heldBy], beats: [...shown.beats] };
};

const bare = (replay: Explanation['replay']): Explanation => ({ replay, heldBy: [], beats: [] });
