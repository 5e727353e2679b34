import { readFileSync } from 'node:fs';
import Table from 'cli-table3';
import { readConfig } from '../../shared/config/config.ts';
import { valuesOf } from '../command.ts';
import { withClusterParts } from './cluster.ts';
import { embeddedParts } from './embedded.ts';
import type { Counted } from './look.ts';
import { moveAll, type MoveOptions } from './move.ts';

/**
 * npm run pepper -- --accounts <file, or - for what is piped in> [--go]
 *
 * Moves what is kept of accounts from LOG_GENERATION into the next generation, in which tenants have the peppers that
 * ACCOUNT_KEY_PEPPERS gives them from there on. Services are stopped; the environment is theirs. A line of the file is
 * `tenant,accountId`. Without --go it says what it would do, and writes nothing.
 */
type Fail = (lines: readonly string[], code: number) => never;
const fail: Fail = (lines, code) => {
  for (const line of lines) console.error(line);
  process.exit(code);
};
const asked = valuesOf(process.argv.slice(2), {
  accounts: { type: 'string' },
  go: { type: 'boolean', default: false },
});
if (typeof asked === 'string' || asked.accounts === undefined)
  fail(['npm run pepper -- --accounts <file of tenant,accountId, or -> [--go]'], 2);

const read = readConfig(process.env);
if (!read.ok) fail(read.errors, 1);
const { config } = read;

const show = (found: ReadonlyMap<string, Counted>): void => {
  const table = new Table({
    head: ['Of', 'Moves', 'Stays as it is', 'Of no account in the list', 'Their keys'],
    style: { head: [], border: [] },
  });
  for (const [of, { moving, staying, unknown, unknownKeys }] of found)
    table.push([of, moving, staying, unknown, unknownKeys]);
  console.log(table.toString());
};

try {
  const options: MoveOptions = {
    config,
    accounts: readFileSync(asked.accounts === '-' ? 0 : asked.accounts, 'utf8'),
    go: asked.go,
    show,
    say: (line) => console.log(line),
    clock: () => Date.now(),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  if (config.cluster === null) await moveAll(embeddedParts(options), options);
  else await withClusterParts(options, config.cluster, (parts) => moveAll(parts, options));
} catch (error) {
  fail([error instanceof Error ? error.message : String(error)], 1);
}
