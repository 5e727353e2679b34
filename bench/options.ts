import { parseArgs } from 'node:util';
import { isRowId, ROW_IDS, type RowId } from './catalogue.ts';

export type BenchOptions = {
  readonly rounds: number;
  /** Length of one measurement over HTTP, and the measure of how much the others do. */
  readonly seconds: number;
  /** Accounts of the rows without HTTP. */
  readonly accounts: number;
  /** Client and server each on a core of its own, where the machine can do that. */
  readonly pin: boolean;
};

export type Asked = { readonly options: BenchOptions; readonly ids: readonly RowId[]; readonly json: boolean };

export const USAGE = `npm run bench -- [--json] [--rounds 3] [--seconds 4] [--accounts 50000] [--no-pin] [${ROW_IDS.join(' ')}]`;

/** Throws with a sentence for whoever typed it. */
export const readOptions = (args: readonly string[]): Asked => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      accounts: { type: 'string', default: '50000' },
      pin: { type: 'boolean', default: true },
    },
  });
  const unknown = positionals.filter((word) => !isRowId(word));
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}`);
  const number = (name: 'rounds' | 'seconds' | 'accounts', least: number): number => {
    const value = Number(values[name]);
    if (!(value >= least)) throw new Error(`--${name} must be a number of at least ${least}`);
    return value;
  };
  return {
    json: values.json,
    ids: positionals.length === 0 ? ROW_IDS : positionals.filter(isRowId),
    options: {
      rounds: Math.round(number('rounds', 1)),
      seconds: number('seconds', 0.05),
      accounts: Math.round(number('accounts', 100)),
      pin: values.pin,
    },
  };
};
