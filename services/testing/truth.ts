import { decode, decodeOutput } from '../../schemas/codec.ts';
import type { LogEvent } from '../../schemas/events.ts';
import type { Decision } from '../../schemas/generated/http.ts';
import type { StreamDecided } from '../../schemas/generated/records.ts';
import { epochMs } from '../../schemas/time.ts';
import type { TopicName } from '../../schemas/topics.ts';
import { openEmbeddedLog } from '../../shared/log/embedded-log.ts';
import type { Log, LogRecord } from '../../shared/log/log.ts';
import { parsePosition } from '../../shared/log/position.ts';
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

/** Reads the log of a folder whose service has ended, and folds it again with the fold of the service. */
export const truthOf = async (
  folder: string,
  ledger: Ledger,
  { partitions }: { readonly partitions: number },
): Promise<Truth> => {
  const log = await openEmbeddedLog({ folder, partitions, clock: () => epochMs(Date.now()) });
  const violations: string[] = [];
  const found = { records: 0, beats: 0, repeats: 0, outputs: 0, decisionsChecked: 0 };
  try {
    const input = await Promise.all(range(partitions).map((p) => recordsOf(log, 'heartbeats.v1', p)));
    const output = await Promise.all(range(partitions).map((p) => recordsOf(log, 'stream-decisions.v1', p)));
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
      if (decoded.type !== 'StreamDecided') continue;
      const before = sent.get(decoded.value.id);
      if (before !== undefined && !same(before, decoded.value)) violations.push(`two outputs are ${decoded.value.id}`);
      sent.set(decoded.value.id, decoded.value);
    }
    found.outputs = sent.size;
    const replayed = range(partitions).map((p) => replay(p, input[p]!, events[p]!, ledger.decisions));
    found.decisionsChecked = replayed.reduce((sum, r) => sum + r.checked, 0);
    violations.push(...replayed.flatMap((r) => r.violations));
    violations.push(...unlike(sent, new Map(replayed.flatMap((r) => r.outputs.map((o) => [o.id, o])))));
  } finally {
    await log.close();
  }
  const more = violations.length - SHOWN;
  return { ...found, violations: more > 0 ? [...violations.slice(0, SHOWN), `and ${more} more`] : violations };
};

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const recordsOf = async (log: Log, topic: TopicName, partition: number): Promise<readonly LogRecord[]> => {
  const { first, end } = await log.bounds(topic, partition);
  const records: LogRecord[] = [];
  for (let from = first; from < end;) {
    const batch = await log.read(topic, partition, from, 1_000);
    records.push(...batch.records);
    from = batch.to;
  }
  return records;
};

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
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const violations: string[] = [];
  let again = 0;
  for (const [id, stored] of times) {
    if (stored > 1) again += 1;
    const sent = ledger.sentAgain.get(id) ?? 1;
    if (stored > sent) violations.push(`doubled: beat ${id} was sent ${sent} times and is stored ${stored} times`);
  }
  return { violations, beats: times.size, repeats: again };
};

/** Folds one partition from its beginning, and stops at each position that was answered to ask the same again. */
const replay = (
  partition: number,
  records: readonly LogRecord[],
  events: readonly LogEvent[],
  decisions: readonly Decision[],
) => {
  const driver = testDriver<Account, Control>(concurrency, { partition });
  driver.open();
  for (const { key, value, appendedAtMs } of records) {
    driver.setNow(appendedAtMs);
    driver.appendBytes(key, value);
  }
  const keys = new Map<string, string>();
  events.forEach((event, i) => {
    if (event.type === 'Heartbeat') keys.set(event.value.sessionId, records[i]!.key ?? '');
    if (event.type === 'SessionStarted') keys.set(event.value.beat.sessionId, records[i]!.key ?? '');
  });
  const read = accountReader({ read: (_name, _partition, wanted) => driver.view(wanted) });
  const violations: string[] = [];
  let checked = 0;
  const own = decisions.flatMap((decision) => {
    const at = parsePosition(decision.position ?? '');
    return at?.partition === partition ? [{ decision, offset: at.offset }] : [];
  });
  for (const { decision, offset } of own.sort((a, b) => a.offset - b.offset)) {
    driver.fold({ until: offset + 1 });
    const sessionId = decision.sessionId ?? '';
    const seen = read(partition, [keys.get(sessionId) ?? '']);
    if (seen instanceof Promise) throw new Error('the driver answers at once');
    const now = decisionOf(seen[0]!, sessionId, { profileId: null, nowMs: 0, terminationToken: () => '' });
    checked += 1;
    // A beat's reply leaves out who holds the slots when nothing has changed.
    const { active, ...rest } = now;
    const comparable = decision.active === undefined || active === undefined ? rest : now;
    const [answered, right] = [essence(decision), essence(comparable)];
    if (answered !== right) violations.push(`${decision.position} answered ${answered}, the log says ${right}`);
  }
  driver.fold();
  for (const { id, outcome, observed, holders, limit } of driver.outputs) {
    if (outcome === 'admitted' && !observed && limit !== null && holders > limit) {
      violations.push(`${id} admits number ${holders} of ${limit}`);
    }
  }
  return { violations, checked, outputs: driver.outputs };
};

/** What a decision says, without the times that depend on when it was read. */
const essence = ({ sessionId, decision, reason, rule, policyVersion, limit, active }: Decision): string =>
  JSON.stringify({ sessionId, decision, reason, rule, policyVersion, limit, active: active?.map((s) => s.sessionId) });

const unlike = (
  sent: ReadonlyMap<string, StreamDecided>,
  replayed: ReadonlyMap<string, StreamDecided>,
): readonly string[] => {
  const violations: string[] = [];
  for (const [id, value] of replayed) {
    const other = sent.get(id);
    if (other === undefined) violations.push(`the replay has an output ${id} that was not sent`);
    else if (!same(other, value))
      violations.push(`${id} was ${JSON.stringify(other)}, the replay says ${JSON.stringify(value)}`);
  }
  for (const id of sent.keys())
    if (!replayed.has(id)) violations.push(`${id} was sent, and the replay does not have it`);
  return violations;
};
