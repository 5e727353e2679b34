import { change, cut, quietly } from './beats.ts';
import {
  freeDevices,
  pickContent,
  running,
  type Content,
  type Device,
  type Household,
  type Player,
} from './household.ts';
import { start } from './starts.ts';
import { leave, listSessions, stop } from './stops.ts';

/** What goes on in a household when nothing breaks. The troubles are in `troubles.ts`. */
export type Scene = (household: Household) => Promise<void>;

const SECOND_MS = 1_000;

export const wait = ({ stage, rng }: Household, lowMs: number, highMs: number): Promise<void> =>
  stage.pace.sleep(rng.between(lowMs, highMs));

export async function play(
  household: Household,
  { device, content }: { readonly device?: Device; readonly content?: Content } = {},
): Promise<Player | undefined> {
  const chosen = device ?? household.rng.pick(freeDevices(household));
  const started = await start(household, chosen, content === undefined ? {} : { content });
  return started.admitted ? started.player : undefined;
}

/** Lets as many devices play as the limit allows; undefined when a silent one of an earlier scene still holds a slot. */
export async function fill(household: Household): Promise<readonly Player[] | undefined> {
  for (const device of freeDevices(household)) {
    if (running(household).length >= household.stage.limit) break;
    if ((await play(household, { device })) === undefined) return undefined;
  }
  return running(household);
}

export async function leaveAll(household: Household): Promise<void> {
  await Promise.all(running(household).map((player) => leave(household, player)));
}

export const watch: Scene = async (household) => {
  const player = await play(household);
  await wait(household, 15 * SECOND_MS, 50 * SECOND_MS);
  // Now and then somebody just goes on watching while the next thing happens.
  if (player?.running === true && !household.rng.chance(0.25)) await leave(household, player);
};

/** One device through many channels: never blocked, because the device has its slot. */
export const zap: Scene = async (household) => {
  const { rng } = household;
  const device = rng.pick(household.devices);
  const channels = rng.chance(0.15) ? 64 : rng.between(3, 14);
  for (let channel = 0; channel < channels; channel += 1) {
    const started = await start(household, device, { content: pickContent(household, 'live') });
    if (!started.admitted) return;
    await wait(household, 200, rng.chance(0.2) ? 6_000 : 1_200);
    // Some apps say goodbye first, and do not wait for the answer.
    if (rng.chance(0.2)) quietly(leave(household, started.player));
  }
  await wait(household, 5 * SECOND_MS, 25 * SECOND_MS);
};

export const pauseAndSeek: Scene = async (household) => {
  const { rng } = household;
  const started = await start(household, rng.pick(freeDevices(household)), { content: pickContent(household, 'vod') });
  if (!started.admitted) return;
  const { player } = started;
  for (let turn = rng.between(1, 4); turn > 0 && player.running; turn -= 1) {
    await wait(household, 4 * SECOND_MS, 15 * SECOND_MS);
    if (rng.chance(0.5)) {
      await change(household, player, 'paused');
      await wait(household, 3 * SECOND_MS, 40 * SECOND_MS);
    } else {
      await change(household, player, 'seeking');
      player.positionMs = Math.max(0, player.positionMs + rng.between(-300, 300) * SECOND_MS);
      await wait(household, 200, 900);
    }
    if (player.running) await change(household, player, 'playing');
  }
  if (player.running) await leave(household, player);
};

/** Over the limit: denied, and let in as soon as a slot was freed by a stop. */
export const thirdDevice: Scene = async (household) => {
  const { rng } = household;
  const players = await fill(household);
  if (players === undefined) return;
  await wait(household, 1 * SECOND_MS, 12 * SECOND_MS);
  const third = rng.pick(freeDevices(household));
  await start(household, third);
  await wait(household, 500, 4_000);
  const first = running(household)[0];
  if (first !== undefined) await leave(household, first);
  await play(household, { device: third });
  await wait(household, 5 * SECOND_MS, 20 * SECOND_MS);
  await leaveAll(household);
};

/** Everybody comes home and presses play in the same moment. */
export const rush: Scene = async (household) => {
  if (household.rng.chance(0.7)) await leaveAll(household);
  const devices = freeDevices(household).slice(0, household.stage.limit + 1);
  await Promise.all(devices.map((device) => start(household, device)));
  await wait(household, 8 * SECOND_MS, 20 * SECOND_MS);
  await leaveAll(household);
};

/** From the phone to the television: the session there takes over the slot, with all other slots in use. */
export const cast: Scene = async (household) => {
  const players = await fill(household);
  const from = players?.[0];
  if (from === undefined) return;
  await wait(household, 3 * SECOND_MS, 15 * SECOND_MS);
  if (!from.running) return;
  const started = await start(household, household.rng.pick(freeDevices(household)), {
    content: from.content,
    continues: from,
  });
  // The phone shows a remote control now; its old session may say one thing more, and learns that it is over.
  if (started.admitted && household.rng.chance(0.3)) await change(household, from, 'playing');
  if (started.admitted) cut(household, from);
  await wait(household, 8 * SECOND_MS, 25 * SECOND_MS);
  await leaveAll(household);
};

/** Somebody looks who is watching and stops one from another device. */
export const remoteStop: Scene = async (household) => {
  const players = await fill(household);
  if (players === undefined) return;
  await wait(household, 2 * SECOND_MS, 10 * SECOND_MS);
  const listed = await listSessions(household);
  const victim = running(household).find(({ sessionId }) => listed.includes(sessionId)) ?? running(household)[0];
  if (victim === undefined) return;
  await stop(household, victim, 'DELETE', { keepsBeating: true });
  const other = freeDevices(household)[0];
  if (other !== undefined) await play(household, { device: other });
  await wait(household, 12 * SECOND_MS, 26 * SECOND_MS);
  await leaveAll(household);
};
