import { TABLES, type TableName } from '../../schemas/tables.ts';
import { HOUR_MS } from '../../schemas/time.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { ROLES } from '../../services/roles.ts';
import { HOURS_PER_MONTH } from './prices.ts';
import { COUNTED, type Viewing, viewing } from './viewing.ts';

/** What Playbeat takes, each number with the command that says it. */
export type Measured = {
  readonly tasks: {
    /** CPU of ingest for a heartbeat that comes alone. `npm run bench -- P1k`: 139 us where calls to the kernel are slow, 93 where they are not. */
    readonly ingestMicros: number;
    /** CPU of one processor for a record. `node bench/processor.ts`: 34 s per million records, with 375,000 accounts. */
    readonly recordMicros: number;
    /** How busy a core is kept. `CPU_PERCENT` in infra/scaling.ts. */
    readonly busy: number;
    /** Heartbeats a second for which there is a task of ingest. `CALLS_PER_TARGET` in infra/scaling.ts, in minutes. */
    readonly callsPerTask: number;
    /** Tasks that are always there: `sizes` of production in infra/stages.ts. */
    readonly leastIngest: number;
    readonly least: number;
    /** Processors that read every heartbeat. */
    readonly folds: number;
    /** Roles beside these and ingest. */
    readonly otherRoles: number;
  };
  /** `node tools/cost/measure.ts --accounts 100`: the players of `npm run players` through a line that counts. */
  readonly http: {
    /** Of a heartbeat, headers and session token and all; a browser sends some 500 bytes of headers more. */
    readonly upBytes: number;
    readonly downBytes: number;
    /** TLS record and the headers of TCP and IP, of the answer and of one acknowledgement. By arithmetic: 29 + 2 * 60. */
    readonly carriedBytes: number;
    /** What a server says in a TLS 1.3 handshake with a chain of two certificates. An assumption. */
    readonly handshakeBytes: number;
    /** Of the load balancer: the heartbeat's is asked for behind nearly all others. From services/roles.ts. */
    readonly rules: number;
  };
  readonly log: { readonly bytesPerBeat: number; readonly keptHours: number };
  readonly valkey: {
    /** Rows written for a heartbeat: by each fold one. */
    readonly rowsPerBeat: number;
    /** Of one core. `npm run bench -- P5`: 107,000 rows of 325 bytes a second. */
    readonly rowsPerSecond: number;
    readonly busy: number;
    /** Over the line: each state written, and one read by ingest. `viewing.ts`. */
    readonly bytesPerBeat: number;
    /** `npm run bench -- memory-redis`: 560 bytes for a session of one processor; as much for each. */
    readonly bytesPerViewer: number;
    /** Of a cache.r7g.large: 13.07 GiB. */
    readonly nodeBytes: number;
    readonly leastShards: number;
  };
  /** Of an hour that is watched. `viewing.ts` folds one and counts. */
  readonly viewing: {
    /** Write units of DynamoDB, indexes included. */
    readonly units: number;
    /** Bytes times the months for which they are kept. */
    readonly keptByteMonths: number;
  };
};

const MICRO = { ingest: 139, record: 34 } as const;
const GIB = 1_073_741_824;
/** What DynamoDB adds to each item. */
const ITEM_BYTES = 100;

/** Rows that an hour of viewing leaves: by then of all its puts to one row the last. */
const keptByteMonths = ({ tables }: Viewing): number =>
  (Object.keys(tables) as TableName[]).reduce((sum, name) => {
    const { rowBytes = 0, copies = 0 } = tables[name] ?? {};
    return sum + (rowBytes + ITEM_BYTES) * copies * (TABLES[name].retentionMs / HOUR_MS / HOURS_PER_MONTH);
  }, 0);

export const measured = (seen: Viewing = viewing()): Measured => ({
  tasks: {
    ingestMicros: MICRO.ingest,
    recordMicros: MICRO.record,
    busy: 0.55,
    callsPerTask: 2_000,
    leastIngest: 3,
    least: 2,
    folds: seen.folds,
    otherRoles: COUNTED.length - 1 - seen.folds,
  },
  http: {
    upBytes: 929,
    downBytes: 512,
    carriedBytes: 29 + 2 * 60,
    handshakeBytes: 4_000,
    rules: COUNTED.flatMap((role) => ROLES[role].serves).length,
  },
  log: {
    bytesPerBeat: seen.logBytes / seen.beats,
    keptHours: TOPICS['heartbeats.v1'].retentionMs / HOUR_MS,
  },
  valkey: {
    rowsPerBeat: seen.folds,
    rowsPerSecond: 107_000,
    busy: 0.5,
    bytesPerBeat: seen.stateBytes + seen.stateBytes / seen.folds,
    bytesPerViewer: 560 * seen.folds,
    nodeBytes: 13.07 * GIB,
    leastShards: 2,
  },
  viewing: {
    units: Object.values(seen.tables).reduce((sum, { units }) => sum + units, 0),
    keptByteMonths: keptByteMonths(seen),
  },
});
