/**
 * The spans in which the server may have held its time still: a node that refuses beats gives leases a rest (nobody may
 * expire because of an outage), so silence that falls into such a span proves nothing. Kept for ten minutes.
 */
export type Stalls = {
  add(fromMs: number, toMs: number): void;
  /** How much of the span was possibly without time. */
  within(fromMs: number, toMs: number): number;
};

const KEPT_MS = 600_000;

export function createStalls(): Stalls {
  let spans: { fromMs: number; toMs: number }[] = [];

  return {
    add(fromMs, toMs) {
      const merged = { fromMs, toMs };
      const apart = spans.filter((span) => {
        if (span.toMs < fromMs - KEPT_MS) return false;
        if (span.toMs < merged.fromMs || span.fromMs > merged.toMs) return true;
        merged.fromMs = Math.min(merged.fromMs, span.fromMs);
        merged.toMs = Math.max(merged.toMs, span.toMs);
        return false;
      });
      spans = [...apart, merged];
    },
    within(fromMs, toMs) {
      let sum = 0;
      for (const span of spans) sum += Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs));
      return sum;
    },
  };
}
