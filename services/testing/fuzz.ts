import fc from 'fast-check';
import type { Problem } from '../../schemas/generated/http.ts';
import type { Api } from './contract.ts';
import { type Response, sendHalf } from './http.ts';
import type { Known } from './known.ts';
import { type Generated, requestsOf } from './requests.ts';

export type FuzzReport = {
  readonly sent: number;
  /** Answers by status, of each operation. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** What was answered as it must not be, and to the smallest call that fast-check found. */
  readonly violations: readonly string[];
  /** Resident memory over time, by the service's own metrics. */
  readonly rss: readonly { readonly atMs: number; readonly bytes: number }[];
};

export type FuzzOptions = {
  readonly requests: number;
  readonly seed: number;
  /** Calls in flight; each stream of them is made from a seed of its own, and ends at its first violation. */
  readonly streams: number;
  /** Memory is looked at after each so many. */
  readonly sampleEvery: number;
  readonly onSample?: (sent: number, bytes: number) => void;
};

/** Calls of every operation: each answer is one that the document has, and none is a 5xx. */
export const runFuzz = async (api: Api, known: Known, options: FuzzOptions): Promise<FuzzReport> => {
  const { seed, streams, sampleEvery, onSample } = options;
  const answers = new Map<string, Map<number, number>>();
  const rss: { atMs: number; bytes: number }[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const sample = async (): Promise<void> => {
    const { text } = await api.admin({ path: '/metrics' });
    const bytes = Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
    rss.push({ atMs: performance.now() - startedMs, bytes });
    onSample?.(sent, bytes);
  };
  const one = fc.asyncProperty(requestsOf(api.document, known), async (request) => {
    sent += 1;
    if (sent % sampleEvery === 0) await sample();
    if (request.half) return sendHalf(api.url(), request);
    // The call itself holds the answer against the document.
    const response = await (request.admin ? api.admin(request) : api.call(request));
    const { status } = response;
    const counts = answers.get(request.operation) ?? new Map<number, number>();
    answers.set(request.operation, counts.set(status, (counts.get(status) ?? 0) + 1));
    if (status >= 500 && !isAskedFor(request, response)) throw new Error(`${status}: ${response.text}`);
  });

  await sample();
  const numRuns = Math.ceil(options.requests / streams);
  const runs = await Promise.all(Array.from({ length: streams }, (_, i) => fc.check(one, { seed: seed + i, numRuns })));
  await sample();
  const violations = runs.flatMap(({ failed, counterexample, errorInstance, numShrinks }) =>
    failed ? [`${reasonOf(errorInstance)}\n  for ${shown(counterexample)}\n  after ${numShrinks} smaller ones`] : [],
  );
  const health = await api.call({ path: '/healthz' });
  if (health.status !== 200) violations.push(`/healthz answers ${health.status} afterwards`);
  return { sent, answers, violations, rss };
};

/**
 * The 503s of an idle service that lacks nothing: who asks for what is not there yet is told to come back, and so is everybody
 * while state is made again that a call wanted anew.
 */
const isAskedFor = ({ path }: Generated, { json }: Response): boolean => {
  const { code } = json as Problem;
  return code === 'WARMING' || (path.includes('after=') && code === 'NOT_YET');
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const shown = (counterexample: readonly [Generated] | null): string => {
  if (counterexample === null) return 'no call: there are none to make';
  const [{ method, path, body, headers }] = counterexample;
  const bytes = body instanceof Uint8Array ? `base64:${Buffer.from(body).toString('base64')}` : String(body);
  return `${method} ${path} ${JSON.stringify(headers)} ${bytes.slice(0, 1_000)}`;
};

/** Operations that were never answered as asked, in none of the runs: nothing behind their refusals was tried. */
export const unanswered = ({ document }: Api, reports: readonly FuzzReport[]): readonly string[] =>
  Object.entries(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((operation) => {
      const statuses = reports.flatMap(({ answers }) => [...(answers.get(operation)?.keys() ?? [])]);
      return !statuses.some((status) => status < 300);
    });

/** Bytes per minute over the second half, by least squares: the first half is warm-up. */
export const slopePerMinute = (rss: FuzzReport['rss']): number => {
  const points = rss.slice(Math.floor(rss.length / 2));
  const meanAt = points.reduce((sum, p) => sum + p.atMs, 0) / points.length;
  const meanBytes = points.reduce((sum, p) => sum + p.bytes, 0) / points.length;
  const top = points.reduce((sum, p) => sum + (p.atMs - meanAt) * (p.bytes - meanBytes), 0);
  const bottom = points.reduce((sum, p) => sum + (p.atMs - meanAt) ** 2, 0);
  return bottom === 0 ? 0 : (top / bottom) * 60_000;
};
