/** Randomness that a seed repeats: the same seed gives the same households with the same scripts. */
export type Prng = {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number, both ends included. */
  between(low: number, high: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** A generator of its own, so that what one household does moves no other. */
  fork(salt: number): Prng;
};

export function createPrng(seed: number): Prng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (share) => next() < share,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    fork: (salt) => createPrng(Math.imul(seed ^ 0x9e3779b9, salt * 2 + 1) ^ (salt * 0x85ebca6b)),
  };
}

export type Weighted<T> = {
  readonly weight: number;
  readonly item: T;
};

export function pickWeighted<T>(rng: Prng, choices: readonly Weighted<T>[]): T {
  let left = rng.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice.item;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError('nothing to pick from');
  return last.item;
}
