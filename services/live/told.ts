import { decodeOutput, type DecodedOutput, UnknownSchemaId, UnreadableRecord } from '../../schemas/codec.ts';
import type { ContentType, StreamDecided, ViewEnded } from '../../schemas/generated/records.ts';
import type { LogRecord } from '../../shared/log/log.ts';

/** A decision as watchers see it. Nobody can be found by it: no id of an account, profile, device or session. */
export type ToldDecision = {
  readonly atMs: number;
  readonly outcome: StreamDecided['outcome'];
  readonly reason: string;
  /** What a rule that only observes would have decided. */
  readonly observed: boolean;
  /** The beginning of the account's key: enough to see that two lines are of one household. */
  readonly account: string;
  readonly contentId: string;
  readonly contentType: ContentType;
  readonly deviceType: string;
};

/** A revision of a view as watchers see it. */
export type ToldView = {
  readonly atMs: number;
  readonly revision: number;
  readonly status: ViewEnded['status'];
  readonly reason: ViewEnded['reason'];
  readonly watchedSeconds: number;
  readonly account: string;
  readonly contentId: string;
  readonly contentType: ContentType;
};

/** Of 43 characters of a keyed hash: 36 bits. */
const SHOWN_OF_KEY = 6;

/** What is in the records, in their order; those of a newer release, and broken ones, are left out. */
export const told = (
  records: readonly LogRecord[],
): { readonly decisions: readonly ToldDecision[]; readonly views: readonly ToldView[] } => {
  const decisions: ToldDecision[] = [];
  const views: ToldView[] = [];
  for (const { key, value } of records) {
    const output = decoded(value);
    const account = (key ?? '').slice(0, SHOWN_OF_KEY);
    if (output?.type === 'StreamDecided') decisions.push(toldDecision(output.value, account));
    if (output?.type === 'ViewEnded') views.push(toldView(output.value, account));
  }
  return { decisions, views };
};

const decoded = (bytes: Uint8Array | null): DecodedOutput | null => {
  try {
    return decodeOutput(bytes);
  } catch (error) {
    if (error instanceof UnreadableRecord || error instanceof UnknownSchemaId) return null;
    throw error;
  }
};

const toldDecision = (value: StreamDecided, account: string): ToldDecision => ({
  atMs: value.decidedAtMs,
  outcome: value.outcome,
  reason: value.reason,
  observed: value.observed,
  account,
  contentId: value.contentId,
  contentType: value.contentType,
  deviceType: value.deviceType,
});

const toldView = (value: ViewEnded, account: string): ToldView => ({
  atMs: value.revisedAtMs,
  revision: value.revision,
  status: value.status,
  reason: value.reason,
  watchedSeconds: Math.round(value.watchedMs / 1_000),
  account,
  contentId: value.contentId,
  contentType: value.contentType,
});
