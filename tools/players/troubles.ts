import { beatNow, cut, postBatch, quietly, scheduleBeat } from './beats.ts';
import { freeDevices, pickContent, running } from './household.ts';
import { fill, leaveAll, play, wait, type Scene } from './scenes.ts';
import { askElsewhere } from './remembered/elsewhere.ts';
import { newPlayer, start } from './starts.ts';
import { leave } from './stops.ts';

/** What breaks in a household: power, lids, networks, apps. */

const SECOND_MS = 1_000;
/** A silent session makes room at 22 s; who still asks after this gives up, and the oracle knows why. */
const PATIENCE_MS = 30 * SECOND_MS;

/** The app dies and is opened again on the same device, which has the slot already. */
export const crashAndRestart: Scene = async (household) => {
  const player = (household.rng.chance(0.5) ? (await fill(household))?.[0] : undefined) ?? (await play(household));
  if (player === undefined) return;
  await wait(household, 3 * SECOND_MS, 20 * SECOND_MS);
  cut(household, player);
  quietly(askElsewhere(household, player));
  await wait(household, 1 * SECOND_MS, 40 * SECOND_MS);
  const again = await start(household, player.device, { content: player.content });
  if (!again.admitted) return;
  await wait(household, 5 * SECOND_MS, 20 * SECOND_MS);
  await leave(household, again.player);
};

/** The television is cut off at the wall. Nobody notices, or somebody wants to see the rest on another device at once. */
export const cutAtTheWall: Scene = async (household) => {
  const { rng } = household;
  const content = rng.chance(0.7) ? pickContent(household, 'vod') : pickContent(household);
  const player = await play(household, { content });
  // Of a film, less than half a minute is not worth remembering.
  if (rng.chance(0.4)) await wait(household, 45 * SECOND_MS, 75 * SECOND_MS);
  else await wait(household, 5 * SECOND_MS, 25 * SECOND_MS);
  if (player?.running !== true) return;
  // At some moment of its rhythm, or just after a beat: then it shows how soon that can be read.
  if (rng.chance(0.5)) await beatNow(household, player);
  if (!player.running) return;
  cut(household, player);
  await askElsewhere(household, player);
};

/** Somebody stands at the door of a silent session: let in 22 s after its last beat, not later. */
export const atTheDoor: Scene = async (household) => {
  const { stage, rng, devices } = household;
  const players = await fill(household);
  if (players === undefined) return;
  await wait(household, 2 * SECOND_MS, 14 * SECOND_MS);
  const silent = running(household)[0];
  if (silent === undefined) return;
  cut(household, silent);
  quietly(askElsewhere(household, silent));
  const others = devices.filter((device) => device !== silent.device && freeDevices(household).includes(device));
  const device = rng.pick(others);
  while (stage.pace.nowMs() - silent.lastAckMs < PATIENCE_MS) {
    const started = await start(household, device);
    if (started.admitted) {
      stage.tally.count('let in at the door of a silent session');
      break;
    }
    await wait(household, 1_500, 5_000);
  }
  await wait(household, 2 * SECOND_MS, 15 * SECOND_MS);
  await leaveAll(household);
};

/** A laptop sleeps longer than its lease and beats on with its old session when the lid is opened. */
export const laptopSleep: Scene = async (household) => {
  const { rng } = household;
  const laptop = await play(household);
  if (laptop === undefined) return;
  await wait(household, 5 * SECOND_MS, 25 * SECOND_MS);
  if (!laptop.running) return;
  cut(household, laptop);
  quietly(askElsewhere(household, laptop));
  const asleep = wait(household, 24 * SECOND_MS, 60 * SECOND_MS);
  quietly(asleep); // the run may end before anybody waits for it
  if (rng.chance(0.6)) {
    await wait(household, 1 * SECOND_MS, 25 * SECOND_MS);
    for (const device of freeDevices(household).filter((other) => other !== laptop.device)) {
      if (running(household).length >= household.stage.limit) break;
      await play(household, { device });
    }
  }
  await asleep;
  laptop.running = true;
  household.players.add(laptop);
  scheduleBeat(household, laptop);
  await beatNow(household, laptop);
  await wait(household, 8 * SECOND_MS, 30 * SECOND_MS);
  household.stage.tally.count(laptop.running ? 'came back and went on' : `came back: ${laptop.stoppedBy ?? '-'}`);
  await leaveAll(household);
};

/** A film watched offline: its queue comes hours later, claims nothing and holds nothing, so all slots stay free. */
export const offlineQueue: Scene = async (household) => {
  const { rng, devices } = household;
  const device = devices.at(-1);
  if (device === undefined || !freeDevices(household).includes(device)) return;
  const player = newPlayer(household, device, pickContent(household, 'vod'));
  const beats = Array.from({ length: rng.between(3, 30) }, (_, index) => ({
    sequence: index + 1,
    state: index === 0 ? 'starting' : 'playing',
    positionMs: player.positionMs + index * 10 * SECOND_MS,
    ageMs: 0,
    fresh: true,
  }));
  const oldest = 30 * SECOND_MS + beats.length * 10 * SECOND_MS;
  const aged = beats.map((beat, index) => ({ ...beat, ageMs: oldest - index * 10 * SECOND_MS }));
  await postBatch(household, player, aged);
  await wait(household, 500, 3_000);
  await fill(household);
  await wait(household, 5 * SECOND_MS, 15 * SECOND_MS);
  await leaveAll(household);
};
