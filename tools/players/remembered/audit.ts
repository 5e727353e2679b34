import type { Stage } from '../household.ts';
import type { Prng } from '../prng.ts';
import { askForAudience, askForShelves, askForViews } from './ask.ts';
import type { Account, Viewing } from './truth.ts';

/** So many accounts are asked about at a time. */
const AT_A_TIME = 16;
const EVERY_MS = 15_000;
const CONTENTS_AT_THE_END = 12;
const WINDOWS_MINUTES = [5, 60] as const;

/** Everything that was watched, once nobody watches any more. */
export async function askForEverything(stage: Stage, accounts: readonly Account[], rng: Prng): Promise<void> {
  const waiting = [...accounts];
  const work = async (): Promise<void> => {
    for (let account = waiting.pop(); account !== undefined; account = waiting.pop()) {
      await askForShelves(stage, account);
      await askForViews(stage, account);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  for (const contentId of someContents(accounts, rng, CONTENTS_AT_THE_END))
    for (const windowMinutes of WINDOWS_MINUTES) await askForAudience(stage, accounts, { contentId, windowMinutes });
}

/** Every quarter of a minute of the run, of a few contents; ends with the run, by its `RunOver`. */
export async function askForAudiences(stage: Stage, accounts: readonly Account[], rng: Prng): Promise<never> {
  for (;;) {
    await stage.pace.sleep(EVERY_MS);
    for (const contentId of someContents(accounts, rng, 2))
      await askForAudience(stage, accounts, { contentId, windowMinutes: rng.pick(WINDOWS_MINUTES) });
  }
}

/** Half of them what most watch, the others whatever somebody watches. */
function someContents(accounts: readonly Account[], rng: Prng, count: number): ReadonlySet<string> {
  const watchers = new Map<string, number>();
  for (const { viewings } of accounts)
    for (const { content } of viewings as readonly Viewing[])
      watchers.set(content.id, (watchers.get(content.id) ?? 0) + 1);
  const all = [...watchers].sort(([, a], [, b]) => b - a).map(([contentId]) => contentId);
  const chosen = new Set(all.slice(0, count / 2));
  for (let draw = 0; draw < count && chosen.size < Math.min(count, all.length); draw += 1) chosen.add(rng.pick(all));
  return chosen;
}
