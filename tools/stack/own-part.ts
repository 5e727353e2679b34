import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKeeper } from './keeper.ts';
import { kill } from './processes.ts';
import type { Part } from './state.ts';

/** One program of the stack that belongs to this process and ends with it, however that ends. */
export type OwnPart = {
  /** Where it is, by the name that the services read. */
  env(): Readonly<Record<string, string>>;
  kill(): Promise<void>;
  /** Starts it again, after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

type Launch = (how: { readonly folder: string; onLaunch(part: Part): Promise<void> }) => Promise<void>;

export const startOwnPart = async (name: string, launch: Launch): Promise<OwnPart> => {
  const folder = await mkdtemp(join(tmpdir(), `playbeat-${name}-`));
  const keeper = startKeeper(folder);
  let part: Part = { env: {}, programs: [] };
  const onLaunch = async (launched: Part): Promise<void> => {
    part = launched;
    keeper.watch(launched.programs.map(({ pid }) => pid));
  };
  const start = (): Promise<void> => launch({ folder, onLaunch });
  const killAll = async (): Promise<void> => {
    await Promise.all(part.programs.map((program) => kill(program)));
    part = { ...part, programs: [] };
  };
  const stop = async (): Promise<void> => {
    await killAll();
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env: () => part.env,
    kill: async () => {
      await killAll();
      keeper.watch([]);
    },
    restart: start,
    stop,
  };
};
