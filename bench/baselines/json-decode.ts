/** A heartbeat as most would log it: JSON, parsed and validated with ajv by the schema that it came in with. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { HeartbeatRequest } from '../../schemas/generated/http.ts';
import { HTTP_SCHEMAS } from '../../schemas/http-schemas.ts';

const ajv = new Ajv2020({ strict: false, schemas: Object.values(HTTP_SCHEMAS) });
const isHeartbeat = ajv.compile<HeartbeatRequest>({ $ref: 'heartbeat-request.schema.json' });

export const jsonDecode = (bytes: Buffer): HeartbeatRequest => {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (!isHeartbeat(value)) throw new Error('no heartbeat');
  return value;
};
