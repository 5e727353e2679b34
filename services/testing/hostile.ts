import fc from 'fast-check';
import { type Api, matchesPath } from './contract.ts';
import { requests, TARGETS } from './hostile-bodies.ts';
import { type Request, sendHalf } from './http.ts';

export type HostileReport = {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly violations: readonly string[];
  /** Resident memory over time, by the service's own metrics. */
  readonly rss: readonly { readonly atMs: number; readonly bytes: number }[];
};

export type HostileOptions = {
  readonly bodies: number;
  readonly seed: number;
  readonly concurrency: number;
  /** Memory is looked at after each so many bodies. */
  readonly sampleEvery: number;
  readonly onSample?: (sent: number, bytes: number) => void;
};

/** POST operations with a body that nobody attacks: a new route must be added to the targets. */
export const unattacked = ({ document }: Api): readonly string[] =>
  Object.entries(document.paths)
    .filter(([path, methods]) => methods['post']?.['requestBody'] !== undefined && !path.endsWith('/activate'))
    .map(([path]) => path)
    .filter((path) => !TARGETS.some((target) => matchesPath(path, target.path)));

/** Each so many bodies one is sent by half, and the connection is cut. */
const ABANDON_EVERY = 25;

export const runHostile = async (api: Api, options: HostileOptions): Promise<HostileReport> => {
  const { bodies, seed, concurrency, sampleEvery, onSample } = options;
  const statuses = new Map<number, number>();
  const violations: string[] = [];
  const rss: { atMs: number; bytes: number }[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const sample = async (): Promise<void> => {
    const { text } = await api.admin({ path: '/metrics' });
    const bytes = Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
    rss.push({ atMs: performance.now() - startedMs, bytes });
    onSample?.(sent, bytes);
  };

  await sample();
  const streams = TARGETS.map((target, i) => ({
    target,
    next: fc.sample(requests(target), { seed: seed + i, numRuns: Math.ceil(bodies / TARGETS.length) }),
  }));
  const waiting = streams.flatMap(({ target, next }) => next.map((request) => ({ target, request })));
  const shuffled = waiting.map((one, i) => ({ one, at: (i * 7_919) % waiting.length })).sort((a, b) => a.at - b.at);
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < shuffled.length) {
      const { target, request } = shuffled[at++]!.one;
      try {
        // The call itself holds the answer against the document: no undocumented status, no 5xx, no half problem.
        const { status } = await (target.admin ? api.admin(request) : api.call(request));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status >= 500) violations.push(`${status} for ${shown(request)}`);
      } catch (error) {
        violations.push(`${error instanceof Error ? error.message : String(error)} for ${shown(request)}`);
      }
      sent += 1;
      if (sent % ABANDON_EVERY === 0 && !target.admin) await sendHalf(api.url(), request);
      if (sent % sampleEvery === 0) await sample();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await sample();
  const health = await api.call({ path: '/healthz' });
  if (health.status !== 200) violations.push(`/healthz answers ${health.status} afterwards`);
  return { sent, statuses, violations, rss };
};

const shown = ({ path, body, headers }: Request): string =>
  `${path} ${JSON.stringify(headers).slice(0, 200)} ${String(body).slice(0, 500)}`;

/** Bytes per minute over the second half, by least squares: the first half is warm-up. */
export const slopePerMinute = (rss: HostileReport['rss']): number => {
  const points = rss.slice(Math.floor(rss.length / 2));
  const meanAt = points.reduce((sum, p) => sum + p.atMs, 0) / points.length;
  const meanBytes = points.reduce((sum, p) => sum + p.bytes, 0) / points.length;
  const top = points.reduce((sum, p) => sum + (p.atMs - meanAt) * (p.bytes - meanBytes), 0);
  const bottom = points.reduce((sum, p) => sum + (p.atMs - meanAt) ** 2, 0);
  return bottom === 0 ? 0 : (top / bottom) * 60_000;
};
