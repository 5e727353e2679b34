import { openEngine, type Engine } from '../../services/engines.ts';
import { startProcessors } from '../../services/processors.ts';
import { groupsOf, type RoleName, ROLE_NAMES } from '../../services/roles.ts';
import type { TableName } from '../../schemas/tables.ts';
import type { Config } from '../../shared/config/config.ts';
import { accountKeys, peppersIn } from '../../shared/identity/account-keys.ts';
import type { LogSeen } from '../../shared/log/move.ts';
import { partitionOf } from '../../shared/log/partition.ts';
import { positionOf } from '../../shared/log/position.ts';
import type { Table } from '../../shared/table/table.ts';
import { createLog } from '../../shared/telemetry/log.ts';
import { createMetrics } from '../../shared/telemetry/metrics.ts';
import { type Accounts, changedTenants, readAccounts } from './accounts.ts';
import { type Counted, counted } from './look.ts';
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

/** What the steps are, on the parts of an installation. Each may be done again. */
export type Parts = {
  /** What there is, before anything is written. */
  look(): Promise<Seen>;
  /** Throws where a service runs. */
  checkStopped(): Promise<void>;
  /** Hears of what passes by itself while the rest is folded. */
  onTrouble(error: unknown): void;
  /** All or nothing; answers how many records were moved. */
  moveLog(keyOf: (key: string) => string): Promise<number>;
  /** With the log of the next generation. */
  withRows(seen: LogSeen, work: (rows: Rows) => Promise<number>): Promise<number>;
  /** Forgets the state and all of the log before: what folds keep is made again from the new log. */
  forgetBefore(): Promise<void>;
};

export type Seen = {
  /** Where there is none, there is nothing to be moved. */
  readonly log: LogSeen | null;
  /** How many rows each key has. */
  readonly rows: ReadonlyMap<string, number>;
  readonly pepper: Uint8Array;
};

export type Rows = {
  readonly table: Pick<Table, 'list' | 'put'>;
  readonly tables: readonly TableName[];
  remove(table: TableName, key: string): Promise<void>;
  /** Where `heartbeats.v1` ends in each partition. */
  readonly ends: readonly number[];
};

/** All steps: see `docs/adr/0015-another-pepper.md`. */
export const moveAll = async (parts: Parts, options: MoveOptions): Promise<void> => {
  const { config, go, show, say } = options;
  const { logGeneration: generation, partitions } = config;
  const { log, rows, pepper } = await parts.look();
  if (log === null) throw new Error('there is no log: start with the pepper and the generation you want');
  const isMoved = log.generation === generation + 1;
  if (!isMoved && log.generation !== generation)
    throw new Error(`the log is of generation ${log.generation}, and LOG_GENERATION says ${generation}`);
  const accounts = accountsOf(options, pepper);
  show(
    new Map([
      ['records of the log', counted(log.keys, accounts)],
      ['rows of the tables', counted(rows, accounts)],
    ]),
  );
  if (!go) {
    say('Nothing was written. What is of no account in the list stays under its key: nobody can ask for it then.');
    say('Once more with --go does it.');
    return;
  }
  await parts.checkStopped();
  if (isMoved) say(`The log is of generation ${generation + 1}: it was moved before.`);
  else {
    say('Folding what is left …');
    await foldAll(parts, options, rolesIn(log.groups));
    say('Moving the log …');
    const moved = await parts.moveLog((key) => accounts.moving.get(key) ?? key);
    say(`The log is of generation ${generation + 1}: ${moved} records.`);
  }
  say('Moving rows …');
  const moved = await parts.withRows(log, ({ ends, ...of }) => {
    const newestOf = (key: string) => {
      const partition = partitionOf(key, partitions);
      return positionOf(partition, Math.max(0, (ends[partition] ?? 0) - 1));
    };
    return moveRows({ ...of, moving: accounts.moving, newestOf });
  });
  say(`${moved} rows were moved.`);
  await parts.forgetBefore();
  say(`Done. Start with LOG_GENERATION=${generation + 1}, and with ACCOUNT_KEY_PEPPERS as it is.`);
};

const accountsOf = ({ config, accounts }: MoveOptions, pepper: Uint8Array): Accounts => {
  const { logGeneration } = config;
  const peppers = config.accountKeyPeppers.reveal();
  const [now, then] = [peppersIn(peppers, logGeneration), peppersIn(peppers, logGeneration + 1)];
  const tenants = changedTenants(now, then);
  if (tenants.size === 0)
    throw new Error(`ACCOUNT_KEY_PEPPERS gives nobody a pepper from there on: add tenant@${logGeneration + 1}=…`);
  return readAccounts(accounts, { tenants, now: accountKeys(pepper, now), then: accountKeys(pepper, then) });
};

/** Those that have ever run here, what is asked for by name among them. */
export const rolesIn = (groups: ReadonlySet<string>): readonly RoleName[] =>
  ROLE_NAMES.filter((role) => groupsOf(role).some((group) => groups.has(group)));

export const withEngine = async <T>(
  {
    config,
    clock,
    roles,
    onTrouble,
  }: Pick<MoveOptions, 'config' | 'clock'> & {
    readonly roles: readonly RoleName[];
    readonly onTrouble: (error: unknown) => void;
  },
  work: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const engine = await openEngine({ config, roles, nodeId: 'pepper', clock, onTrouble, onCheckpointFailed: () => {} });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
};

/** How often it is waited for that all is folded, each time as long as a start does. */
const TIMES = 30;
const LOOK_MS = 200;

/** As the services would: what is told of it is told under the old keys. */
const foldAll = (
  { onTrouble }: Parts,
  { config, clock, pause }: MoveOptions,
  roles: readonly RoleName[],
): Promise<void> =>
  withEngine({ config, clock, roles, onTrouble }, async ({ log, store, table }) => {
    const processors = await startProcessors({
      ...{ roles, log, store, table, partitions: config.partitions, ledgerMs: config.ledgerMs, clock, pause },
      metrics: createMetrics({ process: false }),
      logger: createLog({ level: 'silent', base: {} }),
      tracing: { decided: () => {} },
    });
    const isLate = (): boolean =>
      processors
        .status()
        .some(
          ({ partitions }) =>
            partitions.length < config.partitions ||
            partitions.some(({ state, offset, end }) => state !== 'failed' && offset < end),
        );
    try {
      await processors.caughtUp();
      // A log that is far away gives its partitions when it has heard of the new member.
      for (let times = 1; times < TIMES && isLate(); times += 1) {
        await pause(LOOK_MS);
        await processors.caughtUp();
      }
    } finally {
      await processors.close();
    }
  });
