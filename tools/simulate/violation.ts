/** What the simulator holds the engine to. */
export const INVARIANTS = {
  'T1 limit': 'never more admitted than the limit',
  'T1 refused': 'no claim is refused while the limit is not reached',
  'T1 order': 'who loses a slot is who should: silent first, then by rule, and only by an admission',
  'T1 claims': 'each claim is judged once, and nothing else is',
  'T2 lease': 'a slot is free when its lease is over, and not before',
  'T2 newcomer': 'a newcomer gets the slot of a late session',
  'T2 stop': 'a stop frees the slot at once',
  'T3 audience': 'each window of an audience has who watched in it, each account once, as a recount of the beats says',
  'T3 told': 'a change of an audience is told within 5 s, and each audience every 5 minutes',
  'T5 state': 'the store holds what an uninterrupted fold of the same records holds',
  'T5 outputs': 'outputs by id are those of the uninterrupted fold: none missing, none other',
  'T5 answers': 'the log replayed gives the decisions that were answered',
  'T5 rows': 'the durable table holds the newest of each row, soon after it changed',
  'T5 points': 'a resume position is what its newest session said last',
  'T6 expiry': 'nobody who beats, or tries to, expires',
  'T6 progress': 'the loop gets to the end of the log',
  'T7 once': 'one value for each view and revision, and one final one, unless it is a correction',
  'T7 live': 'no view ends while its player beats, or tries to',
  'T7 views': 'each view that ended long ago is final',
  'T7 whole': 'a view has each beat of its session once, and is partial only where its beginning was never heard',
  fence: 'an owner that was replaced commits nothing',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export class Violation extends Error {
  readonly invariant: Invariant;
  constructor(invariant: Invariant, detail: string) {
    super(`${invariant} (${INVARIANTS[invariant]}): ${detail}`);
    this.invariant = invariant;
  }
}
