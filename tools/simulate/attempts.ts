/** When each session's player spoke to ingest without a break, stored or refused: what T6 is judged by. */
export type Attempts = {
  /** A new beat got to ingest (or to where ingest should have been). */
  tried(sessionId: string, atMs: number, stored: boolean): void;
  /** It had been heard, and had tried ever since. */
  isSteady(sessionId: string, atMs: number): boolean;
};

/** A beat is due each 10 s; a longer gap is the player's own silence. */
const BREAK_MS = 12_000;

export const createAttempts = (): Attempts => {
  const spans = new Map<string, { readonly fromMs: number; toMs: number }[]>();
  return {
    tried: (sessionId, atMs, stored) => {
      const own = spans.get(sessionId) ?? [];
      spans.set(sessionId, own);
      const last = own.at(-1);
      if (last !== undefined && atMs - last.toMs <= BREAK_MS) last.toMs = atMs;
      else if (stored) own.push({ fromMs: atMs, toMs: atMs });
    },
    isSteady: (sessionId, atMs) =>
      (spans.get(sessionId) ?? []).some((s) => s.fromMs <= atMs && atMs - s.toMs <= BREAK_MS),
  };
};
