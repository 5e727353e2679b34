import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKeeper } from './keeper.ts';
import { kill, type Program } from './processes.ts';
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
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-registry-'));
  const keeper = startKeeper(folder);
  let programs: readonly Program[] = [];
  let url = '';
  const start = (options: { readonly port?: number }): Promise<void> =>
    startRegistry({
      folder,
      ...options,
      onLaunch: async (part) => {
        programs = part.programs;
        url = part.env['SCHEMA_REGISTRY_URL'] ?? '';
        keeper.watch(programs.map(({ pid }) => pid));
      },
    });
  const killAll = async (): Promise<void> => {
    await Promise.all(programs.map((program) => kill(program)));
    programs = [];
  };
  await start({});
  return {
    url,
    kill: async () => {
      await killAll();
      keeper.watch([]);
    },
    restart: () => start({ port: Number(new URL(url).port) }),
    stop: async () => {
      await killAll();
      keeper.dismiss();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
};
