import type { Household, Player } from './household.ts';

const YEAR_2050_MS = 2_524_608_000_000;

const SENT_AT: Readonly<Record<Player['device']['clock'], () => number>> = {
  good: () => Date.now(),
  zero: () => 0,
  'year 2050': () => YEAR_2050_MS,
};

export type BodyOptions = {
  readonly player: Player;
  readonly sequence: number;
  readonly state: string;
  readonly positionMs: number;
  readonly ageMs?: number | undefined;
  readonly continuesSessionId?: string | undefined;
};

/** A heartbeat as a real player writes it: what is undefined is left out. */
export function writeBody(household: Household, options: BodyOptions): Record<string, unknown> {
  const { player, sequence, state, positionMs, ageMs, continuesSessionId } = options;
  const { device, content, token } = player;
  const lean = device.lean && token !== undefined;
  return {
    sessionId: player.sessionId,
    sequence,
    accountId: lean ? undefined : household.accountId,
    profileId: lean ? undefined : player.profileId,
    deviceId: lean ? undefined : device.id,
    deviceType: device.type,
    deviceName: device.name,
    contentId: content.id,
    contentType: content.type,
    state,
    positionMs: content.type === 'live' ? null : Math.round(positionMs),
    durationMs: content.durationMs,
    playbackRate: state === 'playing' ? 1 : 0,
    sentAtMs: SENT_AT[device.clock](),
    ageMs: ageMs === undefined || ageMs < 1_000 ? undefined : Math.round(ageMs),
    continuesSessionId,
    sessionToken: device.tokenIn === 'body' ? token : undefined,
    country: 'DE',
    cdn: 'cdn-1',
    tracking: device.limitsOnly ? 'limits-only' : undefined,
    appVersion: '5.2.0',
    player: 'players/1',
    quality: sequence % 6 === 0 ? { bitrateKbps: 4_800, bufferMs: 12_000, stallCount: 0, droppedFrames: 2 } : undefined,
  };
}
