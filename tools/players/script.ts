import { freeDevices, running, type Household } from './household.ts';
import { RunOver } from './pace.ts';
import { pickWeighted, type Weighted } from './prng.ts';
import { askForView } from './remembered/ask.ts';
import * as scenes from './scenes.ts';
import { leaveAll, wait, type Scene } from './scenes.ts';
import { leave } from './stops.ts';
import * as troubles from './troubles.ts';

/** What can happen, and how often: this list is the script of every household. */
export const SCENES: readonly Weighted<{ readonly name: string; readonly scene: Scene }>[] = [
  { weight: 20, item: { name: 'watch', scene: scenes.watch } },
  { weight: 14, item: { name: 'zap', scene: scenes.zap } },
  { weight: 12, item: { name: 'third device', scene: scenes.thirdDevice } },
  { weight: 10, item: { name: 'pause and seek', scene: scenes.pauseAndSeek } },
  { weight: 8, item: { name: 'at the door', scene: troubles.atTheDoor } },
  { weight: 7, item: { name: 'rush', scene: scenes.rush } },
  { weight: 7, item: { name: 'crash and restart', scene: troubles.crashAndRestart } },
  { weight: 6, item: { name: 'laptop sleep', scene: troubles.laptopSleep } },
  { weight: 6, item: { name: 'cast', scene: scenes.cast } },
  { weight: 5, item: { name: 'cut at the wall', scene: troubles.cutAtTheWall } },
  { weight: 5, item: { name: 'remote stop', scene: scenes.remoteStop } },
  { weight: 5, item: { name: 'offline queue', scene: troubles.offlineQueue } },
];

/** How often somebody looks at a view while others are being watched. */
const VIEW_SHARE = 0.25;

/**
 * Plays a household until the run is over, then stops what still plays. The first scene goes round, so that even a
 * few households play everything once.
 */
export async function playHousehold(household: Household, turn: number): Promise<void> {
  const { stage, rng } = household;
  try {
    let next = SCENES[turn % SCENES.length]?.item;
    for (;;) {
      next ??= pickWeighted(rng, SCENES);
      stage.tally.count(`scene ${next.name}`);
      await next.scene(household);
      next = undefined;
      if (rng.chance(VIEW_SHARE)) await askForView(household);
      if (freeDevices(household).length < 2 || running(household).length > stage.limit) await leaveAll(household);
      await wait(household, 200, 4_000);
    }
  } catch (error) {
    if (!(error instanceof RunOver)) throw error;
  }
  await Promise.allSettled(running(household).map((player) => leave(household, player)));
}
