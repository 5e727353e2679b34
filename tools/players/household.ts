import type { Client } from './client.ts';
import type { Oracle } from './oracle.ts';
import type { Pace } from './pace.ts';
import type { Prng } from './prng.ts';
import type { Tally } from './tally.ts';

/** What all players of a run share. */
export type Stage = {
  readonly pace: Pace;
  readonly client: Client;
  readonly oracle: Oracle;
  readonly tally: Tally;
  readonly limit: number;
};

export type Device = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly keepAlive: boolean;
  readonly tokenIn: 'header' | 'body';
  /** Leaves out the ids that its session token carries. */
  readonly lean: boolean;
  readonly contentType: string;
  readonly clock: 'good' | 'zero' | 'year 2050';
  /** Sends beats twice, and old ones late. */
  readonly stutters: boolean;
};

export type Content = {
  readonly id: string;
  readonly type: 'live' | 'vod';
  readonly durationMs: number | undefined;
};

export type Player = {
  readonly device: Device;
  readonly content: Content;
  readonly profileId: string;
  readonly sessionId: string;
  state: 'starting' | 'playing' | 'paused' | 'buffering' | 'seeking' | 'ended' | 'stopped' | 'failed';
  sequence: number;
  positionMs: number;
  positionAtMs: number;
  token: string | undefined;
  intervalMs: number;
  /** Beats by itself. False once it ended, crashed, was cut off or was told to stop. */
  running: boolean;
  /** The picture was stopped by this reason. */
  stoppedBy: string | undefined;
  lastAckMs: number;
  lastBody: { readonly text: string; readonly sequence: number; readonly state: string } | undefined;
  cancelBeat: () => void;
};

export type Household = {
  readonly stage: Stage;
  readonly accountId: string;
  readonly rng: Prng;
  readonly devices: readonly Device[];
  readonly players: Set<Player>;
  sessions: number;
};

const DEVICES = [
  ['tv', 'Living room'],
  ['phone', 'Phone'],
  ['computer', 'Laptop'],
  ['tablet', 'Tablet'],
  ['tv', 'Bedroom'],
] as const;

const NO_KEEP_ALIVE = 0.05;

export function createHousehold(stage: Stage, accountId: string, rng: Prng): Household {
  const devices = Array.from({ length: Math.max(4, stage.limit + 2) }, (_, index): Device => {
    const [type, name] = DEVICES[index % DEVICES.length] ?? DEVICES[0];
    const badClock = rng.pick(['zero', 'year 2050'] as const);
    return {
      id: `${type}-${index + 1}`,
      type,
      name: `${name} ${index + 1}`,
      keepAlive: !rng.chance(NO_KEEP_ALIVE),
      tokenIn: rng.chance(0.2) ? 'body' : 'header',
      lean: rng.chance(0.2),
      contentType: rng.chance(0.1) ? 'text/plain' : 'application/json',
      clock: rng.chance(0.1) ? badClock : 'good',
      stutters: rng.chance(0.15),
    };
  });
  return { stage, accountId, rng, devices, players: new Set(), sessions: 0 };
}

export const running = (household: Household): Player[] => [...household.players].filter((player) => player.running);

export function freeDevices(household: Household): Device[] {
  const taken = new Set(running(household).map(({ device }) => device));
  return household.devices.filter((device) => !taken.has(device));
}

export function newSessionId(household: Household): string {
  household.sessions += 1;
  return `${household.accountId}.${household.sessions}`;
}

const CHANNELS = 80;
const TITLES = 400;

/** A few contents have most of the audience. */
export function pickContent(rng: Prng, type?: 'live' | 'vod'): Content {
  const live = type === undefined ? rng.chance(0.5) : type === 'live';
  const rank = 1 + Math.floor((live ? CHANNELS : TITLES) * rng.next() ** 3);
  return live
    ? { id: `channel-${rank}`, type: 'live', durationMs: undefined }
    : { id: `title-${rank}`, type: 'vod', durationMs: 1_200_000 + (rank % 60) * 60_000 };
}
