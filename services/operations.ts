import { decodeOutput } from '../schemas/codec.ts';
import { type Call, ProblemError, type Reply } from '../shared/http/call.ts';
import { invalid } from '../shared/http/query.ts';
import type { Route } from '../shared/http/route.ts';
import type { Log } from '../shared/log/log.ts';
import type { PartitionStatus, Replayed } from '../shared/runtime/run.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import type { RoleName } from './roles.ts';

export type Operations = {
  readonly log: Pick<Log, 'bounds' | 'read'>;
  readonly processors: () => readonly { readonly name: string; readonly partitions: readonly PartitionStatus[] }[];
  readonly replay: (processor: string, only: number | null) => readonly Replayed[] | null;
  readonly partitions: number;
  readonly roles: readonly RoleName[];
  readonly stopping: () => boolean;
  readonly metrics: Metrics;
};

/** The newest of the parked records that are shown. */
const SHOWN = 100;

/** What operators and balancers ask of a process. */
export const operationRoutes = (
  operations: Operations,
): { readonly health: readonly Route[]; readonly admin: readonly Route[] } => ({
  health: [
    {
      method: 'GET',
      path: '/healthz',
      operationId: 'health',
      summary: 'The process lives.',
      port: 'public',
      callers: ['anybody'],
      touches: 'nobody',
      responses: { 200: 'health' },
      problems: [],
      handle: () => ({ status: 200, body: { status: 'ok', roles: operations.roles } }),
    },
    {
      method: 'GET',
      path: '/readyz',
      operationId: 'ready',
      summary:
        'The process may get traffic: all the time but while it goes. A dependency that is away changes nothing.',
      port: 'public',
      callers: ['anybody'],
      touches: 'nobody',
      responses: { 200: 'health', 503: 'health' },
      problems: [],
      handle: (): Reply => {
        const stopping = operations.stopping();
        const body = { status: stopping ? 'draining' : 'ok', roles: operations.roles };
        return { status: stopping ? 503 : 200, body };
      },
    },
  ],
  admin: [
    {
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Metrics as Prometheus text.',
      port: 'admin',
      callers: ['anybody'],
      touches: 'nobody',
      responses: { 200: null },
      problems: [],
      handle: async () => {
        const body = await operations.metrics.text();
        return { status: 200, body, headers: { 'content-type': operations.metrics.contentType } };
      },
    },
    {
      method: 'GET',
      path: '/admin/processors',
      operationId: 'listProcessors',
      summary: 'Positions, lag and warm-up of each partition.',
      port: 'admin',
      callers: ['admin'],
      touches: 'nobody',
      responses: { 200: 'object' },
      problems: [],
      handle: () => ({
        status: 200,
        body: {
          processors: operations.processors().map(({ name, partitions }) => ({
            name,
            partitions: partitions.map((p) => ({ ...p, lag: p.end - p.offset })),
          })),
        },
      }),
    },
    {
      method: 'POST',
      path: '/admin/processors/{name}/replay',
      operationId: 'replayProcessor',
      summary: 'Forgets the state of the partitions that this process owns, and makes it again from the log.',
      port: 'admin',
      callers: ['admin'],
      touches: 'nobody',
      query: [{ name: 'partition', description: 'Of this one alone.', range: [0, operations.partitions - 1] }],
      responses: { 202: 'object' },
      problems: ['VALIDATION_FAILED', 'PROCESSOR_NOT_FOUND'],
      handle: (call) => {
        const name = call.params['name'] ?? '';
        const partitions = operations.replay(name, partitionIn(call, operations.partitions));
        if (partitions === null) throw new ProblemError('PROCESSOR_NOT_FOUND', `${name} does not run in this process`);
        return { status: 202, body: { processor: name, partitions } };
      },
    },
    {
      method: 'GET',
      path: '/admin/parked',
      operationId: 'listParked',
      summary: `The newest ${SHOWN} records that nobody could read, bytes in base64.`,
      port: 'admin',
      callers: ['admin'],
      touches: 'nobody',
      responses: { 200: 'object' },
      problems: [],
      handle: async () => {
        const { first, end } = await operations.log.bounds('heartbeats.v1.parked', 0);
        const batch = await operations.log.read('heartbeats.v1.parked', 0, Math.max(first, end - SHOWN), SHOWN);
        const items = batch.records.flatMap(({ value, appendedAtMs }) => {
          const output = decodeOutput(value);
          if (output.type !== 'RecordParked') return [];
          const { bytes, cause, topic, processor, reason } = output.value;
          return [
            { position: cause, topic, processor, reason, appendedAtMs, bytes: Buffer.from(bytes).toString('base64') },
          ];
        });
        return { status: 200, body: { items, total: end - first } };
      },
    },
  ],
});

/** Null: all of them. */
const partitionIn = ({ query }: Call, partitions: number): number | null => {
  const text = query.get('partition');
  if (text === null) return null;
  const partition = /^\d{1,4}$/.test(text) ? Number(text) : partitions;
  if (partition < partitions) return partition;
  throw invalid('/partition', 'RANGE', `must be a whole number from 0 to ${partitions - 1}`);
};
