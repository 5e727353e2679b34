import { valuesOf } from '../command.ts';
import type { RunOptions } from './run.ts';

export const USAGE = `npm run players -- [options]

Plays households against a Playbeat server and judges it by its replies alone: its decisions, and what it remembers of what
was watched. Both clocks have to be right to a second. The account's rule has to be the default one: --limit sessions at
a time, the newest is denied, the same device replaces.

  --url <address>     server under test              (http://127.0.0.1:8080)
  --accounts <n>      households                     (1000)
  --minutes <n>       length of the run, also 0.5    (2)
  --limit <n>         streams that a household may have (2)
  --rate <n>          households that come in per second (all within the first tenth of the run)
  --seed <n>          the same seed plays the same scripts (random, and printed)
  --speed <n>         times as fast as real time, for servers with the same option (1)
  --json              one JSON object at the end instead of the table
  --help`;

export type Options = {
  readonly json: boolean;
} & RunOptions;

/** A sentence about what is wrong, or the options; undefined when only the usage was asked for. */
export function readOptions(args: readonly string[]): Options | string | undefined {
  const values = valuesOf(args, {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    accounts: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '2' },
    limit: { type: 'string', default: '2' },
    rate: { type: 'string' },
    seed: { type: 'string' },
    speed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (typeof values === 'string') return values;
  if (values.help) return undefined;
  const { url } = values;
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:') return `--url has to be an http: address, not "${url}"`;

  const above0 = { minutes: values.minutes, speed: values.speed, rate: values.rate ?? '1' };
  for (const [name, given] of Object.entries(above0))
    if (!(Number(given) > 0 && Number(given) < Infinity)) return `--${name} has to be a number above 0, not "${given}"`;
  const seed = values.seed ?? String(Date.now() % 1_000_000);
  for (const [name, given] of Object.entries({ accounts: values.accounts, limit: values.limit, seed }))
    if (!/^\d{1,9}$/.test(given) || (name !== 'seed' && Number(given) < 1))
      return `--${name} has to be a whole number of at least 1, not "${given}"`;

  return {
    url,
    accounts: Number(values.accounts),
    minutes: Number(values.minutes),
    limit: Number(values.limit),
    rate: values.rate === undefined ? undefined : Number(values.rate),
    seed: Number(seed),
    speed: Number(values.speed),
    json: values.json,
  };
}
