import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDynamo } from './dynamodb.ts';
import { startKeeper } from './keeper.ts';
import { kill, type Program } from './processes.ts';

/** A DynamoDB Local in memory that belongs to this process and ends with it, however that ends. */
export type OwnDynamo = {
  readonly endpoint: string;
  stop(): Promise<void>;
};

export const startOwnDynamo = async (): Promise<OwnDynamo> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-dynamodb-'));
  const keeper = startKeeper(folder);
  let programs: readonly Program[] = [];
  let endpoint = '';
  const stop = async (): Promise<void> => {
    await Promise.all(programs.map((program) => kill(program)));
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await startDynamo({
      folder,
      onLaunch: async (part) => {
        programs = part.programs;
        endpoint = part.env['DYNAMODB_ENDPOINT'] ?? '';
        keeper.watch(programs.map(({ pid }) => pid));
      },
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
};
