import { encode } from '../../schemas/codec.ts';
import type { ErasureReceipt } from '../../schemas/generated/http.ts';
import { PLACES } from '../../schemas/places.ts';
import { readJson } from '../../shared/http/body.ts';
import type { Call, Reply } from '../../shared/http/call.ts';
import { idOf, invalid, tenantAsked } from '../../shared/http/query.ts';
import type { Route } from '../../shared/http/route.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import { append, type Ingest, PLAYER_PROBLEMS } from './ingest.ts';

const MAX_BYTES = 4 * 1_024;

/** Forgetting an account. On the admin port, for every account of every tenant. */
export const erasureRoutes = (ingest: Ingest): readonly Route[] => [
  {
    method: 'POST',
    path: '/admin/erasures',
    operationId: 'eraseAccount',
    summary:
      'Forgets an account; the receipt says what remains, where and until when. Repeated, it forgets what came since.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    request: 'erasure-request',
    responses: { 202: 'erasure-receipt' },
    problems: PLAYER_PROBLEMS,
    handle: (call) => erase(ingest, call),
  },
];

const erase = async (ingest: Ingest, call: Call): Promise<Reply> => {
  const { accountId, tenant } = asked(await readJson(call.req, MAX_BYTES), call);
  const key = ingest.accountKey(tenant, accountId);
  const requestedAtMs = ingest.clock();
  const value = { requestId: call.requestId, tenant, receivedAtMs: requestedAtMs };
  const record = { key, encode: () => encode('AccountErased', value) };
  const { partition, offset } = await append(ingest, ingest.partitionOf(key), record, call.requestId);
  const body: ErasureReceipt = {
    position: formatPosition(positionOf(partition, offset)),
    requestedAtMs,
    places: PLACES.map(({ kind, name, remains, goneWithinMs }) => ({
      kind,
      name,
      remains,
      goneAtMs: goneWithinMs === null ? null : requestedAtMs + goneWithinMs,
    })),
  };
  return { status: 202, body };
};

const asked = (body: unknown, call: Call): { readonly accountId: string; readonly tenant: string } => {
  const { accountId, tenant }: Readonly<Record<string, unknown>> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  if (typeof accountId !== 'string') throw invalid('/accountId', 'REQUIRED', 'is required');
  return { accountId: idOf('accountId', accountId), tenant: tenantAsked(call, tenant) };
};
