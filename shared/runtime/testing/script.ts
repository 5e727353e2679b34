import fc from 'fast-check';
import type { StreamDecided } from '../../../schemas/generated/records.ts';
import type { TestDriver } from '../test-driver.ts';
import { forget, poke, policy } from './counting.ts';

/** What happens to one partition: the same script gives the same log. */
export type Step =
  | { readonly do: 'poke'; readonly key: string; readonly wakeInMs: number }
  | { readonly do: 'forget'; readonly key: string }
  | { readonly do: 'wait'; readonly ms: number; readonly shedding: boolean }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'policy'; readonly version: number }
  | { readonly do: 'broken' };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('poke'), key, wakeInMs: fc.constantFrom(0, 1, 500, 1_000, 3_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget'), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1, 500, 1_000, 4_000),
      shedding: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump'), ms: fc.constantFrom(-3_000, 700, 60_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy'), version: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('broken') }) },
);
export const aScript: fc.Arbitrary<readonly Step[]> = fc.array(aStep, { minLength: 1, maxLength: 25 });

export const play = (driver: TestDriver<unknown>, script: readonly Step[]): void => {
  for (const step of script) {
    if (step.do === 'poke') driver.append(step.key, poke(step.wakeInMs));
    else if (step.do === 'forget') driver.append(step.key, forget);
    else if (step.do === 'wait') driver.advance(step.ms, step);
    else if (step.do === 'jump') driver.setNow(driver.now() + step.ms);
    else if (step.do === 'policy') driver.append(null, policy(step.version));
    else driver.appendBytes('a', Uint8Array.of(9));
  }
  // So that what is compared has been committed: a batch of ticks alone is not, within a second.
  driver.append('z', poke());
};

/** What the same log must come to, however it was folded. */
export const result = (driver: TestDriver<unknown>): unknown => {
  const { rows, checkpoint } = driver.view(['a', 'b', 'c', 'd', 'z']);
  return { rows, checkpoint: { ...checkpoint, rebuild: null }, outputs: distinct(driver.outputs) };
};

/** Each output once, in the order of first sending; a repeat must be what it repeats. */
export const distinct = (outputs: readonly StreamDecided[]): readonly StreamDecided[] => {
  const byId = new Map<string, StreamDecided>();
  for (const output of outputs) {
    const before = byId.get(output.id);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(output)) {
      throw new Error(`${output.id} was sent again with another content`);
    }
    byId.set(output.id, output);
  }
  return [...byId.values()].sort((a, b) => order(a) - order(b));
};

const order = ({ id }: StreamDecided): number => {
  const [, cause = '', index = ''] = id.split(':');
  return Number(cause.split('.')[2]) * 1_000 + Number(index);
};
