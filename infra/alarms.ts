import type { Alarm, Whole } from './alarm.ts';
import { burnParts, burns, LEAST_COUNTED } from './burn-rates.ts';
import { denialParts, denials } from './denials.ts';
import { balancer, broker, certificate, cluster, node, own, type Series, table, targets, tasks } from './series.ts';

/**
 * The catalogue of alarms. A page wakes somebody, and only what viewers notice does that; a ticket is for the next working day.
 * `stacks/alarms.ts` makes them, `docs/runbook` has a page for each, and a test holds the three against each other.
 */
export const WHOLES: Readonly<Record<string, Whole>> = {
  ...burns,
  ...denials,
};

const failMode = (outcome: string): Series =>
  own('playbeat_decisions_total', { role: 'ingest', outcome, reason: 'SERVICE_DEGRADED' });

/** A minute each. */
const often = { minutes: 1, silence: 'fine' } as const;
/** A quarter of an hour. */
const steady = { minutes: 5, of: [3, 3], silence: 'fine' } as const;

export const ALARMS: Readonly<Record<string, Alarm>> = {
  ...burnParts,
  household: {
    severity: 'page',
    says: 'The synthetic household was not answered rightly in two rounds of three.',
    each: 'stage',
    series: { right: own('playbeat_household_rounds_total', { role: 'household', outcome: 'right' }) },
    is: { under: 1 },
    minutes: 5,
    of: [2, 3],
    silence: 'bad',
  },
  ...denialParts,
  'kafka-controller': {
    ...often,
    severity: 'ticket',
    says: 'No broker leads the cluster.',
    each: 'stage',
    series: { active: cluster('ActiveControllerCount', 'Maximum') },
    is: { under: 1 },
    of: [5, 5],
  },
  'kafka-offline': {
    ...often,
    severity: 'ticket',
    says: 'Partitions have no leader: nothing is written to them or read.',
    each: 'stage',
    on: 'small',
    series: { offline: cluster('OfflinePartitionsCount', 'Maximum') },
    is: { over: 0 },
    of: [3, 3],
  },
  'kafka-under-replicated': {
    ...often,
    severity: 'ticket',
    says: 'A broker leads partitions that others do not keep up with.',
    each: 'broker',
    on: 'small',
    series: { behind: broker('UnderReplicatedPartitions', 'Maximum') },
    is: { over: 0 },
    of: [15, 15],
  },
  'kafka-disk': {
    ...steady,
    severity: 'ticket',
    says: 'More than three quarters of a broker’s disk is used.',
    each: 'broker',
    on: 'small',
    series: { used: broker('KafkaDataLogsDiskUsed', 'Maximum') },
    is: { over: 75 },
  },
  'kafka-cpu': {
    severity: 'ticket',
    says: 'A broker computes for more than 60 % of the time: the loss of another one would be too much for it.',
    each: 'broker',
    series: { user: broker('CpuUser', 'Average'), system: broker('CpuSystem', 'Average') },
    expression: 'user+system',
    is: { over: 60 },
    minutes: 5,
    of: [6, 6],
    silence: 'fine',
  },
  'valkey-memory': {
    ...steady,
    severity: 'ticket',
    says: 'More than 70 % of a node’s memory is used. At 100 % processors stand still.',
    each: 'node',
    series: { used: node('DatabaseMemoryUsagePercentage', 'Maximum') },
    is: { over: 70 },
  },
  'valkey-evictions': {
    ...often,
    severity: 'ticket',
    says: 'Valkey drops rows, which it never may.',
    each: 'node',
    series: { dropped: node('Evictions', 'Sum') },
    is: { over: 0 },
    of: [1, 1],
  },
  'valkey-failover': {
    ...often,
    severity: 'ticket',
    says: 'Another node of a shard has become its primary.',
    each: 'shard',
    series: { primary: node('IsPrimary', 'Maximum') },
    expression: 'ABS(DIFF(primary))',
    is: { over: 0 },
    of: [1, 1],
  },
  'valkey-cpu': {
    ...steady,
    severity: 'ticket',
    says: 'The one thread of a node that does the work is busy for more than 80 % of the time.',
    each: 'node',
    series: { busy: node('EngineCPUUtilization', 'Average') },
    is: { over: 80 },
  },
  'tables-throttled': {
    ...often,
    severity: 'ticket',
    says: 'DynamoDB refuses reads or writes of a table.',
    each: 'table',
    series: { reads: table('ReadThrottleEvents', 'Sum'), writes: table('WriteThrottleEvents', 'Sum') },
    expression: 'FILL(reads,0)+FILL(writes,0)',
    is: { over: 0 },
    of: [5, 10],
  },
  'balancer-5xx': {
    ...often,
    severity: 'ticket',
    says: 'More than one call of a hundred is answered 5xx.',
    each: 'balancer',
    series: {
      calls: balancer('RequestCount', 'Sum'),
      own: balancer('HTTPCode_ELB_5XX_Count', 'Sum'),
      services: balancer('HTTPCode_Target_5XX_Count', 'Sum'),
    },
    expression: `IF(FILL(calls,0)>${LEAST_COUNTED},100*(FILL(own,0)+FILL(services,0))/calls,0)`,
    is: { over: 1 },
    of: [5, 5],
  },
  'balancer-unhealthy': {
    ...often,
    severity: 'ticket',
    says: 'A task of a role does not answer its health check.',
    each: 'served',
    series: { sick: targets('UnHealthyHostCount', 'Maximum') },
    is: { over: 0 },
    of: [10, 10],
  },
  certificate: {
    severity: 'ticket',
    says: 'The certificate of the load balancer ends in less than 30 days.',
    each: 'stage',
    series: { days: certificate('DaysToExpiry', 'Minimum') },
    is: { under: 30 },
    minutes: 1_440,
    of: [1, 1],
    silence: 'fine',
  },
  parked: {
    ...often,
    severity: 'ticket',
    says: 'Records were set aside that no version can read.',
    each: 'stage',
    series: { parked: own('playbeat_records_parked_total', { role: 'concurrency' }) },
    is: { over: 0 },
    of: [1, 1],
  },
  paused: {
    ...often,
    severity: 'ticket',
    says: 'A partition stands still and waits for an operator.',
    each: 'folding',
    series: { paused: own('playbeat_partition_paused', {}, 'Maximum') },
    is: { over: 0 },
    of: [2, 2],
    takesBack: 'its role',
  },
  lag: {
    ...often,
    severity: 'ticket',
    says: 'A processor is more than a minute behind.',
    each: 'group',
    series: { late: own('playbeat_processor_lag_seconds', { processor: '{group}' }, 'Maximum') },
    is: { over: 60 },
    of: [10, 10],
    takesBack: 'its role',
  },
  rebalances: {
    severity: 'ticket',
    says: 'All partitions have moved more than four times in a quarter of an hour, twice in a row.',
    each: 'folding',
    series: { taken: own('playbeat_partitions_taken_total', {}) },
    expression: 'taken/{partitions}',
    is: { over: 4 },
    minutes: 15,
    of: [2, 2],
    silence: 'fine',
  },
  'fail-mode': {
    severity: 'ticket',
    says: 'Starts are answered by the fail mode, since the newest state could not be known.',
    each: 'stage',
    series: { allowed: failMode('allow'), refused: failMode('stop') },
    expression: 'FILL(allowed,0)+FILL(refused,0)',
    is: { over: 20 },
    minutes: 5,
    of: [1, 1],
    silence: 'fine',
  },
  'event-loop': {
    ...often,
    severity: 'ticket',
    says: 'One turn of a hundred of a process is later than 100 ms.',
    each: 'role',
    series: { late: own('playbeat_event_loop_delay_p99_seconds', {}, 'Maximum') },
    is: { over: 0.1 },
    of: [10, 15],
  },
  'storage-troubles': {
    ...steady,
    severity: 'ticket',
    says: 'Kafka, Valkey or DynamoDB fail calls that nobody waits for.',
    each: 'role',
    series: { troubles: own('playbeat_storage_troubles_total', {}) },
    is: { over: 10 },
  },
  /** Each process writes a line a minute; what runs and is not heard has lost lines, or hangs. */
  'log-lines': {
    severity: 'ticket',
    says: 'Fewer lines arrive than the tasks write: the log drops some, and alarms go blind.',
    each: 'role',
    series: { lines: own('playbeat_event_loop_delay_p99_seconds', {}, 'SampleCount'), tasks },
    expression: 'IF(tasks>0,FILL(lines,0)/(15*tasks),1)',
    is: { under: 0.8 },
    minutes: 15,
    of: [2, 2],
    silence: 'fine',
  },
  'schema-registry': {
    ...often,
    severity: 'ticket',
    says: 'The schema registry is away, or refuses a schema.',
    each: 'stage',
    series: { up: own('playbeat_schema_registry_up', { role: 'ingest' }, 'Minimum') },
    is: { under: 1 },
    of: [15, 15],
  },
};

/** Pages of the runbook that no alarm has for its own, and why. */
export const WITHOUT_ALARM: Readonly<Record<string, string>> = {
  objectives: 'What the three objectives and their three speeds have in common.',
  start: 'Several alarms lead there, and so does a process that ends at once where nothing rings.',
  kafka: 'Several alarms lead there: what is done by the reason that a process gives.',
  redis: 'Several alarms lead there: what is done by the reason that a process gives.',
  storage: 'Of a process with its own log and state on a disk, which nothing on AWS is.',
};

/** Which page of the runbook is the alarm’s: the one of its name, but of parts and of the speeds of an objective. */
export const pageOf = (name: string, { page = name }: Pick<Alarm | Whole, 'page'>): string => page;
