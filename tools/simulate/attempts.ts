/** When each session's player spoke to ingest without a break, stored or refused: what T6 is judged by. */
export type Attempts = {
  /** A beat got to ingest (or to where ingest should have been); one that was overtaken on its way says nothing. */
  tried(beat: { readonly sessionId: string; readonly sequence: number }, atMs: number, stored: boolean): void;
  /** It had been heard before, and had tried ever since. */
  isSteady(sessionId: string, atMs: number): boolean;
};

/** A beat is due each 10 s; a longer gap is the player's own silence. */
const BREAK_MS = 12_000;

type Tried = { sequence: number; readonly spans: { readonly fromMs: number; toMs: number }[] };

export const createAttempts = (): Attempts => {
  const players = new Map<string, Tried>();
  return {
    tried: ({ sessionId, sequence }, atMs, stored) => {
      const player = players.get(sessionId) ?? { sequence: -1, spans: [] };
      players.set(sessionId, player);
      if (sequence < player.sequence) return;
      player.sequence = sequence;
      const last = player.spans.at(-1);
      if (last !== undefined && atMs - last.toMs <= BREAK_MS) last.toMs = atMs;
      else if (stored) player.spans.push({ fromMs: atMs, toMs: atMs });
    },
    isSteady: (sessionId, atMs) =>
      (players.get(sessionId)?.spans ?? []).some((s) => s.fromMs < atMs && atMs - s.toMs <= BREAK_MS),
  };
};
