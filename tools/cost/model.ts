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
  /** A web ACL before all but heartbeats, which come by a load balancer of their own. None where it is left out. */
  readonly firewall?: boolean;
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
    ...(load.firewall === true
      ? [{ name: 'web firewall', usd: firewallUsd(viewingHours(load) * CALLS_PER_VIEWING) }]
      : []),
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

/** What comes by a load balancer in a second, at the peak. */
type Traffic = { readonly calls: number; readonly opened: number; readonly open: number; readonly rules: number };

/** The greatest of the four things that it is charged by. */
const chargedBy = ({ calls, opened, open, rules }: Traffic, { http }: Measured): number =>
  Math.max(
    opened / LCU.newConnections,
    open / LCU.activeConnections,
    (calls * 3_600 * (http.upBytes + http.downBytes)) / GB / LCU.gbPerHour,
    (calls * Math.max(0, rules - LCU.freeRules)) / LCU.ruleEvaluations,
  );

/** Of all load balancers together. */
export const lcusOf = (load: Load, measured: Measured): number => {
  const { http } = measured;
  const { viewers, keepAlive, firewall = false } = load;
  const beats = { calls: viewers / INTERVAL_S, opened: newConnections(load), open: viewers * keepAlive };
  if (!firewall) return chargedBy({ ...beats, rules: http.rules }, measured);
  // A call in half an hour keeps no connection.
  const calls = (viewers / 3_600) * CALLS_PER_VIEWING;
  const others = { calls, opened: calls, open: calls * IDLE_S, rules: http.rules };
  return chargedBy({ ...beats, rules: 1 }, measured) + chargedBy(others, measured);
};

/** A start and a stop, in an hour. */
const CALLS_PER_VIEWING = 2;
/** After so long the load balancer closes a connection: `IDLE_SECONDS` in infra/balancer.ts. */
const IDLE_S = 60;

const balancerUsd = (load: Load, measured: Measured): number => {
  const hourly = PRICES.balancerHour * (load.firewall === true ? 2 : 1);
  return (hourly + lcusOf(load, measured) * load.mean * PRICES.lcuHour) * HOURS_PER_MONTH;
};

/** Of so many calls in a month, without what its rules cost. */
export const firewallUsd = (calls: number): number => PRICES.webAclMonth + (calls / 1e6) * PRICES.millionInspected;

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
