import type { Household } from '../../services/resume-position/resume.ts';
import type { Title } from '../../services/resume-position/title.ts';
import { nameOf, type TableRow } from '../../shared/table/table.ts';
import type { Engine } from './engine.ts';
import { createOracleClock } from './oracle-clock.ts';
import type { Fold } from './follower.ts';
import type { SimRecord } from './sim-log.ts';
import type { FoldedOne } from './uninterrupted.ts';
import { type Invariant, Violation } from './violation.ts';

/** So long after a change at the latest it is in the table. */
const PUT_WITHIN_MS = 300_000;

export const pointsFold = (engine: Engine, key: string): Fold => {
  const clock = createOracleClock();
  /** What each beat said when it was first heard. */
  const said = new Map<string, number | null>();
  const titles = new Map<string, Title>();
  /** Titles are values: those of before need no second look. */
  const judgedOnes = new WeakSet<Title>();
  /** Live time of the oldest change that is not in the table. */
  const unput = new Map<string, number>();
  let offset = 0;

  const rowName = (title: Title): string => nameOf(engine.rowKey(key, title));
  const isIn = (stored: TableRow | undefined, { changes }: Title): boolean =>
    stored !== undefined && engine.titleIn(stored).changes === changes;
  const fail = (invariant: Invariant, detail: string): never => {
    throw new Violation(invariant, `offset ${offset}: ${detail}`);
  };

  const heard = ({ event }: SimRecord): void => {
    const beat = event.type === 'Heartbeat' ? event.value : event.type === 'SessionStarted' ? event.value.beat : null;
    if (beat === null) return;
    const name = `${beat.sessionId} ${beat.sequence}`;
    if (!said.has(name)) said.set(name, beat.positionMs);
  };

  /** Of two neighbours in the life of a title. */
  const moved = (before: Title | undefined, { now, contentId }: Title, { event }: SimRecord): void => {
    if (now === null || event.type === 'ResumeUndone') return;
    const what = `${contentId} of ${now.sessionId} ${now.sequence} at ${now.positionMs}`;
    const positionMs = said.get(`${now.sessionId} ${now.sequence}`);
    if (positionMs !== now.positionMs) fail('T5 points', `${what}, which said ${positionMs}`);
    if (before === undefined) return;
    const { now: was, top } = before;
    if (was?.sessionId === now.sessionId && now.sequence < was.sequence)
      fail('T5 points', `${what} after ${was.sequence}`);
    if (was !== null && was.sessionId !== now.sessionId && now.firstMs < top.firstMs)
      fail('T5 points', `${what}, which is older than ${top.sessionId}`);
  };

  const forget = (left: ReadonlySet<string>): void => {
    for (const name of titles.keys()) {
      if (left.has(name)) continue;
      titles.delete(name);
      unput.delete(name);
    }
  };

  const judged = (folded: FoldedOne, table: ReadonlyMap<string, TableRow>): void => {
    const { record, rows, changed, puts } = folded;
    offset = record.offset;
    const live = clock.step(record.appendedAtMs, record.event);
    heard(record);
    for (const put of puts) unput.delete(nameOf(put));
    if (changed) {
      const entries = (rows.get(key)?.state as Household | undefined)?.entries ?? [];
      for (const { title } of entries) {
        if (judgedOnes.has(title)) continue;
        judgedOnes.add(title);
        const name = rowName(title);
        moved(titles.get(name), title, record);
        titles.set(name, title);
        if (!isIn(table.get(name), title) && !unput.has(name)) unput.set(name, live);
      }
      if (entries.length < titles.size) forget(new Set(entries.map(({ title }) => rowName(title))));
    }
    for (const [name, sinceMs] of unput) {
      if (live - sinceMs >= PUT_WITHIN_MS) fail('T5 rows', `${name} changed ${live - sinceMs} ms ago, and was not put`);
    }
  };

  return {
    processor: engine.resumePosition,
    countsAgain: ['changes', 'version'],
    rebuildsFromTable: true,
    // Where a title goes on, wherever it stands: what was read from the table stays in the state for other times.
    essence: ([row], table) => {
      const all = new Map(table.map((stored) => [nameOf(stored), engine.titleIn(stored)] as const));
      for (const { title } of (row?.state as Household | undefined)?.entries ?? []) all.set(rowName(title), title);
      return [...all].sort(([a], [b]) => (a < b ? -1 : 1));
    },
    judged,
    ended: () => undefined,
  };
};
