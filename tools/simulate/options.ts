import { valuesOf } from '../command.ts';

export const USAGE = `npm run simulate -- [options]

Plays one household per seed over a day, in virtual time, against the real fold, loop and store, while everything that
can go wrong does. Each record is judged by an oracle of its own. The same seed does the same.

  --seeds <n>      how many seeds                        (1000)
  --from <n>       the first of them                     (1)
  --seed <n>       this seed alone, with what happened last
  --hours <n>      length of the day                     (24)
  --workers <n>    threads                               (2)
  --mutations      put in each bug of docs/reference/mutations.md and say what caught it
  --every <n>      of the bugs one in so many            (1)
  --json           one JSON object at the end instead of the table
  --help`;

export type Options = {
  readonly from: number;
  readonly seeds: number;
  readonly alone: boolean;
  readonly hours: number;
  readonly workers: number;
  readonly mutations: boolean;
  readonly every: number;
  readonly json: boolean;
};

/** A sentence about what is wrong, or the options; undefined when only the usage was asked for. */
export const readOptions = (args: readonly string[]): Options | string | undefined => {
  const values = valuesOf(args, {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    hours: { type: 'string', default: '24' },
    workers: { type: 'string', default: '2' },
    mutations: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (typeof values === 'string') return values;
  if (values.help) return undefined;
  const { seed, mutations, json } = values;
  const numbers = { seeds: values.seeds, from: seed ?? values.from, workers: values.workers, every: values.every };
  for (const [name, given] of Object.entries(numbers)) {
    if (!/^\d{1,9}$/.test(given) || Number(given) < 1)
      return `--${name} has to be a whole number of at least 1, not "${given}"`;
  }
  const hours = Number(values.hours);
  if (!(hours > 0 && hours <= 240)) return `--hours has to be a number above 0 and at most 240, not "${values.hours}"`;
  const alone = seed !== undefined;
  return {
    from: Number(numbers.from),
    seeds: alone ? 1 : Number(values.seeds),
    alone,
    hours,
    workers: Number(values.workers),
    mutations,
    every: Number(values.every),
    json,
  };
};
