import { createHash } from 'node:crypto';
import type { View } from '../../schemas/generated/http.ts';
import type { ViewEnded } from '../../schemas/generated/records.ts';
import { OFFSETS, type Position } from '../../shared/log/position.ts';
import type { At, Effect } from '../../shared/runtime/processor.ts';
import { endingOf } from './ending.ts';
import type { TableRow } from '../../shared/table/table.ts';
import { type Household, isPartial, type Viewing } from './household.ts';
import { lengthOf } from './ranges.ts';
import { DIGITS, rowOf, viewIn } from './row.ts';
import { closed } from './tally.ts';

/** One record can cause three revisions of one view: two timers that it lets fire, and itself. */
const PER_RECORD = 4;

/**
 * Revisions follow from the position of their cause, not from how many there were: a fold that has lost all state, and starts
 * in the middle of a view, gives the same ones again and none that is lower than what it gave before.
 */
export const revisionAt = ({ generation, offset }: Position): number => generation * OFFSETS + offset * PER_RECORD;

/** By end, newest first; an open view by its newest beat. */
export const placeOf = ({ endedAtMs, sessionId }: { readonly endedAtMs: number; readonly sessionId: string }): string =>
  `${String(Math.max(0, endedAtMs)).padStart(DIGITS, '0')} ${sessionId}`;

export const viewIdOf = (accountKey: string, sessionId: string): string =>
  createHash('sha256').update(`${accountKey}\0${sessionId}`).digest('base64url');

/** The view as it stands, with its place in the list of views. */
export const viewOf = (accountKey: string, v: Viewing): { readonly view: View; readonly place: string } => {
  const tally = closed(v.tally);
  const run = tally.runs[0]!;
  const { first, last } = run;
  const { sums } = tally;
  const ending = endingOf(v, run);
  const open = v.status === 'open';
  const isVod = v.what.contentType === 'vod';
  const distinctMs = isVod ? lengthOf(tally.ranges) : null;
  const durationMs = tally.duration?.ms ?? null;
  const { sessionId } = v;
  const view: View = {
    viewId: viewIdOf(accountKey, sessionId),
    revision: v.revision,
    status: v.status,
    corrected: v.finals > (v.status === 'final' ? 1 : 0),
    partial: isPartial(v),
    sessionId,
    ...v.what,
    startedAtMs: first.atMs,
    endedAtMs: open ? null : ending.endedAtMs,
    reason: open ? null : ending.reason,
    confidence: open ? null : ending.confidence,
    exitBeforeStart: !tally.began,
    watchedMs: sums.watchedMs,
    distinctMs,
    completionPercent: distinctMs === null || !durationMs ? null : percent(distinctMs, durationMs),
    durationMs,
    furthestPositionMs: tally.furthestMs,
    lastPositionMs: last.positionMs,
    pauses: sums.pauses,
    seeks: sums.seeks,
    stalls: tally.stallCount ?? sums.stalls,
    stallMs: tally.stallMs,
    adBreaks: sums.adBreaks,
    adMs: sums.adMs,
    startupMs: tally.startup?.ms ?? null,
    meanBitrateKbps: sums.bitrateMs === 0 ? null : Math.round(sums.bitrateKbpsMs / sums.bitrateMs),
    beatsReceived: tally.beats,
    beatsMissed: last.sequence - first.sequence + 1 - tally.beats,
    lastDecision: last.told,
  };
  return { view, place: placeOf({ endedAtMs: open ? last.atMs : ending.endedAtMs, sessionId }) };
};

const percent = (part: number, whole: number): number => Math.min(100, Math.round((100 * part) / whole));

export type Revised = { readonly viewing: Viewing; readonly effects: readonly Effect[] };

/** The next revision of a view: a record, and a row where it is final. */
export const revised = (
  { tenant }: Household,
  before: Viewing,
  { status, at }: { readonly status: Viewing['status']; readonly at: At<undefined> },
): Revised => {
  const final = status === 'final';
  const viewing: Viewing = {
    ...before,
    status,
    revision: Math.max(revisionAt(at.position), before.revision + 1),
    finals: before.finals + (final ? 1 : 0),
    changed: false,
    finalLiveMs: final ? at.liveMs : before.finalLiveMs,
  };
  const placed = viewOf(at.key, viewing);
  const { view } = placed;
  const reason: ViewEnded['reason'] = view.reason === 'paused-out' ? 'paused_out' : view.reason;
  const value = { ...view, tenant, reason, revisedAtMs: at.appendedAtMs };
  const name = `${view.viewId}.${view.revision}`;
  const emit: Effect = { emit: 'view-ends.v1', key: at.key, record: { type: 'ViewEnded', value }, name };
  return { viewing, effects: final ? [emit, { put: rowOf(viewing, placed, at) }] : [emit] };
};

/** The row under another key, of which the id of its view is made. */
export const movedRow = (row: TableRow, key: string): TableRow => {
  const view = { ...viewIn(row), viewId: viewIdOf(key, row.id) };
  return { ...row, key, item: row.item['view'] === undefined ? view : { ...row.item, view } };
};
