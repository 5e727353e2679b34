import type { RecordName, RecordSchema } from '../../schemas/codec.ts';
import { SECOND_MS } from '../../schemas/time.ts';
import type { Log as Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { registryClient, SchemaRefused, type RegistryClient, type RegistryConnection } from './registry-client.ts';

/**
 * The schemas of this release in a registry, for readers that are not Playbeat. Nothing of Playbeat waits for it: a
 * registry that is away leaves the ids as they are, and is asked again until it answers.
 */
export type SchemaRegistry = {
  status(): RegistryStatus;
  /** Asks no more. Repeating it changes nothing. */
  close(): void;
};

export type RegistryStatus =
  | { readonly state: 'up'; readonly ids: ReadonlyMap<RecordName, number> }
  | { readonly state: 'away'; readonly reason: string }
  | { readonly state: 'refused'; readonly error: SchemaRefused };

export type SchemaRegistryOptions = RegistryConnection & {
  readonly schemas: readonly RecordSchema[];
  /** How often it is asked whether it still holds them: a registry may lose what it held, as one in memory does. */
  readonly checkMs?: number;
  /** Calls once, after so long; answers how to call it off. */
  readonly after: (ms: number, work: () => void) => () => void;
  /** Takes the ids that records shall carry from now on. */
  readonly writeWithIds: (ids: ReadonlyMap<RecordName, number>) => void;
  readonly metrics: Metrics;
  readonly logger: Logger;
};

const CHECK_MS = 30 * SECOND_MS;

/**
 * Resolves within `timeoutMs`, whether the registry has answered or not; rejects with `SchemaRefused` when it will not
 * have one of the schemas. What it refuses after the start is an error in the log, and the process goes on.
 */
export const openSchemaRegistry = async (options: SchemaRegistryOptions): Promise<SchemaRegistry> => {
  const { checkMs = CHECK_MS, after, logger } = options;
  const { where } = registryClient(options);
  const gauge = options.metrics.cell('playbeat_schema_registry_up', {});

  const announce = (now: RegistryStatus): void => {
    gauge.value = now.state === 'up' ? 1 : 0;
    switch (now.state) {
      case 'up':
        options.writeWithIds(now.ids);
        return logger.info(
          { registry: where, ids: Object.fromEntries(now.ids) },
          'the schema registry holds our schemas',
        );
      case 'away':
        return logger.warn({ registry: where, reason: now.reason }, 'the schema registry is away: going on without it');
      case 'refused':
        return logger.error({ registry: where, err: now.error }, 'the schema registry refuses a schema');
    }
  };

  let status = await ask(options);
  if (status.state === 'refused') throw status.error;
  announce(status);

  let closed = false;
  let callOff = (): void => {};
  const askAgainLater = (): void => {
    callOff = after(checkMs, () => {
      void ask(options).then((now) => {
        if (closed) return;
        const news = !same(now, status);
        status = now;
        if (news) announce(now);
        askAgainLater();
      });
    });
  };
  askAgainLater();
  return {
    status: () => status,
    close: () => {
      closed = true;
      callOff();
    },
  };
};

/** Never rejects, and takes `timeoutMs` at most. */
const ask = (options: SchemaRegistryOptions): Promise<RegistryStatus> =>
  new Promise((resolve) => {
    const client = registryClient(options);
    const answer = (status: RegistryStatus): void => {
      callOff();
      client.close();
      resolve(status);
    };
    const callOff = options.after(options.timeoutMs, () =>
      answer({ state: 'away', reason: `no answer within ${options.timeoutMs} ms` }),
    );
    idsIn(client, options.schemas).then(
      (ids) => answer({ state: 'up', ids }),
      (error: unknown) =>
        answer(
          error instanceof SchemaRefused
            ? { state: 'refused', error }
            : { state: 'away', reason: error instanceof Error ? error.message : String(error) },
        ),
    );
  });

/** Looks first: where the registry holds them all, as it does but once, nobody needs the right to write. */
const idsIn = async (
  client: RegistryClient,
  schemas: readonly RecordSchema[],
): Promise<ReadonlyMap<RecordName, number>> => {
  const found = await Promise.all(schemas.map((schema) => client.find(schema)));
  const ids = new Map<RecordName, number>();
  for (const [index, schema] of schemas.entries()) {
    ids.set(schema.name, found[index] ?? (await client.register(schema)));
  }
  return ids;
};

/** A registry that is away stays away, whatever the reason becomes. */
const same = (a: RegistryStatus, b: RegistryStatus): boolean => {
  if (a.state !== 'up' || b.state !== 'up') return a.state === b.state;
  return [...a.ids].every(([name, id]) => b.ids.get(name) === id);
};
