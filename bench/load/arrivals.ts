import { openWires } from './closed.ts';
import { FIRST_SEQUENCE, type Job, type LoadResult } from './job.ts';
import { beatsRequest, FIRST_POSITION_MS, readRequest, setNumber, startRequest } from './requests.ts';
import type { Wire } from './wire.ts';

const WIRES = 64;
/** How often it is looked what is due; a request is late by half of it on average, which counts as the server's. */
const TURN_MS = 1;

/** Then it is seen again. */
const FILM_MS = 4_000_000;

type Stream = {
  readonly perSecond: number;
  readonly next: () => Buffer;
  readonly idle: Wire[];
  readonly waiting: number[];
  readonly tookMs: number[];
  dueMs: number;
};

/**
 * Requests of three kinds at random times of their own. A time is measured from when the request was due, and not from when
 * there was a connection for it: a server that stands still is charged for all who came meanwhile.
 */
export const arrivals = async (job: Extract<Job, { readonly kind: 'arrivals' }>): Promise<LoadResult> => {
  const wires = await openWires(job.port, 3 * WIRES);
  const statuses: Record<number, number> = {};
  let account = job.firstAccount;
  const beats = Array.from({ length: job.sessions }, (_, index) =>
    beatsRequest([index], Date.now(), job.tokens?.[index]),
  );
  const beatEveryMs = Math.round((1_000 * job.sessions) / job.beatsPerSecond);
  let sent = job.beatsBefore;
  // Of each session the next beat, in turn: its picture has moved on by as much as time has.
  const nextBeat = (): Buffer => {
    const turn = Math.floor(sent / job.sessions);
    const { bytes, sequencesAt, positionsAt } = beats[sent % job.sessions]!;
    sent += 1;
    for (const at of sequencesAt) setNumber(bytes, at, FIRST_SEQUENCE + turn);
    for (const at of positionsAt) setNumber(bytes, at, FIRST_POSITION_MS + ((turn * beatEveryMs) % FILM_MS));
    return bytes;
  };
  const stream = (perSecond: number, next: () => Buffer, idle: Wire[]): Stream => ({
    perSecond,
    next,
    idle,
    waiting: [],
    tookMs: [],
    dueMs: gapMs(perSecond),
  });
  const starts = stream(job.startsPerSecond, () => startRequest(account++, Date.now()), wires.slice(0, WIRES));
  const readRequests = job.readsPerSecond === 0 ? [] : Array.from({ length: job.sessions }, (_, n) => readRequest(n));
  let turn = 0;
  const nextRead = (): Buffer => readRequests[turn++ % job.sessions]!;
  const reads = stream(job.readsPerSecond, nextRead, wires.slice(2 * WIRES));
  const streams = [starts, stream(job.beatsPerSecond, nextBeat, wires.slice(WIRES, 2 * WIRES)), reads];

  const send = (one: Stream, wire: Wire, dueMs: number): void =>
    wire.send(one.next(), (status) => {
      one.tookMs.push(performance.now() - startedMs - dueMs);
      statuses[status] = (statuses[status] ?? 0) + 1;
      const longest = one.waiting.shift();
      if (longest === undefined) one.idle.push(wire);
      else send(one, wire, longest);
    });
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  for (let nowMs = 0; nowMs < job.ms; nowMs = performance.now() - startedMs) {
    for (const one of streams) {
      while (one.dueMs <= nowMs) {
        const wire = one.idle.pop();
        if (wire === undefined) one.waiting.push(one.dueMs);
        else send(one, wire, one.dueMs);
        one.dueMs += gapMs(one.perSecond);
      }
    }
    await after(TURN_MS);
  }
  const { user, system } = process.cpuUsage(cpu);
  await after(1_000);
  for (const wire of wires) wire.close();
  const [startsMs = [], beatsMs = [], readsMs = []] = streams.map((one) => one.tookMs);
  const requests = startsMs.length + beatsMs.length + readsMs.length;
  const busy = (user + system) / 1_000 / job.ms;
  return {
    requests,
    perSecond: (requests * 1_000) / job.ms,
    statuses,
    sequence: 0,
    busy,
    startsMs,
    beatsMs,
    readsMs,
  };
};

/** Between two callers who do not know each other. */
const gapMs = (perSecond: number): number => (-Math.log(1 - Math.random()) * 1_000) / perSecond;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
