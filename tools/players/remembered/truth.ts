import type { Content } from '../household.ts';

/**
 * What was true of one session: all that its player said and was answered. Times are whole milliseconds of the run's
 * clock, so that each fits into a word: ten minutes of 2,000 households are 160,000 of these with twice as many beats.
 */
export type Viewing = {
  readonly sessionId: string;
  readonly deviceId: string;
  readonly profileId: string;
  readonly content: Content;
  readonly limitsOnly: boolean;
  readonly beats: Said[];
  stopSentMs: number;
  stopAckedMs: number;
};

export type Said = {
  readonly sequence: number;
  readonly state: string;
  readonly positionMs: number | null;
  readonly sentMs: number;
  /** By the server's stamp it happened within these; `toMs` is `NEVER` before any attempt has an end. */
  fromMs: number;
  toMs: number;
  ackedMs: number;
  ageMs: number;
  /** The reason in the reply. */
  told: string;
  /** Something else was sent under its number before it was answered: which of the two counts is open. */
  blurred: boolean;
};

/** Everything that the households of one account were told. */
export type Account = {
  readonly accountId: string;
  readonly viewings: Viewing[];
};

export type Span = { readonly fromMs: number; readonly toMs: number };

export const NEVER = -1;
/** A call that the player gave up may be done so much later. */
const STRAGGLER_MS = 5_000;
/** A player says no age below this: a second more or less is the network's. */
export const LEAST_AGE_MS = 1_000;

export const newViewing = (of: Pick<Viewing, 'sessionId' | 'deviceId' | 'profileId' | 'content' | 'limitsOnly'>) => ({
  sessionId: of.sessionId,
  deviceId: of.deviceId,
  profileId: of.profileId,
  content: of.content,
  limitsOnly: of.limitsOnly,
  beats: [] as Said[],
  stopSentMs: NEVER,
  stopAckedMs: NEVER,
});

export type Saying = Pick<Said, 'sequence' | 'state' | 'positionMs'> & {
  readonly ageMs: number;
  /** False for a repeat, or an old number that comes late. */
  readonly fresh: boolean;
};

const writtenAge = (ageMs: number): number => (ageMs < LEAST_AGE_MS ? 0 : Math.round(ageMs));
const find = ({ beats }: Viewing, sequence: number): Said | undefined =>
  beats.findLast((said) => said.sequence === sequence);

export function noteSent(viewing: Viewing, { sequence, state, positionMs, ageMs, fresh }: Saying, atMs: number): void {
  const known = find(viewing, sequence);
  const sentMs = Math.floor(atMs);
  const fromMs = sentMs - writtenAge(ageMs);
  if (known === undefined) {
    const ages = { fromMs, toMs: NEVER, ackedMs: NEVER, ageMs: writtenAge(ageMs), told: '', blurred: !fresh };
    const placeMs = viewing.content.type === 'live' || positionMs === null ? null : Math.round(positionMs);
    viewing.beats.push({ sequence, state, positionMs: placeMs, sentMs, ...ages });
  } else if (known.ackedMs === NEVER) {
    known.fromMs = Math.min(known.fromMs, fromMs);
    known.ageMs = Math.max(known.ageMs, writtenAge(ageMs));
    if (!fresh) known.blurred = true;
  }
}

type Answered = Pick<Saying, 'sequence' | 'ageMs' | 'fresh'> & { readonly told: string };

export function noteAcked(viewing: Viewing, { sequence, ageMs, fresh, told }: Answered, atMs: number): void {
  const known = find(viewing, sequence);
  if (known === undefined || known.ackedMs !== NEVER || !fresh) return;
  known.ackedMs = Math.ceil(atMs);
  known.toMs = Math.max(known.toMs, known.ackedMs - writtenAge(ageMs));
  known.told = told;
}

export function noteLost(
  viewing: Viewing,
  { sequence, ageMs }: Pick<Saying, 'sequence' | 'ageMs'>,
  atMs: number,
): void {
  const known = find(viewing, sequence);
  if (known === undefined || known.ackedMs !== NEVER) return;
  known.toMs = Math.max(known.toMs, Math.ceil(atMs) + STRAGGLER_MS - writtenAge(ageMs));
}

export function noteStopSent(viewing: Viewing, atMs: number): void {
  if (viewing.stopSentMs === NEVER) viewing.stopSentMs = Math.floor(atMs);
}

export function noteStopAcked(viewing: Viewing, atMs: number): void {
  if (viewing.stopAckedMs === NEVER) viewing.stopAckedMs = Math.ceil(atMs);
}

/** What of a viewing a server must know that is asked within the span, and what it may know. Both by sequence. */
export type Heard = {
  readonly sure: readonly Said[];
  readonly all: readonly Said[];
};

export function heardBy({ beats }: Viewing, at: Span): Heard {
  const all = beats.filter(({ sentMs }) => sentMs <= at.toMs).sort((a, b) => a.sequence - b.sequence);
  return { all, sure: all.filter((said) => isSure(said, at)) };
}

export const isSure = ({ ackedMs, blurred }: Said, at: Span): boolean =>
  ackedMs !== NEVER && ackedMs <= at.fromMs && !blurred;

/** The highest sure beat, and those above it that may have come as well. */
export function newest({ sure, all }: Heard): readonly Said[] {
  const top = sure.at(-1);
  return top === undefined ? all : [top, ...all.filter(({ sequence }) => sequence > top.sequence)];
}

/** Time between two beats, by the server's stamps. */
export const apart = (a: Said, b: Said, at: Span): { readonly leastMs: number; readonly mostMs: number } => ({
  leastMs: Math.max(0, b.fromMs - (a.toMs === NEVER ? at.toMs : a.toMs)),
  mostMs: Math.max(0, (b.toMs === NEVER ? at.toMs : b.toMs) - a.fromMs),
});

export const LAST_STATES: readonly string[] = ['ended', 'stopped', 'failed'];
export const DENIALS: readonly string[] = ['LIMIT_REACHED', 'SESSION_CAP'];
