import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableName } from '../../schemas/tables.ts';
import { realTimer } from '../state/real-timer.ts';
import { beginCall, type Call, type Patience } from './dynamo-patience.ts';
import type { TableUnavailable } from './table-errors.ts';

export type DynamoOptions = Partial<Patience> & {
  readonly region: string;
  /** Another address than the region's own; null for that one. */
  readonly endpoint: string | null;
  /** Null: as the AWS tools find them, a role of the task or the machine among them. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** Before the name of each table, so that more than one installation may share an account. */
  readonly prefix: string;
  /** Hears once per call that something had to be tried again. */
  readonly onTrouble?: (error: TableUnavailable) => void;
};

export type DynamoConnection = {
  readonly client: DynamoDBClient;
  /** Fit for a log line. */
  readonly where: string;
  nameOf(table: TableName): string;
  begin(): Call;
};

/** Many times what an answer takes; an answer that comes later than this is not worth the wait of the others. */
const ATTEMPT_MS = 1_500;
const CONNECT_MS = 500;
/** Long enough for what passes by itself; then the caller decides, who knows what else waits. */
const DEADLINE_MS = 10_000;
/** More than requests are ever under way, or they would wait for a connection on the time of their attempt. */
const MOST_CONNECTIONS = 256;

export const connectDynamo = (options: DynamoOptions): DynamoConnection => {
  const { region, endpoint, credentials, prefix, onTrouble = () => {}, after = realTimer } = options;
  const where = `DynamoDB at ${endpoint ?? region}, ${prefix}-*`;
  const patience: Patience = {
    attemptMs: options.attemptMs ?? ATTEMPT_MS,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    after,
    pause: options.pause ?? ((ms) => new Promise((resolve) => after(ms, resolve))),
    random: options.random ?? Math.random,
    elapsedMs: options.elapsedMs ?? (() => performance.now()),
  };
  const agent = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
  const client = new DynamoDBClient({
    region,
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: agent, httpsAgent: agent },
  });
  return {
    client,
    where,
    nameOf: (table) => `${prefix}-${table}`,
    begin: () => beginCall({ ...patience, where, onTrouble }),
  };
};
