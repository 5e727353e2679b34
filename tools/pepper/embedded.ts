import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Engine, openEngine, pepperOfFolder } from '../../services/engines.ts';
import { startProcessors } from '../../services/processors.ts';
import { LOCAL_ROLES, type RoleName } from '../../services/roles.ts';
import type { Config } from '../../shared/config/config.ts';
import { openDataFolder } from '../../shared/config/data-folder.ts';
import { accountKeys, peppersIn } from '../../shared/identity/account-keys.ts';
import { lookIntoLog, moveLog } from '../../shared/log/embedded-log-move.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import { positionOf } from '../../shared/log/position.ts';
import { createLog } from '../../shared/telemetry/log.ts';
import { createMetrics } from '../../shared/telemetry/metrics.ts';
import { type Accounts, changedTenants, readAccounts } from './accounts.ts';
import { type Counted, counted, keysOfTables } from './look.ts';
import { moveRows } from './rows.ts';

export type MoveOptions = {
  readonly config: Config;
  /** `tenant,accountId` in each line. */
  readonly accounts: string;
  /** Else it only counts. */
  readonly go: boolean;
  readonly show: (found: ReadonlyMap<string, Counted>) => void;
  readonly say: (line: string) => void;
  readonly clock: () => number;
  readonly pause: (ms: number) => Promise<void>;
};

/** All steps on the embedded parts, in a folder that nobody else holds: see `docs/adr/0015-another-pepper.md`. */
export const moveEmbedded = async (options: MoveOptions): Promise<void> => {
  const { config, go, show, say } = options;
  const { logGeneration: generation } = config;
  const folder = openDataFolder(config.dataDir);
  const file = join(folder.path, 'log.sqlite');
  let accounts: Accounts;
  let roles: readonly RoleName[];
  let isMoved: boolean;
  try {
    const seen = lookIntoLog(file);
    if (seen === null) throw new Error(`${folder.path} has no log: start with the pepper and the generation you want`);
    isMoved = seen.generation === generation + 1;
    if (!isMoved && seen.generation !== generation)
      throw new Error(`the log is of generation ${seen.generation}, and LOG_GENERATION says ${generation}`);
    accounts = accountsOf(options, pepperOfFolder(folder.path, config));
    // What is asked for by name runs to the end, too, where it has ever run.
    roles = seen.groups.has('archive') ? [...LOCAL_ROLES, 'archive'] : LOCAL_ROLES;
    show(
      new Map([
        ['records of the log', counted(seen.keys, accounts)],
        ['rows of the tables', counted(keysOfTables(join(folder.path, 'tables.sqlite')), accounts)],
      ]),
    );
  } finally {
    folder.close();
  }
  if (!go) {
    say('Nothing was written. What is of no account in the list stays under its key: nobody can ask for it then.');
    say('Once more with --go does it.');
    return;
  }
  if (isMoved) say(`The log is of generation ${generation + 1}: it was moved before.`);
  else {
    say('Folding what is left …');
    await foldAll(options, roles);
    say('Moving the log …');
    const held = openDataFolder(config.dataDir);
    try {
      const moved = moveLog({ file, generation, keyOf: (key) => accounts.moving.get(key) ?? key });
      say(`The log is of generation ${generation + 1}: ${moved} records.`);
    } finally {
      held.close();
    }
  }
  say('Moving rows …');
  const rows = await withEngine(options, generation + 1, (engine) => rowsOf(engine, config.partitions, accounts));
  say(`${rows} rows were moved.`);
  const held = openDataFolder(config.dataDir);
  try {
    for (const name of ['log.sqlite', 'tables.sqlite']) writeAnew(join(folder.path, name));
    for (const end of ['', '-wal', '-shm']) await rm(join(folder.path, `state.sqlite${end}`), { force: true });
  } finally {
    held.close();
  }
  say(`Done. Start with LOG_GENERATION=${generation + 1}, and with ACCOUNT_KEY_PEPPERS as it is.`);
};

/** SQLite overwrites what it deletes, but not what it left behind where it had moved a row to another page. */
const writeAnew = (file: string): void => {
  const db = new DatabaseSync(file);
  try {
    db.exec('pragma secure_delete = on; vacuum; pragma wal_checkpoint(truncate)');
  } finally {
    db.close();
  }
};

const accountsOf = ({ config, accounts }: MoveOptions, pepper: Uint8Array): Accounts => {
  const { logGeneration } = config;
  const [now, then] = [logGeneration, logGeneration + 1].map((one) =>
    peppersIn(config.accountKeyPeppers.reveal(), one),
  );
  const tenants = changedTenants(now ?? new Map(), then ?? new Map());
  if (tenants.size === 0)
    throw new Error(`ACCOUNT_KEY_PEPPERS gives nobody a pepper from there on: add tenant@${logGeneration + 1}=…`);
  return readAccounts(accounts, { tenants, now: accountKeys(pepper, now), then: accountKeys(pepper, then) });
};

const withEngine = async <T>(
  { config, clock }: MoveOptions,
  logGeneration: number,
  work: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const engine = await openEngine({
    config: { ...config, logGeneration },
    roles: LOCAL_ROLES,
    nodeId: 'pepper',
    clock,
    onTrouble: (error) => {
      throw error;
    },
    onCheckpointFailed: () => {},
  });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
};

/** As the services would: what is told of it is told under the old keys. */
const foldAll = (options: MoveOptions, roles: readonly RoleName[]): Promise<void> => {
  const { config, clock, pause } = options;
  return withEngine(options, config.logGeneration, async ({ log, store, table }) => {
    const processors = await startProcessors({
      ...{ roles, log, store, table, partitions: config.partitions, ledgerMs: config.ledgerMs, clock, pause },
      metrics: createMetrics({ process: false }),
      logger: createLog({ level: 'silent', base: {} }),
      tracing: { decided: () => {} },
    });
    try {
      await processors.caughtUp();
    } finally {
      await processors.close();
    }
  });
};

const rowsOf = async (
  { log, table, tables, sweep }: Engine,
  partitions: number,
  { moving }: Accounts,
): Promise<number> => {
  if (table === null) throw new Error('the embedded engine has tables');
  const ends = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => log.bounds('heartbeats.v1', partition)),
  );
  const newestOf = (key: string) => {
    const partition = partitionOf(key, partitions);
    return positionOf(partition, Math.max(0, (ends[partition]?.end ?? 0) - 1));
  };
  const moved = await moveRows({ table, tables, moving, newestOf });
  await sweep();
  return moved;
};
