/** What happened last, kept cheaply: texts are made only when a seed has failed. */
export type Trace = { add(kind: string, ...facts: readonly unknown[]): void; lines(): readonly string[] };

const KEPT = 4_096;

export const createTrace = (now: () => number, kept: number = KEPT): Trace => {
  const ring: (readonly [number, string, readonly unknown[]])[] = [];
  let next = 0;
  return {
    add: (kind, ...facts) => {
      ring[next] = [now(), kind, facts];
      next = (next + 1) % kept;
    },
    lines: () => [...ring.slice(next), ...ring.slice(0, next)].map(line),
  };
};

const line = ([atMs, kind, facts]: readonly [number, string, readonly unknown[]]): string => {
  const text = facts.map((f) => (typeof f === 'object' ? JSON.stringify(f) : String(f))).join(' ');
  return `${clock(atMs)} ${kind.padEnd(8)} ${text}`;
};

const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 23);
