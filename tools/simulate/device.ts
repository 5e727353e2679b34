import type { HeartbeatRequest } from '../../schemas/generated/http.ts';
import { pickWeighted } from '../players/prng.ts';
import type { Device, DeviceParts, Playback } from './device-parts.ts';
import type { Reply } from './ingest.ts';

const BEAT_MS = 10_000;
const MINUTE_MS = 60_000;
const FILM_MS = 100 * MINUTE_MS;

type Action = (playback: Playback) => void;

export const createDevice = (parts: DeviceParts): Device => {
  const { rng, schedule, ingest, attempts, id } = parts;
  let current: Playback | null = null;
  let made = 0;
  const places = rng.fork(1);
  const tunnels = rng.fork(2);
  /** Where each content was left here. */
  const left = new Map<string, number>();
  const spread = (ms: number): number => Math.round(-Math.log(1 - rng.next()) * ms);

  const request = (p: Playback): HeartbeatRequest => ({
    sessionId: p.sessionId,
    sequence: p.sequence,
    accountId: 'home',
    profileId: p.profileId,
    deviceId: id,
    deviceType: parts.deviceType,
    contentId: p.contentId,
    contentType: p.contentType,
    state: p.state,
    positionMs: p.contentType === 'vod' ? p.positionMs : null,
    durationMs: FILM_MS,
    sentAtMs: rng.chance(0.01) ? 0 : schedule.now(),
  });

  // --- Beats ----------------------------------------------------------------------------------------------------------

  const say = (p: Playback): void => {
    p.sequence += 1;
    const playedMs = p.state === 'playing' ? Math.min(schedule.now() - p.movedAtMs, 2 * BEAT_MS) : 0;
    const jumpMs = places.chance(0.01) ? places.between(-20 * MINUTE_MS, 20 * MINUTE_MS) : 0;
    p.positionMs = Math.max(0, Math.min(FILM_MS, p.positionMs + playedMs + jumpMs));
    p.movedAtMs = schedule.now();
    left.set(p.contentId, p.positionMs);
    const beat = request(p);
    if (p.offline !== null) p.offline.push({ beat, atMs: schedule.now() });
    else transmit(p, beat, 0);
  };

  /** Through a network that loses, doubles and delays. */
  const transmit = (p: Playback, beat: HeartbeatRequest, ageMs: number): void => {
    const sentAtMs = schedule.now();
    const arrive = (repeat: boolean) => (): void => {
      const age = ageMs === 0 ? 0 : ageMs + schedule.now() - sentAtMs;
      ingest.beat(age === 0 ? beat : { ...beat, ageMs: age }, (reply) => {
        if (!repeat && ageMs === 0) attempts.tried(beat, schedule.now(), !reply.refused);
        answered(p, beat, reply);
      });
    };
    const fate = rng.next();
    if (fate < 0.003) return; // lost
    schedule.after(fate < 0.01 ? rng.between(1_000, 40_000) : rng.between(5, 80), arrive(false));
    if (fate > 0.985) schedule.after(rng.pick([1, 500, 30_000, 5 * MINUTE_MS]), arrive(true));
  };

  const answered = (p: Playback, beat: HeartbeatRequest, { refused, decision }: Reply): void => {
    if (refused) {
      if (p.on && p.sequence === beat.sequence && rng.chance(0.6)) {
        schedule.after(rng.between(1_000, 2_000), () => {
          if (p.on && p.sequence === beat.sequence && p.offline === null) transmit(p, beat, 0);
        });
      }
      return;
    }
    if (decision === null || decision.decision === 'allow' || !p.on) return;
    if (!parts.stubborn) obey(p);
  };

  const obey = (p: Playback): void => {
    p.on = false;
    if (rng.chance(0.3)) close(p, 'stopped');
    if (p !== current) return;
    current = null;
    later(rng.chance(0.5) ? rng.between(3_000, MINUTE_MS) : parts.idleMs());
  };

  const beats = (p: Playback): void => {
    schedule.after(BEAT_MS + rng.between(-200, 200), () => {
      if (!p.on) return;
      if (p.state === 'starting') p.state = 'playing';
      say(p);
      beats(p);
    });
  };

  // --- Starts ---------------------------------------------------------------------------------------------------------

  const later = (ms: number): void =>
    schedule.after(ms, () => {
      if (current === null) play(null);
    });

  const play = (continues: string | null): void => {
    if (current !== null) current.on = false;
    made += 1;
    const p: Playback = {
      sessionId: `${id}.${made}`,
      contentId: `c${rng.between(1, 5)}`,
      contentType: rng.chance(0.5) ? 'live' : 'vod',
      profileId: `p${rng.between(1, parts.profiles)}`,
      sequence: 0,
      state: rng.chance(0.05) ? 'paused' : 'starting',
      on: true,
      offline: null,
      retries: 0,
      positionMs: 0,
      movedAtMs: schedule.now(),
    };
    p.positionMs = Math.round(places.pick([0, left.get(p.contentId) ?? 0, FILM_MS * places.next()]));
    current = p;
    // Some players know no start call: their first beat is the claim.
    if (rng.chance(0.15)) say(p);
    else claim(p, continues, []);
    beats(p);
    schedule.after(spread(4 * MINUTE_MS), () => act(p));
  };

  const claim = (
    p: Playback,
    continues: string | null,
    terminate: { sessionId: string; admittedAt: string }[],
  ): void => {
    const start = { beat: request(p), requestId: `${p.sessionId}/${p.retries}`, continues, terminate };
    const send = (): void => ingest.start(start, (reply) => started(p, reply));
    schedule.after(rng.between(5, 80), send);
    // An answer that got lost: the same request again. A user who cannot wait: another one.
    if (rng.chance(0.05)) schedule.after(rng.between(100, 5_000), send);
    if (rng.chance(0.03)) {
      const again = { ...start, requestId: `${start.requestId}b` };
      schedule.after(rng.between(100, 5_000), () => ingest.start(again, (reply) => started(p, reply)));
    }
  };

  const started = (p: Playback, { refused, decision }: Reply): void => {
    if (!p.on || p !== current) return;
    if (refused) {
      p.retries += 1;
      if (p.retries < 4 && rng.chance(0.7)) {
        schedule.after(rng.between(1_000, 3_000), () => p.on && claim(p, null, []));
      }
      return;
    }
    if (decision === null || decision.decision === 'allow') return;
    const tokens = (decision.active ?? []).flatMap((a) => a.terminationToken ?? []);
    p.retries += 1;
    if (tokens.length > 0 && rng.chance(0.6)) {
      const token = JSON.parse(rng.pick(tokens)) as { sessionId: string; admittedAt: string };
      schedule.after(rng.between(2_000, 40_000), () => p.on && claim(p, null, [token]));
    } else if (p.retries < 4 && rng.chance(0.4)) {
      schedule.after(rng.pick([500, 5_000, decision.retryAfterMs ?? 30_000]), () => p.on && claim(p, null, []));
    } else if (!parts.stubborn) obey(p);
  };

  // --- What people do -------------------------------------------------------------------------------------------------

  const close = (p: Playback, state: 'ended' | 'stopped' | 'failed'): void => {
    p.on = false;
    p.state = state;
    p.offline = null;
    if (rng.chance(0.7)) say(p);
    if (rng.chance(0.6)) schedule.after(rng.between(5, 200), () => ingest.stop(p.sessionId, 'player'));
  };
  const leave = (p: Playback): void => {
    if (p === current) {
      current = null;
      later(parts.idleMs());
    }
  };
  const goOn = (p: Playback, ms: number): void => schedule.after(ms, () => act(p));
  const wakeUp = (p: Playback, afterMs: number): void =>
    schedule.after(afterMs, () => {
      if (p !== current) return;
      p.on = true;
      say(p);
      beats(p);
      goOn(p, spread(3 * MINUTE_MS));
    });

  const end: Action = (p) => {
    close(p, rng.pick(['ended', 'stopped', 'failed'] as const));
    leave(p);
  };
  const cutOff: Action = (p) => {
    p.on = false;
    leave(p);
  };
  const pause: Action = (p) => {
    p.state = 'paused';
    say(p);
    schedule.after(rng.pick([5_000, MINUTE_MS, 4 * MINUTE_MS, 7 * MINUTE_MS, 20 * MINUTE_MS]), () => {
      if (!p.on) return;
      p.state = 'playing';
      say(p);
      goOn(p, spread(4 * MINUTE_MS));
    });
  };
  const sleep: Action = (p) => {
    p.on = false;
    wakeUp(
      p,
      rng.pick([15_000, 25_000, 33_000, 40_000, 2 * MINUTE_MS, 9 * MINUTE_MS, 40 * MINUTE_MS, 480 * MINUTE_MS]),
    );
  };
  const crash: Action = (p) => {
    p.on = false;
    schedule.after(rng.between(1_000, 40_000), () => p === current && play(null));
  };
  const zap: Action = (p) => {
    const storm = rng.chance(0.2) ? rng.between(5, 40) : 1;
    p.on = false;
    if (rng.chance(0.3)) close(p, 'stopped');
    const next = (left: number): void => {
      play(null);
      const mine = current;
      if (left > 1) schedule.after(rng.between(300, 3_000), () => current === mine && next(left - 1));
    };
    next(storm);
  };
  const offline: Action = (p) => {
    p.offline = [];
    const ms = rng.pick([12_000, 30_000, MINUTE_MS, 10 * MINUTE_MS]);
    // Until its view has left the state.
    schedule.after(tunnels.chance(0.1) ? 40 * MINUTE_MS : ms, () => {
      const queue = p.offline ?? [];
      p.offline = null;
      for (const { beat, atMs } of queue) transmit(p, beat, Math.max(1, schedule.now() - atMs));
      if (p.on) goOn(p, spread(3 * MINUTE_MS));
    });
  };
  const cast: Action = (p) => {
    const to = parts.others().filter((d) => d.id !== id);
    if (to.length === 0) return goOn(p, MINUTE_MS);
    rng.pick(to).takeOver(p);
    schedule.after(rng.between(100, 3_000), () => {
      if (rng.chance(0.6)) close(p, 'stopped');
      p.on = false;
      leave(p);
    });
  };
  const stopOther: Action = (p) => {
    const running = parts.others().flatMap((d) => d.playing() ?? []);
    if (running.length > 0) ingest.stop(rng.pick(running).sessionId, rng.pick(['user', 'service'] as const));
    goOn(p, MINUTE_MS);
  };
  const signalled: Action = (p) => {
    ingest.signal({
      signalId: `${id}.signal.${made}`,
      accountId: 'home',
      deviceId: id,
      deviceType: parts.deviceType,
      contentId: rng.chance(0.5) ? p.contentId : `c${rng.between(1, 5)}`,
      contentType: p.contentType,
      profileId: p.profileId,
      leaseMs: rng.pick([30_000, 60_000, 300_000]),
      source: 'licences',
    });
    goOn(p, MINUTE_MS);
  };

  const act = (p: Playback): void => {
    if (!p.on || p !== current || p.offline !== null) return;
    pickWeighted<Action>(rng, [
      { weight: 4, item: end },
      { weight: 3, item: cutOff },
      { weight: 3, item: pause },
      { weight: 2, item: sleep },
      { weight: 2, item: crash },
      { weight: 3, item: zap },
      { weight: 2, item: offline },
      { weight: 1, item: cast },
      { weight: 1, item: stopOther },
      { weight: 0.5, item: signalled },
    ])(p);
  };

  return {
    id,
    playing: () => (current?.on === true ? current : null),
    takeOver: (p) => play(p.sessionId),
    begin: () => later(parts.idleMs()),
  };
};
