import type { LogEvent } from '../../schemas/events.ts';
import type { NewRecord } from '../../shared/log/log.ts';
import type { Engine } from './engine.ts';
import { createFollower, type Fold, type Follower } from './follower.ts';
import { BATCH_MS, faultsOf, type Remembered, type RememberedParts } from './remembered-parts.ts';
import { createSimLog, type SimLog } from './sim-log.ts';
import { createToldOracle, type ToldOracle } from './told.ts';
import { Violation } from './violation.ts';
import { createWatcher } from './watched.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const CONTENTS = ['c1', 'c2', 'c3', 'c4', 'c5'];
const ACCOUNTS = ['home', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6'];
const PARTITIONS = [0, 1];
/** The moves have one partition: the time of the others is told to others. */
const TIME_FROM = 0;

/** In a household that watches together there is little to count: here each device has an account of its own. */
const accountOf = (event: LogEvent): string => {
  if (event.type === 'Heartbeat') return event.value.deviceId;
  return event.type === 'SessionStarted' ? event.value.beat.deviceId : 'home';
};
const partitionOf = (account: string): number => ACCOUNTS.indexOf(account) % PARTITIONS.length;

/** Two partitions of beats, one of moves, a consumer of each; what one sends is in the log of the other. */
export const audiencesOf = (parts: RememberedParts): Remembered => {
  const { engine, rng, schedule, log, trace } = parts;
  let quietMs = 0;
  const now = (): number => schedule.now() + quietMs;
  const moves = createSimLog(engine, now);
  const logs = PARTITIONS.map((partition) => sourceLog(parts, { partition, now }));
  const oracle = createToldOracle({ trace, wentBack: log.wentBack });

  const batchMs = rng.fork(1).pick([10 * SECOND_MS, MINUTE_MS, BATCH_MS]);
  const shared = { ...parts, batchMs, faultRate: (faultsOf(parts) * batchMs) / BATCH_MS };
  const sources = logs.map((source, partition) => {
    const keys = ACCOUNTS.filter((account) => partitionOf(account) === partition);
    const onSent = (records: readonly NewRecord[]): void => {
      for (const { key, value } of records) {
        if (key === null && partition !== TIME_FROM) continue;
        moves.take({ key, value, event: engine.decode(value), appendedAtMs: moves.clock() });
      }
    };
    const place = { log: source, partition, keys, onSent, rng: rng.fork(2 + partition) };
    return createFollower(movesFold(engine, partition, oracle), { ...shared, ...place });
  });
  const place = { log: moves, partition: 0, keys: CONTENTS, rng: rng.fork(4) };
  const counting = createFollower(countsFold(engine, oracle), { ...shared, ...place });
  const followers: readonly Follower[] = [...sources, counting];
  const settle = (): void => followers.forEach((follower) => follower.settle());

  /** Nobody beats, and time goes on. */
  const quiet = (ms: number, stepMs: number, then: () => void = () => undefined): void => {
    for (let left = ms; left > 0; left -= stepMs) {
      quietMs += stepMs;
      for (const { append, clock } of logs)
        append(null, { type: 'Tick', value: { source: 'node', shedding: false, receivedAtMs: clock() } });
      settle();
      then();
    }
  };
  /** What was told late has been told five minutes later. */
  const catchUp = (): void => quiet(5 * MINUTE_MS + 20 * SECOND_MS, 5 * SECOND_MS);
  /** Figures are those of the minute once it has begun. */
  const compared = (): void =>
    quiet(2 * MINUTE_MS, 5 * SECOND_MS, () => {
      const nowMs = logs[TIME_FROM]!.clock();
      if (nowMs % MINUTE_MS >= 20 * SECOND_MS) oracle.compare(nowMs);
    });

  return {
    followers,
    recounts: oracle.recounts,
    finish: () => {
      settle();
      catchUp();
      compared();
      if (rng.chance(0.3)) {
        quiet(25 * HOUR_MS, 5 * MINUTE_MS);
        catchUp();
        compared();
        const { rows } = counting.consumer.read(CONTENTS);
        if (rows.some((row) => row !== null))
          throw new Violation('T3 audience', `a day later ${JSON.stringify(rows)} is kept`);
      }
      // Some are folded once more from their start, and send all that they had sent.
      for (const source of sources) source.finish();
      compared();
      counting.finish();
    },
  };
};

const same = { countsAgain: [], rebuildsFromTable: false, ended: () => undefined };

const movesFold = (engine: Engine, partition: number, { watched }: ToldOracle): Fold => {
  const { heard } = createWatcher(partition);
  return {
    ...same,
    processor: engine.trending,
    essence: (rows) => rows,
    judged: ({ record }) => {
      const one = heard(record);
      if (one !== null) watched(one);
    },
  };
};

const countsFold = (engine: Engine, { judged }: ToldOracle): Fold => ({
  ...same,
  processor: engine.audience,
  essence: (rows) => rows,
  judged,
});

type Source = { readonly partition: number; readonly now: () => number };

/** The household's log again, as far as it is of this partition. */
const sourceLog = ({ engine, log }: RememberedParts, { partition, now }: Source): SimLog => {
  const own = createSimLog(engine, now);
  let next = 0;
  return {
    ...own,
    end: () => {
      for (; next < log.end(); next += 1) {
        const record = log.records[next]!;
        const key = record.key === null ? null : accountOf(record.event);
        if (key === null || partitionOf(key) === partition) own.take({ ...record, key });
      }
      return own.end();
    },
  };
};
