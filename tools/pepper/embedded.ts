import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { epochMs } from '../../schemas/time.ts';
import { pepperOfFolder } from '../../services/engines.ts';
import { LOCAL_ROLES } from '../../services/roles.ts';
import { openDataFolder } from '../../shared/config/data-folder.ts';
import { lookIntoLog, moveLog } from '../../shared/log/embedded-log-move.ts';
import { keysOfTables } from './look.ts';
import { type MoveOptions, type Parts, type Rows, withEngine } from './move.ts';

/** Behind all of the log. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

/** A data folder, which each step holds, so that no service does. */
export const embeddedParts = ({ config, clock }: Pick<MoveOptions, 'config' | 'clock'>): Parts => {
  const { logGeneration: generation, partitions } = config;
  const held = async <T>(work: (inFolder: (name: string) => string) => Promise<T> | T): Promise<T> => {
    const folder = openDataFolder(config.dataDir);
    try {
      return await work((name) => join(folder.path, name));
    } finally {
      folder.close();
    }
  };
  const onTrouble = (error: unknown): void => {
    throw error;
  };

  return {
    look: () =>
      held((inFolder) => ({
        log: lookIntoLog(inFolder('log.sqlite')),
        rows: keysOfTables(inFolder('tables.sqlite')),
        pepper: pepperOfFolder(inFolder(''), config),
      })),
    checkStopped: async () => {},
    onTrouble,
    moveLog: (keyOf) => held((inFolder) => moveLog({ file: inFolder('log.sqlite'), generation, keyOf })),
    withRows: (_seen, work) =>
      withEngine(
        { config: { ...config, logGeneration: generation + 1 }, clock, roles: LOCAL_ROLES, onTrouble },
        async ({ log, table, tables, sweep }) => {
          if (table === null) throw new Error('the embedded engine has tables');
          const ends = await Promise.all(
            Array.from({ length: partitions }, async (_, one) => (await log.bounds('heartbeats.v1', one)).end),
          );
          // Nothing of it stands longer than until the next sweep: no record is left that could be folded under the old key.
          const remove: Rows['remove'] = (name, key) =>
            table.erase({ table: name, key, source: BEHIND_ALL, untilMs: epochMs(0) });
          const moved = await work({ table, tables, remove, ends });
          await sweep();
          return moved;
        },
      ),
    forgetBefore: () =>
      held(async (inFolder) => {
        for (const end of ['', '-wal', '-shm']) await rm(inFolder(`state.sqlite${end}`), { force: true });
      }),
  };
};
