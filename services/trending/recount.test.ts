import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AudienceCounted } from '../../schemas/generated/records.ts';
import { Crashed, type Sent } from '../../shared/runtime/test-driver.ts';
import { keyOf, START_MS, town, type Town } from './testing/town.ts';

/** Each slice of an evening is some seconds of one account at one title. */
type Slice = {
  readonly account: number;
  readonly content: string;
  readonly country: string;
  readonly beats: number;
  readonly how: 'plays' | 'stands still' | 'is denied' | 'is paused';
  readonly waits: number;
};
const slice: fc.Arbitrary<Slice> = fc.record({
  account: fc.nat({ max: 5 }),
  content: fc.constantFrom('a', 'b'),
  country: fc.constantFrom('DE', 'FR'),
  beats: fc.integer({ min: 1, max: 4 }),
  how: fc.constantFrom('plays', 'plays', 'plays', 'stands still', 'is denied', 'is paused'),
  waits: fc.constantFrom(0, 0, 10, 70, 400),
});
const evening = fc.array(slice, { minLength: 1, maxLength: 14 });

/** Who was seen to play what, when and from where; nothing else is needed to count again. */
type Fact = { readonly account: number; readonly content: string; readonly country: string; readonly minute: number };

/** Each slice is a session of its own, so that its first beat is a first one. Answers what was played. */
const play = (home: Town, slices: readonly Slice[], then: () => void = () => undefined): readonly Fact[] => {
  const facts: Fact[] = [];
  slices.forEach(({ account, content, country, beats, how, waits }, n) => {
    for (let i = 0; i < beats; i += 1) {
      home.beat(account, {
        sessionId: `s${n}`,
        contentId: content,
        country,
        ...(how === 'stands still' ? { positionMs: 7 } : {}),
        ...(how === 'is denied' ? { lastDecision: 'LIMIT_REACHED' } : {}),
        ...(how === 'is paused' ? { state: 'paused' as const } : {}),
      });
      if (how === 'plays' && i > 0) {
        const minute = Math.floor(home.audience.now() / 60_000);
        facts.push({ account, content, country, minute });
      }
      then();
      home.silence(10);
    }
    home.silence(waits);
  });
  // All that is still to be told has been, and the minute has not changed since.
  home.silence(20);
  if (home.audience.now() % 60_000 < 20_000) home.silence(20);
  return facts;
};

/** Accounts in the last N whole minutes and the one that runs, and by country, each where it was last. */
const recounted = (facts: readonly Fact[], content: string, nowMs: number): readonly unknown[] =>
  [1, 5, 60, 1_440].map((minutes) => {
    const now = Math.floor(nowMs / 60_000);
    const first = minutes === 1_440 ? Math.floor((now - minutes) / 15) * 15 : now - minutes;
    const where = new Map<number, string>();
    const counted = new Set<string>();
    // Within a minute an account counts once, by the first beat of it.
    for (const fact of facts.filter((f) => f.content === content && f.minute >= first)) {
      const once = `${fact.account} ${fact.minute}`;
      if (!counted.has(once)) where.set(fact.account, fact.country);
      counted.add(once);
    }
    const byCountry: Record<string, number> = {};
    for (const country of where.values()) byCountry[country] = (byCountry[country] ?? 0) + 1;
    return { audience: where.size, byCountry };
  });
const told = (count: AudienceCounted): readonly unknown[] =>
  count.windows.map(({ audience, byCountry }) => ({ audience, byCountry }));

const compare = (home: Town, facts: readonly Fact[]): void => {
  for (const content of ['a', 'b']) {
    const wanted = recounted(facts, content, home.audience.now());
    if (facts.some((f) => f.content === content)) expect(told(home.counted(content))).toEqual(wanted);
  }
};

/** The rows of both folds, and what was told, each thing once. */
const rowsOf = (home: Town): unknown => [
  home.sources.map((source) => [0, 1, 2, 3, 4, 5].map((account) => source.state(keyOf(account)) ?? null)),
  ['a', 'b'].map((content) => home.audience.state(content) ?? null),
];

describe('what is told of an audience', () => {
  it('is what a plain recount of the beats says, over an evening of accounts', () => {
    fc.assert(
      fc.property(evening, fc.integer({ min: 1, max: 3 }), (slices, partitions) => {
        const home = town(partitions);
        compare(home, play(home, slices));
      }),
      { numRuns: 30 },
    );
  });

  it('is the same with moves that are delivered late, in another order of partitions, and more than once', () => {
    fc.assert(
      fc.property(evening, fc.infiniteStream(fc.nat({ max: 9 })), (slices, random) => {
        const before: Sent[][] = [[], [], []];
        const next = (): number => random.next().value as number;
        const home = town(3, (queues) => {
          // Each partition says again what it said last, and what is new; one goes first, then another.
          const parts = queues.map((queue, i) => {
            const again = before[i]!.slice(-1 - next());
            before[i]!.push(...queue);
            return next() < 3 ? [...again, ...queue, ...queue] : [...queue];
          });
          const mixed: Sent[] = [];
          for (let left = parts; left.length > 0; left = left.filter((part) => part.length > 0))
            mixed.push(...left[next() % left.length]!.splice(0, 1 + next()));
          return mixed;
        });
        compare(home, play(home, slices));
      }),
      { numRuns: 30 },
    );
  });

  it('is the same after crashes of both folds, which send again what they had sent', () => {
    const crash = fc.record({ step: fc.nat({ max: 5 }), applied: fc.boolean(), which: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(evening, fc.array(crash, { minLength: 1, maxLength: 8 }), (slices, crashes) => {
        const home = town(2);
        const left = [...crashes];
        const facts = play(home, slices, () => {
          const next = left.pop();
          if (next === undefined) return;
          const driver = [...home.sources, home.audience][next.which]!;
          try {
            driver.fold({ batch: 2, crash: next });
          } catch (error) {
            if (!(error instanceof Crashed)) throw error;
          }
          driver.crash();
        });
        compare(home, facts);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a replay', () => {
  it('of any part of the log, twice, and cut into any batches, gives the same rows and figures', () => {
    fc.assert(
      fc.property(evening, fc.nat({ max: 100 }), fc.integer({ min: 1, max: 50 }), (slices, percent, batch) => {
        const home = town(2);
        play(home, slices);
        const [first] = home.sources;
        const rows = rowsOf(home);
        const counts = [...home.audience.counts];
        for (const driver of [...home.sources, home.audience]) {
          driver.wipe();
          driver.fold({ until: Math.floor((driver.log.length * percent) / 100), batch });
          driver.wipe();
          driver.fold({ batch });
        }
        expect(rowsOf(home)).toEqual(rows);
        // The group had come to the end: nothing was sent again.
        expect(home.audience.counts).toEqual(counts);

        const fresh = town(2);
        for (const [i, driver] of [...home.sources, home.audience].entries()) {
          const copy = [...fresh.sources, fresh.audience][i]!;
          for (const { key, value, appendedAtMs } of driver.log) {
            copy.setNow(appendedAtMs);
            copy.appendBytes(key, value);
          }
          copy.fold({ batch });
        }
        expect(rowsOf(fresh)).toEqual(rows);
        expect(fresh.audience.counts).toEqual(counts);
        expect(fresh.sources[0]!.moves).toEqual(first!.moves);
      }),
      { numRuns: 30 },
    );
  });
});

describe('nobody', () => {
  it('is counted twice in a window, nor stays when it is over: a viewer who watched for an hour', () => {
    const home = town();
    for (let i = 0; i < 360; i += 1) {
      home.beat(0);
      home.silence(10);
      expect(home.audience.counts.every(({ windows }) => windows.every(({ audience }) => audience <= 1))).toBe(true);
    }
    home.silence(30);
    const minutes: (readonly number[])[] = [];
    for (let minute = 0; minute < 63; minute += 1) {
      minutes.push(home.audiences());
      home.silence(60);
    }
    const left = [0, 1, 2].map((window) => minutes.findIndex((audiences) => audiences[window] === 0));
    expect([home.audience.now() - START_MS, left]).toEqual([123.5 * 60_000, [1, 5, 60]]);
  });
});
