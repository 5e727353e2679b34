import { startOwnPart } from './own-part.ts';
import { startRegistry } from './registry.ts';

/** A schema registry that belongs to this process and ends with it, however that ends. */
export type OwnRegistry = {
  /** Of its Confluent interface; the same after a restart. */
  readonly url: string;
  /** It holds its schemas in memory: they are gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export const startOwnRegistry = async (): Promise<OwnRegistry> => {
  let url = '';
  const { env, kill, restart, stop } = await startOwnPart('registry', (how) =>
    startRegistry({ ...how, ...(url === '' ? {} : { port: Number(new URL(url).port) }) }),
  );
  url = env()['SCHEMA_REGISTRY_URL'] ?? '';
  return { url, kill, restart, stop };
};
