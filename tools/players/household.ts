import type { Client } from './client.ts';
import type { Oracle } from './oracle.ts';
import type { Pace } from './pace.ts';
import type { Prng } from './prng.ts';
import type { Marks } from './remembered/marks.ts';
import type { Account, Viewing } from './remembered/truth.ts';
import type { Tally } from './tally.ts';

/** What all players of a run share. */
export type Stage = {
  readonly pace: Pace;
  readonly client: Client;
  readonly oracle: Oracle;
  readonly tally: Tally;
  readonly limit: number;
  readonly marks: Marks;
  /** Contents of this run alone: an audience has no viewers of another. */
  readonly contentPrefix: string;
  /** Epoch milliseconds at the beginning of the run's clock. */
  readonly epochMs: number;
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
  /** Its viewers let nothing be remembered of them. */
  readonly limitsOnly: boolean;
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
  readonly viewing: Viewing;
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
  lastBody:
    | { readonly text: string; readonly sequence: number; readonly state: string; readonly positionMs: number }
    | undefined;
  cancelBeat: () => void;
};

export type Household = {
  readonly stage: Stage;
  readonly accountId: string;
  readonly account: Account;
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
const LIMITS_ONLY = 0.05;

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
      limitsOnly: rng.chance(LIMITS_ONLY),
    };
  });
  const account = { accountId, viewings: [] };
  return { stage, accountId, account, rng, devices, players: new Set(), sessions: 0 };
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
/** Every other title is short: six seconds of it are worth remembering, and some viewers see the end of it. */
const CLIP_MS = 300_000;

/** A few contents have most of the audience. */
export function pickContent({ rng, stage }: Household, type?: 'live' | 'vod'): Content {
  const live = type === undefined ? rng.chance(0.5) : type === 'live';
  const rank = 1 + Math.floor((live ? CHANNELS : TITLES) * rng.next() ** 3);
  return live
    ? { id: `${stage.contentPrefix}-channel-${rank}`, type: 'live', durationMs: undefined }
    : {
        id: `${stage.contentPrefix}-title-${rank}`,
        type: 'vod',
        durationMs: rank % 2 === 1 ? CLIP_MS : 1_200_000 + (rank % 60) * 60_000,
      };
}
