import type { Partition, Parts } from '../../shared/runtime/partition.ts';
import { cutShort } from '../../shared/runtime/testing/cut-short.ts';
import type { Steps } from '../../shared/runtime/steps.ts';
import type { MemoryState } from '../../shared/state/memory-state.ts';
import type { Commit, CommitOutcome } from '../../shared/state/state.ts';
import type { Consumer, ConsumerParts } from './consumer-parts.ts';
import type { Trace } from './trace.ts';
import { Violation } from './violation.ts';

type Fault = { readonly kind: 'crash' | 'error' | 'zombie'; readonly step: number; readonly applied: boolean };
class Crash extends Error {}
export class Unavailable extends Error {}

export const createConsumer = <State, Control>(parts: ConsumerParts<State, Control>): Consumer => {
  const { engine, processor, partition, table, rng, schedule, log, judge, keys, keptRows, timersAtOnce } = parts;
  const { faultRate, sent } = parts;
  const counts = { crashes: 0, rewinds: 0, fences: 0, wipes: 0, rebuilds: 0, repeats: 0, errors: 0 };
  const { name } = processor;
  /** Load, send, commit and move the group; with a table read and put as well. */
  const lastStep = table === undefined ? 4 : 6;
  const trace: Trace = { ...parts.trace, add: (kind, ...facts) => parts.trace.add(kind, name, ...facts) };
  let backing = engine.createMapBacking(processor.shape);
  let nonces = 0;
  let newest = '';
  let memory = newMemory();
  let worker: Partition | null = null;
  let zombies: (() => void)[] = [];
  let groupOffset: number | null = null;
  let sentBelow = 0;
  let stillUntil = 0;
  let dueAt = Number.POSITIVE_INFINITY;
  let calm = false;

  function newMemory(nonce?: string): MemoryState {
    const made = (): string => {
      newest = nonce ?? `owner-${(nonces += 1)}`;
      nonce = undefined;
      return newest;
    };
    return engine.createMemoryState({ backingOf: (p, n) => backing.backingOf(p, n), nonce: made });
  }

  const commit = (request: Commit): CommitOutcome => {
    const fate = calm || request.owner.nonce !== newest ? 1 : rng.next();
    const rate = faultRate / 4;
    if (fate < rate) throw new Unavailable('commit did not get through');
    if (fate < 2 * rate) return 'unknown';
    if (fate < 3 * rate) rewind();
    const outcome = memory.commit(request);
    trace.add('commit', `${request.from} -> ${request.to.offset}`, outcome);
    if (outcome === 'committed') {
      if (request.owner.nonce !== newest) throw new Violation('fence', `${request.owner.nonce} after ${newest}`);
      check();
    } else if (outcome === 'rewound') counts.rewinds += 1;
    if (fate < 4 * rate) throw new Unavailable('the answer of a commit was lost');
    if (fate < 5 * rate) return 'unknown';
    return fate < 6 * rate ? memory.commit(request) : outcome;
  };

  const check = (): void => {
    judge.advance();
    const { checkpoint, rows } = memory.read(name, partition, keys);
    if (checkpoint !== null) judge.compare(checkpoint, rows);
  };

  const loop: Parts<State, Control> = {
    processor,
    ...(table === undefined ? {} : { table }),
    partitions: 1,
    keptRows,
    parks: true,
    onEvent: (event) => {
      if (event.kind === 'reopened') trace.add('reopen', event.outcome);
      if (event.kind !== 'rebuild') return;
      counts.rebuilds += 1;
      trace.add('rebuild', event.from, event.to, event.lost);
      judge.restart(event.from);
      sentBelow = Math.max(event.from, groupOffset ?? 0);
    },
    store: { open: (r) => memory.open(r), load: cutShort((r) => memory.load(r), timersAtOnce), commit },
    log: {
      bounds: () => ({ first: log.first(), end: log.end() }),
      rebuildFrom: () => log.offsetAt(log.clock() - processor.rebuildWindowMs),
      send: (_topic, _to, records) => {
        judge.advance();
        // What has no key is told to other folds, and is no output.
        for (const { key, value } of records) if (key !== null) checkSent(Buffer.from(value ?? []));
        parts.onSent?.(records);
      },
      commitGroup: (_partition, offset) => {
        for (const id of judge.outputsBetween(sentBelow, offset)) {
          if (!sent.has(id)) throw new Violation('T5 outputs', `group offset ${offset}, but ${id} was never sent`);
        }
        sentBelow = Math.max(sentBelow, offset);
        groupOffset = offset;
      },
    },
  };

  const checkSent = (bytes: Buffer): void => {
    const { value } = engine.decodeOutput(bytes);
    if (sent.has(value.id)) counts.repeats += 1;
    sent.add(value.id);
    const wanted = judge.output(value.id);
    if (wanted === undefined) {
      throw new Violation('T5 outputs', `${JSON.stringify(value)} was sent, and no fold without faults sends it`);
    }
    if (!wanted.equals(bytes)) {
      throw new Violation(
        'T5 outputs',
        `${JSON.stringify(value)}\n  was sent, not ${JSON.stringify(engine.decodeOutput(wanted).value)}`,
      );
    }
  };

  /** Answers each step at once, but for what the fault says. Those that begin beside a step that fails may get through. */
  const run = <T>(steps: Steps<T>, fault: Fault | null): T => {
    let answer: unknown;
    let failed: Error | null = null;
    for (let at = 0; ; at += 1) {
      const next = steps.next(answer);
      if (failed !== null && (next.done || !next.value.beside)) throw failed;
      if (next.done) return next.value;
      const { name: stepName, run: goThrough, beside } = next.value;
      const here = fault !== null && fault.step === at;
      if (here && fault.kind === 'zombie') {
        leaveBehind(steps, goThrough);
        throw new Crash('another owner');
      }
      if (here) failed = failing(fault, `${fault.applied ? 'after' : 'before'} ${stepName}`);
      if (!here || fault.applied) answer = goThrough();
      if (here && !beside) throw failed;
    }
  };
  const failing = ({ kind }: Fault, where: string): Error => {
    trace.add(kind, where);
    return kind === 'crash' ? new Crash(where) : new Unavailable(where);
  };

  /** This owner hangs in the middle of a batch, and goes on when another has the partition. */
  const leaveBehind = <T>(steps: Steps<T>, first: () => unknown): void => {
    trace.add('zombie', 'hangs');
    const goOn = (): void => {
      trace.add('zombie', 'goes on');
      try {
        for (let next = steps.next(first()); !next.done; next = steps.next(next.value.run()));
      } catch (error) {
        if (error instanceof engine.Fenced) counts.fences += 1;
        else if (!(error instanceof Unavailable)) throw error;
      }
    };
    zombies.push(goOn);
    schedule.after(rng.pick([1, 20, 1_000, 30_000]), () => {
      if (!zombies.includes(goOn)) return;
      zombies = zombies.filter((z) => z !== goOn);
      goOn();
    });
  };

  const faultOf = (kinds: readonly Fault['kind'][] = ['crash', 'error', 'zombie']): Fault | null =>
    !calm && rng.chance(faultRate)
      ? { kind: rng.pick(kinds), step: rng.between(0, lastStep), applied: rng.chance(0.5) }
      : null;

  const consume = (): void => {
    dueAt = Number.POSITIVE_INFINITY;
    const still = stillUntil - schedule.now();
    if (still > 0 && !calm) return wake(still);
    let idle = 0;
    try {
      worker ??= run(engine.openPartition(loop, partition, groupOffset), faultOf(['crash']));
      while (engine.nextOffset(worker) < log.end()) {
        const before = engine.nextOffset(worker);
        fold(worker, before);
        idle = engine.nextOffset(worker) > before ? 0 : idle + 1;
        if (idle > 40) throw new Violation('T6 progress', `at ${before} of ${log.end()}`);
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crash({ memory: error.message !== 'another owner' && rng.chance(0.5) });
      wake(rng.pick([0, 10, 1_000, 5_000]));
    }
  };

  const fold = (owned: Partition, next: number): void => {
    // A batch may start with what was delivered before, and end anywhere.
    const from = !calm && rng.chance(0.1) ? Math.max(log.first(), next - rng.between(1, 20)) : next;
    const size = calm || rng.chance(0.9) ? 10_000 : rng.between(1, 10);
    const to = Math.min(log.end(), next + size);
    const records = log.records.slice(from, to);
    const batch = { topic: processor.input, partition, from, to, records, end: log.end() };
    try {
      run(engine.foldBatch(loop, owned, batch), faultOf());
    } catch (error) {
      if (error instanceof engine.Fenced) {
        if (owned.owner.nonce === newest) throw new Violation('fence', 'the newest owner was fenced');
        // An opening of an older owner that got through late: the partition is given away again.
        throw new Crash('another owner');
      }
      if (!(error instanceof Unavailable)) throw error;
      counts.errors += 1;
      run(engine.reopen(loop, owned), null);
    }
  };

  const wake = (withinMs: number): void => {
    const at = schedule.now() + withinMs;
    if (at >= dueAt) return;
    dueAt = at;
    schedule.after(withinMs, () => {
      if (dueAt === at) consume();
    });
  };

  const checkpoint = (): void => {
    for (const state of memory.partitions()) {
      const snapshot = state.snapshot();
      if (snapshot === null) continue;
      const of = memory;
      const fate = calm ? 1 : rng.next();
      // While it is on its way to the disk, commits go on.
      schedule.after(rng.between(1, 400), () => {
        if (of !== memory) return;
        if (fate < 0.1) return state.snapshotFailed(snapshot);
        backing.store(snapshot);
        state.snapshotStored(snapshot);
      });
    }
  };

  const crash = (lose: { readonly memory: boolean }): void => {
    counts.crashes += 1;
    trace.add('crash', lose);
    worker = null;
    if (lose.memory) memory = newMemory();
  };

  const rewind = (): void => {
    trace.add('rewind');
    const nonce = newest;
    memory = newMemory(nonce);
    // The store knows its owner still.
    memory.open({ processor: name, partition, discard: false });
  };

  return {
    wake,
    pause: (ms) => {
      stillUntil = Math.max(stillUntil, schedule.now() + ms);
      trace.add('pause', ms);
    },
    checkpoint,
    crash: (lose) => {
      crash(lose);
      wake(rng.between(0, 5_000));
    },
    rewind,
    wipe: () => {
      counts.wipes += 1;
      trace.add('wipe');
      backing = engine.createMapBacking(processor.shape);
      memory = newMemory();
      worker = null;
      zombies = [];
      wake(rng.between(0, 5_000));
    },
    forgetGroupOffset: () => {
      groupOffset = null;
    },
    finish: () => {
      calm = true;
      const left = zombies;
      zombies = [];
      for (const goOn of left) goOn();
      consume();
      check();
    },
    read: (of) => memory.read(name, partition, of),
    counts,
  };
};
