import type { Policy } from '../../schemas/generated/http.ts';
import { createPrng, type Prng } from '../players/prng.ts';
import { createAttempts } from './attempts.ts';
import { createConsumer } from './consumer.ts';
import type { Consumer, ConsumerCount } from './consumer-parts.ts';
import { createDevice } from './device.ts';
import type { Device } from './device-parts.ts';
import type { Engine } from './engine.ts';
import { createIngest, type Ingest } from './ingest.ts';
import { createMirror } from './mirror.ts';
import { createOracle } from './oracle.ts';
import { randomPolicy } from './random-policy.ts';
import type { Follower } from './follower.ts';
import { rememberedOf } from './remembered.ts';
import { createSchedule, type Schedule } from './schedule.ts';
import { createSimLog, type SimLog } from './sim-log.ts';
import { createTrace } from './trace.ts';
import { type Invariant, Violation } from './violation.ts';

export type SeedResult = {
  readonly seed: number;
  readonly counts: Readonly<Record<SeedCount, number>>;
  readonly failure: Failure | null;
};
export type SeedCount = 'records' | ConsumerCount | 'claims' | 'denials' | 'evictions' | 'displaced' | 'recounts';
export type Failure = {
  readonly invariant: Invariant | 'error';
  readonly text: string;
  readonly trace: readonly string[];
};

export type SeedOptions = { readonly seed: number; readonly hours: number; readonly keepTrace?: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const KEY = 'home';

/** One household over a day, and all that goes wrong in it. The same seed does the same. */
export const runSeed = (engine: Engine, { seed, hours, keepTrace }: SeedOptions): SeedResult => {
  const rng = createPrng(Math.imul(seed, 0x9e3779b1) ^ 0x5f3759df);
  const schedule = createSchedule();
  const trace = createTrace(schedule.now, keepTrace);
  const log = createSimLog(engine, schedule.now);
  const attempts = createAttempts();
  const whenOf = (offset: number): number => realTimes[offset] ?? 0;
  const realTimes: number[] = [];
  const append = log.append;
  const timed: SimLog = {
    ...log,
    append: (key, event) => {
      realTimes.push(schedule.now());
      return append(key, event);
    },
  };
  const wasSteady = (sessionId: string, offset: number): boolean => attempts.isSteady(sessionId, whenOf(offset));
  const mirror = createMirror({
    engine,
    log: timed,
    key: KEY,
    newOracle: (from) => createOracle({ from, trace, wasSteady }),
  });
  // Some seeds are quiet, so that a plain bug is seen plainly.
  const faultRate = rng.pick([0, 0.002, 0.01, 0.05]);
  const parts = { engine, schedule, trace, key: KEY, log: timed, mirror };
  const store = { keptRows: rng.fork(6).pick([0, 1]), timersAtOnce: rng.fork(7).pick([0, Number.POSITIVE_INFINITY]) };
  const decides = { processor: engine.concurrency, partition: 0, keys: [KEY], table: undefined, judge: mirror };
  const consumer = createConsumer({ ...parts, ...decides, ...store, rng: rng.fork(1), faultRate, sent: new Set() });
  const claims = rng.chance(0.5) ? { 'plan.streams': rng.between(1, 3) } : {};
  const ingest = createIngest({ ...parts, rng: rng.fork(2), consumer, claims, eachSecond: rng.chance(0.2) });

  const other = rememberedOf({ ...parts, rng: rng.fork(8), faultRate, wasSteady });

  const result = (failure: Failure | null): SeedResult => ({
    seed,
    failure,
    counts: {
      ...{ records: log.end(), recounts: other.recounts(), ...mirror.counts },
      ...summed([consumer, ...other.followers.map((follower) => follower.consumer)]),
    },
  });
  try {
    policies(rng.fork(3), { schedule, ingest, consumer, log: timed, faulty: faultRate > 0 });
    household(rng.fork(4), { schedule, ingest, attempts });
    if (faultRate > 0) misfortunes(rng.fork(5), { schedule, ingest, consumer, log: timed });
    calls(rng.fork(9), { schedule, log: timed, ingest });
    if (faultRate > 0) other.followers.forEach((follower, n) => mishaps(rng.fork(10 + n), schedule, follower));
    ingest.tickLoop();
    while (schedule.next(hours * HOUR_MS));
    consumer.finish();
    other.finish();
    return result(null);
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'error';
    const text = error instanceof Violation ? error.message : error instanceof Error ? `${error.stack}` : String(error);
    return result({ invariant, text, trace: trace.lines() });
  }
};

const policies = (
  rng: Prng,
  { schedule, ingest, consumer, log, faulty }: Misfortunes & { readonly faulty: boolean },
): void => {
  let policy: Policy = randomPolicy(rng, 1);
  let mode: 'enforce' | 'observe' = 'enforce';
  let activatedAtMs = 0;
  const state = (): void =>
    ingest.policy({
      type: 'PolicyActivated',
      value: { version: policy.version, mode, policy: JSON.stringify(policy), activatedAtMs, by: 'admin' },
    });
  const restate = (): void => {
    state();
    schedule.after(5 * MINUTE_MS, restate);
  };
  const change = (): void => {
    if (rng.chance(0.3)) mode = mode === 'enforce' ? 'observe' : 'enforce';
    else policy = randomPolicy(rng, policy.version + 1);
    activatedAtMs = Math.max(activatedAtMs + 1, log.clock());
    state();
    // Records on both sides of a switch are often folded late, or again.
    if (faulty && rng.chance(0.4)) schedule.after(20_000, consumer.rewind);
    later();
  };
  const later = (): void =>
    schedule.after(rng.between(20, 240) * MINUTE_MS, () => {
      if (faulty && rng.chance(0.6)) consumer.pause(2 * MINUTE_MS);
      schedule.after(MINUTE_MS, change);
    });
  activatedAtMs = log.clock();
  schedule.after(rng.chance(0.9) ? 0 : MINUTE_MS, restate);
  later();
};

const household = (
  rng: Prng,
  world: { readonly schedule: Schedule; readonly ingest: Ingest; readonly attempts: ReturnType<typeof createAttempts> },
): void => {
  const devices: Device[] = [];
  const profiles = rng.between(1, 4);
  const busy = Array.from({ length: 3 }, () => rng.between(0, 22) * HOUR_MS);
  const isBusy = (): boolean =>
    busy.some((at) => (world.schedule.now() % (24 * HOUR_MS)) - at < HOUR_MS && world.schedule.now() >= at);
  const count = rng.between(2, 6);
  for (let n = 1; n <= count; n++) {
    const own = rng.fork(n);
    const idleMs = (): number => Math.round(-Math.log(1 - own.next()) * (isBusy() ? 2 * MINUTE_MS : 100 * MINUTE_MS));
    const deviceType = own.pick(['tv', 'phone', 'browser']);
    const stubborn = own.chance(0.1);
    devices.push(
      createDevice({ ...world, rng: own, id: `d${n}`, deviceType, profiles, stubborn, others: () => devices, idleMs }),
    );
  }
  for (const device of devices) device.begin();
};

type Misfortunes = {
  readonly schedule: Schedule;
  readonly ingest: Ingest;
  readonly consumer: Consumer;
  readonly log: SimLog;
};

/** At random times, so often on average. */
const oftenIn =
  (rng: Prng, schedule: Schedule) =>
  (everyMs: number, run: () => void): void =>
    schedule.after(Math.round(-Math.log(1 - rng.next()) * everyMs), () => {
      run();
      oftenIn(rng, schedule)(everyMs, run);
    });

const misfortunes = (rng: Prng, { schedule, ingest, consumer, log }: Misfortunes): void => {
  const often = oftenIn(rng, schedule);
  const checkpointMs = rng.pick([2_000, 10_000, MINUTE_MS, 10 * MINUTE_MS]);
  often(checkpointMs, consumer.checkpoint);
  often(40 * MINUTE_MS, () => consumer.crash({ memory: true }));
  often(90 * MINUTE_MS, () => consumer.crash({ memory: false }));
  often(60 * MINUTE_MS, consumer.rewind);
  often(90 * MINUTE_MS, () => consumer.pause(rng.pick([2_000, 20_000, MINUTE_MS, 10 * MINUTE_MS])));
  often(3 * HOUR_MS, consumer.forgetGroupOffset);
  often(90 * MINUTE_MS, () => {
    const kind = rng.pick(['down', 'log', 'shed'] as const);
    ingest.trouble(kind, kind === 'shed' ? MINUTE_MS : rng.pick([3_000, 20_000, MINUTE_MS, 5 * MINUTE_MS]));
  });
  often(4 * HOUR_MS, () => {
    log.setClockBack(rng.pick([0, 1_000, 30_000, 10 * MINUTE_MS]));
  });
  often(2 * HOUR_MS, () => log.trim(log.clock() - 25 * MINUTE_MS));
  if (rng.chance(0.4)) often(12 * HOUR_MS, consumer.wipe);
};

/** Of a processor that nobody waits for: it is away for long, and its store is wiped more often than any real one. */
const mishaps = (rng: Prng, schedule: Schedule, { consumer, mayLoseAll }: Follower): void => {
  const often = oftenIn(rng, schedule);
  often(rng.pick([10_000, MINUTE_MS, 10 * MINUTE_MS]), consumer.checkpoint);
  often(2 * HOUR_MS, () => consumer.crash({ memory: true }));
  often(4 * HOUR_MS, () => consumer.crash({ memory: false }));
  often(2 * HOUR_MS, consumer.rewind);
  // Not for as long as its window: who is behind by that much and loses all state folds again from less than it had folded.
  often(3 * HOUR_MS, () => consumer.pause(rng.pick([MINUTE_MS, 10 * MINUTE_MS])));
  often(4 * HOUR_MS, consumer.forgetGroupOffset);
  often(8 * HOUR_MS, () => {
    if (mayLoseAll()) consumer.wipe();
  });
};

/**
 * Somebody takes a title off the list, or wants back what stood there before; now and then the call comes twice. Who cannot watch
 * because ingest is down has time to tidy up.
 */
const calls = (rng: Prng, { schedule, log, ingest }: Pick<Misfortunes, 'schedule' | 'log' | 'ingest'>): void => {
  let requests = 0;
  const call = (): void => {
    const type = rng.pick(['ResumeHidden', 'ResumeUndone'] as const);
    const at = { receivedAtMs: log.clock(), occurredAtMs: log.clock() };
    const title = { profileId: `p${rng.between(1, 4)}`, contentId: `c${rng.between(1, 5)}` };
    const value = { requestId: `call-${(requests += 1)}`, tenant: 'home', ...title, ...at, source: 'api' };
    log.append(KEY, { type, value });
    if (rng.chance(0.3)) schedule.after(rng.pick([100, MINUTE_MS]), () => void log.append(KEY, { type, value }));
  };
  oftenIn(rng, schedule)(20 * MINUTE_MS, call);
  oftenIn(rng.fork(1), schedule)(5_000, () => {
    if (ingest.isDown()) call();
  });
};

const summed = (consumers: readonly Consumer[]): Consumer['counts'] => {
  const sum = { crashes: 0, rewinds: 0, fences: 0, wipes: 0, rebuilds: 0, repeats: 0, errors: 0 };
  for (const { counts } of consumers) for (const name of Object.keys(sum) as ConsumerCount[]) sum[name] += counts[name];
  return sum;
};
