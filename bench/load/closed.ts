import { FIRST_SEQUENCE, type Job, type LoadResult } from './job.ts';
import { beatsRequest, checkRequest, setNumber, startRequest } from './requests.ts';
import { openWire, type Wire } from './wire.ts';

type JobOf<Kind extends Job['kind']> = Extract<Job, { readonly kind: Kind }>;

export const openWires = (port: number, count: number): Promise<readonly Wire[]> =>
  Promise.all(Array.from({ length: count }, () => openWire(port)));

type Closed = {
  readonly port: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly ms: number;
  /** The next request of a connection; null: it has no more. */
  readonly next: (connection: number) => Buffer | null;
};

/** Each connection sends its next request when the one before is answered. */
const closedLoop = async ({ port, connections, warmupMs, ms, next }: Closed): Promise<Omit<LoadResult, 'sequence'>> => {
  const wires = await openWires(port, connections);
  const statuses: Record<number, number> = {};
  let counting = warmupMs === 0;
  let over = false;
  let requests = 0;
  let open = connections;
  const allDone = new Promise<void>((resolve) => {
    const sendNext = (wire: Wire, index: number): void => {
      const request = over ? null : next(index);
      if (request === null) {
        open -= 1;
        if (open === 0) resolve();
        return;
      }
      wire.send(request, (status) => {
        if (counting) {
          requests += 1;
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
        if (status === 0) over = true;
        sendNext(wire, index);
      });
    };
    wires.forEach(sendNext);
  });
  if (warmupMs > 0) await Promise.race([allDone, after(warmupMs)]);
  counting = true;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  if (ms === Number.POSITIVE_INFINITY) await allDone;
  else await Promise.race([allDone, after(ms)]);
  const tookMs = performance.now() - startedMs;
  counting = false;
  over = true;
  const { user, system } = process.cpuUsage(cpu);
  await Promise.race([allDone, after(5_000)]);
  for (const wire of wires) wire.close();
  return {
    requests,
    perSecond: (requests * 1_000) / tookMs,
    statuses,
    busy: (user + system) / 1_000 / tookMs,
    startsMs: [],
    beatsMs: [],
    readsMs: [],
  };
};

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const start = async ({ port, connections, sessions, tokens }: JobOf<'start'>): Promise<LoadResult> => {
  let started = 0;
  const next = (): Buffer | null => {
    if (started === sessions) return null;
    const account = started++;
    return startRequest(account, Date.now(), tokens?.[account]);
  };
  const result = await closedLoop({ port, connections, warmupMs: 0, ms: Number.POSITIVE_INFINITY, next });
  return { ...result, sequence: 0 };
};

/**
 * Each connection beats for sessions of its own, so that their beats arrive in order. A batch of more beats than it has
 * sessions holds several beats of one session, as a player sends them after a time offline.
 */
export const beat = async (job: JobOf<'beat'>): Promise<LoadResult> => {
  const { port, connections, sessions, batch, warmupMs, ms } = job;
  const prepared = Array.from({ length: connections }, (_, connection) => {
    const own: number[] = [];
    for (let account = connection % sessions; account < sessions; account += connections) own.push(account);
    if (batch === 1) return own.map((account) => beatsRequest([account], Date.now(), job.tokens?.[account]));
    return [
      beatsRequest(
        Array.from({ length: batch }, (_, i) => own[i % own.length]!),
        Date.now(),
      ),
    ];
  });
  const turns = prepared.map(() => 0);
  const sequences = prepared.map(() => Math.max(FIRST_SEQUENCE, job.firstSequence));
  const next = (connection: number): Buffer => {
    const requests = prepared[connection]!;
    const { bytes, sequencesAt } = requests[turns[connection]! % requests.length]!;
    turns[connection] = turns[connection]! + 1;
    for (const at of sequencesAt) {
      sequences[connection] = sequences[connection]! + 1;
      setNumber(bytes, at, sequences[connection]!);
    }
    return bytes;
  };
  const result = await closedLoop({ port, connections, warmupMs, ms, next });
  return { ...result, sequence: Math.max(...sequences) };
};

export const check = async ({ port, connections, sessions, warmupMs, ms }: JobOf<'check'>): Promise<LoadResult> => {
  const requests = Array.from({ length: sessions }, (_, account) => checkRequest(account));
  let turn = 0;
  const next = (): Buffer => requests[turn++ % sessions]!;
  return { ...(await closedLoop({ port, connections, warmupMs, ms, next })), sequence: 0 };
};
