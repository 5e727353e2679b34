import { decode, decodeOutput } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type { Decision } from '../../schemas/generated/http.ts';
import type { StreamDecided } from '../../schemas/generated/records.ts';
import { epochMs } from '../../schemas/time.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import { openKafkaLog } from '../../shared/log/kafka-log.ts';
import type { Log, LogRecord } from '../../shared/log/log.ts';
import { parsePosition } from '../../shared/log/position.ts';
import { readAll } from '../../shared/log/testing/member.ts';
import { testDriver } from '../../shared/runtime/test-driver.ts';
import type { Account, Control } from '../concurrency/account.ts';
import { concurrency } from '../concurrency/concurrency.ts';
import { accountReader, decisionOf } from '../concurrency/view.ts';
import type { Ledger } from './load.ts';

/** What the log that survived says of what was answered. Everything in `violations` is a broken promise. */
export type Truth = {
  readonly violations: readonly string[];
  readonly records: number;
  readonly beats: number;
  /** Beats that lie in the log more than once, since they were sent again. */
  readonly repeats: number;
  readonly outputs: number;
  readonly decisionsChecked: number;
};

const SHOWN = 20;

export type TruthOptions = {
  readonly partitions: number;
  /**
   * Where folds without stored state began, by partition: after the loss of all state what was answered is what a fold from
   * there says. Left out: only at the beginning.
   */
  readonly rebuiltFrom?: ReadonlyMap<number, readonly number[]>;
  /** To which offset each partition is known to be folded: what is behind may not have been sent yet. Left out: all of it. */
  readonly folded?: readonly number[];
};

/** Reads the log of a folder whose service has ended. */
export const truthIn = async (folder: string, ledger: Ledger, options: TruthOptions): Promise<Truth> => {
  const { partitions } = options;
  const log = await openEmbeddedLog({ folder, partitions, clock: () => epochMs(Date.now()) });
  try {
    return await truthOf(log, ledger, options);
  } finally {
    await log.close();
  }
};

/** Reads the log of services that were started with this environment, which may go on. */
export const truthOn = async (
  env: Readonly<Record<string, string>>,
  ledger: Ledger,
  more: Omit<TruthOptions, 'partitions'>,
): Promise<Truth> => {
  const partitions = Number(env['PARTITIONS']);
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',');
  const log = await openKafkaLog({ brokers, clientId: 'truth', partitions, prefix: env['KAFKA_PREFIX'] ?? '' });
  try {
    return await truthOf(log, ledger, { partitions, ...more });
  } finally {
    await log.close();
  }
};

/** Holds what was answered against the log, and folds that again with the fold of the service. */
const truthOf = async (
  log: Log,
  ledger: Ledger,
  { partitions, rebuiltFrom = new Map(), folded = [] }: TruthOptions,
): Promise<Truth> => {
  const violations: string[] = [];
  const found = { records: 0, beats: 0, repeats: 0, outputs: 0, decisionsChecked: 0 };
  // In this order: what caused an output lies in the log before it.
  const output = await Promise.all(range(partitions).map((p) => readAll(log, p, 'stream-decisions.v1')));
  const input = await Promise.all(range(partitions).map((p) => readAll(log, p)));
  const events = input.map((records) => records.map((record) => decode(record.value)));
  violations.push(...lost(ledger, events));
  const counted = repeats(ledger, events);
  violations.push(...counted.violations);
  found.beats = counted.beats;
  found.repeats = counted.repeats;
  found.records = input.reduce((sum, records) => sum + records.length, 0);

  const sent = new Map<string, StreamDecided>();
  for (const { value } of output.flat()) {
    const decoded = decodeOutput(value);
    // What the fail mode answered, ingest tells: no fold says it again.
    if (decoded.type !== 'StreamDecided' || decoded.value.id.startsWith('ingest:')) continue;
    const before = sent.get(decoded.value.id);
    if (before !== undefined && !same(before, decoded.value)) violations.push(`two outputs are ${decoded.value.id}`);
    sent.set(decoded.value.id, decoded.value);
  }
  found.outputs = sent.size;
  const replayed = range(partitions).map((p) => {
    const starts = [...new Set([0, ...(rebuiltFrom.get(p) ?? [])])].sort((a, b) => a - b);
    return replay({ partition: p, records: input[p]!, events: events[p]!, starts }, ledger.decisions);
  });
  found.decisionsChecked = replayed.reduce((sum, r) => sum + r.checked, 0);
  violations.push(...replayed.flatMap((r) => r.violations));
  violations.push(
    ...unlike(
      sent,
      replayed.map((r) => r.folds),
      folded,
    ),
  );
  const more = violations.length - SHOWN;
  return { ...found, violations: more > 0 ? [...violations.slice(0, SHOWN), `and ${more} more`] : violations };
};

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What was acknowledged and does not lie where the answer said. */
const lost = ({ acknowledged }: Ledger, events: readonly (readonly LogEvent[])[]): readonly string[] =>
  acknowledged.flatMap(({ kind, position, sessionId, sequence }) => {
    const at = parsePosition(position);
    const event = at === null ? undefined : events[at.partition]?.[at.offset];
    const there =
      kind === 'beat'
        ? event?.type === 'Heartbeat' && event.value.sessionId === sessionId && event.value.sequence === sequence
        : event?.type === 'SessionStopRequested' && event.value.sessionId === sessionId;
    return there ? [] : [`lost: ${kind} ${sessionId}/${sequence} was acknowledged at ${position}`];
  });

/** A beat that was sent once lies in the log at most once; sent again, no more often than it was sent. */
const repeats = (ledger: Ledger, events: readonly (readonly LogEvent[])[]) => {
  const times = new Map<string, number>();
  for (const event of events.flat()) {
    if (event.type !== 'Heartbeat') continue;
    const id = `${event.value.sessionId}/${event.value.sequence}`;
    // Others may play on the same log.
    if (ledger.sent.has(id)) times.set(id, (times.get(id) ?? 0) + 1);
  }
  const violations: string[] = [];
  let again = 0;
  for (const [id, stored] of times) {
    if (stored > 1) again += 1;
    const sent = ledger.sent.get(id) ?? 0;
    if (stored > sent) violations.push(`doubled: beat ${id} was sent ${sent} times and is stored ${stored} times`);
  }
  return { violations, beats: times.size, repeats: again };
};

type Replay = {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  readonly events: readonly LogEvent[];
  /** A fold for each, with nothing known at its start. */
  readonly starts: readonly number[];
};

/** Folds one partition, and stops at each position that was answered to ask the same again: one of the folds says the same. */
const replay = ({ partition, records, events, starts }: Replay, decisions: readonly Decision[]) => {
  const keys = new Map<string, string>();
  events.forEach((event, i) => {
    if (event.type === 'Heartbeat') keys.set(event.value.sessionId, records[i]!.key ?? '');
    if (event.type === 'SessionStarted') keys.set(event.value.beat.sessionId, records[i]!.key ?? '');
  });
  const folds = starts.map((from) => foldFrom(partition, records, from));
  const own = decisions.flatMap((decision) => {
    const at = parsePosition(decision.position ?? '');
    return at?.partition === partition ? [{ decision, offset: at.offset }] : [];
  });
  const violations: string[] = [];
  for (const { decision, offset } of own.sort((a, b) => a.offset - b.offset)) {
    const sessionId = decision.sessionId ?? '';
    const says = folds
      .filter(({ from }) => from <= offset)
      .map(({ decide }) => decide({ sessionId, key: keys.get(sessionId) ?? '', offset }))
      // A beat's reply leaves out who holds the slots when nothing has changed.
      .map((now) => [now, decision].map(decision.active === undefined || now.active === undefined ? bare : essence));
    if (says.some(([right, answered]) => right === answered)) continue;
    violations.push(
      `${decision.position} answered ${essence(decision)}, the log says ${says.map(([r]) => r).join(' or ')}`,
    );
  }
  for (const { finish } of folds) finish();
  for (const { id, outcome, observed, holders, limit } of folds[0]!.outputs) {
    if (outcome === 'admitted' && !observed && limit !== null && holders > limit) {
      violations.push(`${id} admits number ${holders} of ${limit}`);
    }
  }
  return { violations, checked: own.length, folds };
};

type Asked = { readonly sessionId: string; readonly key: string; readonly offset: number };

const foldFrom = (partition: number, records: readonly LogRecord[], from: number) => {
  const driver = testDriver<Account, Control>(concurrency, { partition });
  for (const { key, value, appendedAtMs } of records) {
    driver.setNow(appendedAtMs);
    driver.appendBytes(key, value);
  }
  driver.trim(from);
  // So far back that the fold begins at the first record that is left.
  driver.setNow(0);
  driver.open();
  const read = accountReader({ read: (_name, _partition, wanted) => driver.view(wanted) });
  return {
    from,
    outputs: driver.outputs,
    finish: () => driver.fold(),
    decide: ({ sessionId, key, offset }: Asked): Decision => {
      driver.fold({ until: offset + 1 });
      const seen = read(partition, [key]);
      if (seen instanceof Promise) throw new Error('the driver answers at once');
      return decisionOf(seen[0]!, sessionId, { profileId: null, nowMs: 0, terminationToken: () => '' });
    },
  };
};

type Fold = ReturnType<typeof foldFrom>;

/** What a decision says, without the times that depend on when it was read. */
const essence = ({ sessionId, decision, reason, rule, policyVersion, limit, active }: Decision): string =>
  JSON.stringify({ sessionId, decision, reason, rule, policyVersion, limit, active: active?.map((s) => s.sessionId) });

const bare = ({ active: _, ...rest }: Decision): string => essence(rest);

/** Of the record that caused them. */
const offsetOf = ([output]: readonly StreamDecided[]): number => parsePosition(output?.cause ?? '')?.offset ?? 0;

/** What was sent is what one of the folds of its partition says; what all of them say of what is folded was sent. */
const unlike = (
  sent: ReadonlyMap<string, StreamDecided>,
  partitions: readonly (readonly Pick<Fold, 'from' | 'outputs'>[])[],
  folded: readonly number[],
): readonly string[] => {
  const violations: string[] = [];
  const known = new Set<string>();
  for (const [partition, folds] of partitions.entries()) {
    const foldedTo = folded[partition] ?? Infinity;
    const versions = new Map<string, StreamDecided[]>();
    for (const output of folds.flatMap(({ outputs }) => outputs))
      versions.set(output.id, [...(versions.get(output.id) ?? []), output]);
    for (const [id, outputs] of versions) {
      known.add(id);
      const other = sent.get(id);
      if (other !== undefined && outputs.some((output) => same(other, output))) continue;
      if (other !== undefined)
        violations.push(`${id} was ${JSON.stringify(other)}, the replay says ${JSON.stringify(outputs)}`);
      else if (
        offsetOf(outputs) < foldedTo &&
        outputs.length === folds.filter(({ from }) => from <= offsetOf(outputs)).length
      )
        violations.push(`the replay has an output ${id} that was not sent`);
    }
  }
  for (const [id, output] of sent)
    if (!known.has(id)) violations.push(`${JSON.stringify(output)} was sent, and the replay does not have it`);
  return violations;
};
