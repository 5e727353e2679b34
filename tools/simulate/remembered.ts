import { audiencesOf } from './audiences.ts';
import { createFollower, type Fold } from './follower.ts';
import { pointsFold } from './points.ts';
import { BATCH_MS, faultsOf, type Remembered, type RememberedParts } from './remembered-parts.ts';
import type { SimLog } from './sim-log.ts';
import { viewsFold } from './views.ts';

/** Each day has one of them: all of them would cost more than what the days are for. */
export const rememberedOf = (parts: RememberedParts): Remembered =>
  parts.rng.fork(0).pick([pointsOf, audiencesOf, viewsOf])({ ...parts, log: untrimmed(parts.log) });

const pointsOf = (parts: RememberedParts): Remembered => alone(pointsFold(parts.engine, parts.key), parts);
const viewsOf = (parts: RememberedParts): Remembered => alone(viewsFold(parts.engine, parts.wasSteady), parts);

const alone = (fold: Fold, parts: RememberedParts): Remembered => {
  const place = { partition: 0, keys: [parts.key], batchMs: BATCH_MS, faultRate: faultsOf(parts) };
  const follower = createFollower(fold, { ...parts, ...place });
  return { followers: [follower], finish: follower.finish, recounts: () => 0 };
};

/** The topic keeps a day. What the simulated retention takes before that, it takes from concurrency, which needs ten minutes. */
const untrimmed = (log: SimLog): SimLog => ({
  ...log,
  first: () => 0,
  offsetAt: (atMs) => {
    const at = log.records.findIndex(({ appendedAtMs }) => appendedAtMs >= atMs);
    return at === -1 ? log.end() : at;
  },
});
