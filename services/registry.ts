import { recordSchemas, writeWithIds } from '../schemas/codec.ts';
import { SECOND_MS } from '../schemas/time.ts';
import type { Config } from '../shared/config/config.ts';
import { openSchemaRegistry, type SchemaRegistry } from '../shared/registry/schema-registry.ts';
import { realTimer } from '../shared/state/real-timer.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';

const REGISTRY_TIMEOUT_MS = 3 * SECOND_MS;

/** The registry that readers from outside are shown our schemas by; null where there is none. */
export const openRegistry = (config: Config, metrics: Metrics, logger: Logger): Promise<SchemaRegistry> | null => {
  const { registry } = config;
  if (registry === null) return null;
  const { url, auth } = registry;
  return openSchemaRegistry({
    url,
    auth: auth === null ? null : { username: auth.username, password: auth.password.reveal() },
    timeoutMs: REGISTRY_TIMEOUT_MS,
    schemas: recordSchemas(),
    after: realTimer,
    writeWithIds,
    metrics,
    logger,
  });
};
