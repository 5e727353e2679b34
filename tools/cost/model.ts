import { BROKER_MIB_PER_SECOND, HOURS_PER_MONTH, LCU, PRICES } from './prices.ts';
import type { Measured } from './measured.ts';

/** What an installation costs in a month, by arithmetic alone. */
export type Load = {
  /** At the peak; each sends a heartbeat every 10 s. */
  readonly viewers: number;
  /** The part of the players that keeps its connection from one heartbeat to the next: 0 to 1. */
  readonly keepAlive: number;
  /** What is watched on average, of the peak: 1 is a peak that lasts all month. Machines are there for the peak all the same. */
  readonly mean: number;
};
export type Line = { readonly name: string; readonly usd: number };

const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600;
const INTERVAL_S = 10;
const ZONES = 3;
/** With that many zones, of what goes to any of them. */
const ACROSS = (ZONES - 1) / ZONES;
const GB = 1e9;
const MIB = 1_048_576;

export const costOf = (load: Load, measured: Measured): readonly Line[] => {
  const peak = load.viewers / INTERVAL_S;
  const beats = peak * load.mean * SECONDS_PER_MONTH;
  return [
    { name: 'Fargate', usd: tasksOf(load, measured) * TASK_HOUR * HOURS_PER_MONTH },
    { name: 'load balancer', usd: balancerUsd(load, measured) },
    { name: 'to the internet', usd: egressUsd((beats * sentBytes(load, measured)) / GB) },
    { name: 'Kafka', usd: kafkaUsd(load, measured) },
    { name: 'Valkey', usd: valkeyNodes(load, measured) * PRICES.valkeyNodeHour * HOURS_PER_MONTH },
    { name: 'between zones', usd: (beats * zoneBytes(measured) * PRICES.zoneGb) / GB },
    { name: 'DynamoDB, writes', usd: (viewingHours(load) * measured.viewing.units * PRICES.millionWriteUnits) / 1e6 },
    {
      name: 'DynamoDB, storage',
      usd: (viewingHours(load) * measured.viewing.keptByteMonths * PRICES.tableGbMonth) / GB,
    },
    { name: 'logs, NAT, endpoints, secrets, registry', usd: fixedUsd(load, measured) },
  ];
};

export const totalOf = (lines: readonly Line[]): number => lines.reduce((sum, { usd }) => sum + usd, 0);

const viewingHours = ({ viewers, mean }: Load): number => viewers * mean * HOURS_PER_MONTH;

// --- Machines -------------------------------------------------------------------------------------------------------

/** One core and 2 GiB, as `infra/stages.ts` has them for production. */
const TASK_HOUR = PRICES.vcpuHour + 2 * PRICES.gibHour;

/** Tasks of one core: as many as the scaling asks for at the peak, and as few as production always has. */
export const tasksOf = ({ viewers }: Pick<Load, 'viewers'>, measured: Measured): number => {
  const { ingestMicros, recordMicros, busy, callsPerTask, leastIngest, least, folds, otherRoles } = measured.tasks;
  const peak = viewers / INTERVAL_S;
  const coresFor = (micros: number): number => (peak * micros) / 1e6 / busy;
  const ingest = Math.max(leastIngest, Math.ceil(coresFor(ingestMicros)), Math.ceil(peak / callsPerTask));
  const fold = Math.max(least, Math.ceil(coresFor(recordMicros)));
  return ingest + folds * fold + otherRoles * least;
};

/** A primary and a replica for each shard: so many that their core is half busy, or their memory half full. */
export const valkeyNodes = ({ viewers }: Pick<Load, 'viewers'>, { valkey }: Measured): number => {
  const rows = (viewers / INTERVAL_S) * valkey.rowsPerBeat;
  const forCore = rows / (valkey.rowsPerSecond * valkey.busy);
  const forMemory = (viewers * valkey.bytesPerViewer) / (valkey.nodeBytes * valkey.busy);
  return 2 * Math.max(valkey.leastShards, Math.ceil(Math.max(forCore, forMemory)));
};

export const brokersOf = ({ viewers }: Pick<Load, 'viewers'>, { log }: Measured): number => {
  const mibPerSecond = ((viewers / INTERVAL_S) * log.bytesPerBeat) / MIB;
  return Math.max(ZONES, ZONES * Math.ceil(mibPerSecond / BROKER_MIB_PER_SECOND / ZONES));
};

const kafkaUsd = (load: Load, measured: Measured): number => {
  const { log } = measured;
  const perSecond = (load.viewers / INTERVAL_S) * load.mean * log.bytesPerBeat;
  const writtenGb = (perSecond * SECONDS_PER_MONTH) / GB;
  const storedGb = (perSecond * 3_600 * log.keptHours) / GB;
  const hours = brokersOf(load, measured) * HOURS_PER_MONTH * PRICES.brokerHour;
  return hours + writtenGb * PRICES.brokerWrittenGb + storedGb * PRICES.brokerStoredGbMonth;
};

// --- The way to the players -----------------------------------------------------------------------------------------

/** Connections that begin in a second at the peak: one for each beat of those that keep none, and those of new viewings. */
const newConnections = ({ viewers, keepAlive }: Load): number =>
  (viewers / INTERVAL_S) * (1 - keepAlive) + viewers / 3_600;

/** The greatest of the four things that it is charged by. */
export const lcusOf = (load: Load, { http }: Measured): number => {
  const peak = load.viewers / INTERVAL_S;
  return Math.max(
    newConnections(load) / LCU.newConnections,
    (load.viewers * load.keepAlive) / LCU.activeConnections,
    (peak * 3_600 * (http.upBytes + http.downBytes)) / GB / LCU.gbPerHour,
    (peak * Math.max(0, http.rules - LCU.freeRules)) / LCU.ruleEvaluations,
  );
};

const balancerUsd = (load: Load, measured: Measured): number =>
  (PRICES.balancerHour + lcusOf(load, measured) * load.mean * PRICES.lcuHour) * HOURS_PER_MONTH;

/** What leaves for each beat: the answer, what carries it, and the handshakes of those who keep no connection. */
export const sentBytes = (load: Load, { http }: Measured): number =>
  http.downBytes + http.carriedBytes + (newConnections(load) / (load.viewers / INTERVAL_S)) * http.handshakeBytes;

export const egressUsd = (gb: number): number => {
  let [usd, from] = [0, 0];
  for (const tier of PRICES.egressTiersGb) {
    usd += Math.max(0, Math.min(gb, tier.upTo) - from) * tier.usd;
    from = tier.upTo;
  }
  return usd;
};

// --- What is left ---------------------------------------------------------------------------------------------------

/** Charged between zones for each beat: Kafka’s bytes at both ends, written once and read by each fold; Valkey’s at ours. */
const zoneBytes = ({ log, valkey, tasks }: Measured): number =>
  ACROSS * (2 * log.bytesPerBeat * (1 + tasks.folds) + valkey.bytesPerBeat);

const INTERFACES = 4;
const SECRETS = 3;
const LOG_GB_PER_TASK = 1;

const fixedUsd = (load: Load, measured: Measured): number => {
  const hourly = ZONES * PRICES.natHour + INTERFACES * ZONES * PRICES.endpointHour + TASK_HOUR;
  return (
    hourly * HOURS_PER_MONTH + SECRETS * PRICES.secretMonth + tasksOf(load, measured) * LOG_GB_PER_TASK * PRICES.logGb
  );
};
