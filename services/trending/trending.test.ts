import { describe, expect, it } from '@jest/globals';
import type { Heartbeat, SessionStarted } from '../../schemas/generated/records.ts';
import { heartbeat } from '../../shared/sessions/testing/heartbeat.ts';
import { keyOf, START_MINUTE, town, type Say, type Town } from './testing/town.ts';
import { MAX_PAIRS, MAX_SESSIONS } from './viewer.ts';

/** Where account 0 went, as minutes after the start; `idle` where nothing moved. */
const movesOf = ({ sources: [source] }: Town): readonly string[] =>
  source!.moves.map(({ from, to }) => {
    const told = (place: typeof to): string => `${place.minute - START_MINUTE}${place.counted ? '' : ' idle'}`;
    return from === null ? told(to) : `${told(from)} > ${told(to)}`;
  });
/** Beats every ten seconds. */
const watch = (home: Town, beats: number, said: Say = {}): void => {
  for (let i = 0; i < beats; i += 1) {
    home.beat(0, said);
    home.silence(10);
  }
};
const watched = (beats: number, said: Say = {}): readonly string[] => {
  const home = town();
  watch(home, beats, said);
  return movesOf(home);
};

describe('tenants', () => {
  it('have audiences of their own for contents of the same id', () => {
    const home = town();
    for (let i = 0; i < 3; i += 1) {
      for (const account of [0, 1]) home.beat(account, { tenant: 'north' });
      home.beat(2, { tenant: 'south' });
      home.silence(10);
    }
    const newest = (tenant: string) => home.audience.counts.findLast((count) => count.tenant === tenant);
    expect(newest('north')).toMatchObject({ contentId: 'film', windows: [{ audience: 2 }, {}, {}, {}] });
    expect(newest('south')).toMatchObject({ contentId: 'film', windows: [{ audience: 1 }, {}, {}, {}] });
    for (const tenant of ['north', 'south']) expect(home.audience.state(`${tenant}/film`)).toMatchObject({ tenant });
  });
});

describe('a beat counts', () => {
  it('from the second one that says `playing` on, and moves its account once a minute', () => {
    expect(watched(1)).toEqual([]);
    expect(watched(2)).toEqual(['0']);
    expect(watched(20)).toEqual(['0', '0 > 1', '1 > 2', '2 > 3']);
  });

  it('on demand where the position went forward: a picture that stands still is idle', () => {
    expect(watched(8, { positionMs: 5_000 })).toEqual(['0 idle', '0 idle > 1 idle']);
    expect(watched(8, { positionMs: null })).toEqual(['0 idle', '0 idle > 1 idle']);
  });

  it('live where two beats in a row say `playing`, whatever the position', () => {
    expect(watched(8, { contentType: 'live', positionMs: null })).toEqual(['0', '0 > 1']);
  });

  it('in no other state, and not behind one', () => {
    for (const state of ['starting', 'paused', 'buffering', 'seeking', 'ended', 'stopped', 'failed'] as const) {
      expect(watched(8, { state })).toEqual([]);
      const home = town();
      for (let i = 0; i < 4; i += 1) {
        watch(home, 1, { state });
        watch(home, 1);
      }
      expect(movesOf(home)).toEqual([]);
    }
  });

  it('unless its player was told that it may not play, or plays no more', () => {
    for (const lastDecision of [
      'LIMIT_REACHED',
      'SESSION_CAP',
      'EVICTED_BY_NEWER',
      'REPLACED_ON_DEVICE',
      'TERMINATED_BY_USER',
    ])
      expect(watched(8, { lastDecision })).toEqual([]);
    for (const lastDecision of ['OK', 'SERVICE_DEGRADED', 'SILENT_TOO_LONG', null])
      expect(watched(2, { lastDecision })).toEqual(['0']);
  });

  it('unless it is in no answer: `limits-only`', () => {
    expect(watched(8, { tracking: 'limits_only' })).toEqual([]);
  });

  it('up to an age of 22 s, and out of an offline queue not', () => {
    expect(watched(2, { ageMs: 22_000 })).toEqual(['0']);
    expect(watched(8, { ageMs: 22_001 })).toEqual([]);
  });

  it('once: a repeat and a lower number say nothing', () => {
    const home = town();
    watch(home, 2);
    home.silence(60);
    watch(home, 1, { sequence: 1 });
    expect(movesOf(home)).toEqual(['0']);
    const late = town();
    watch(late, 2, { sequence: 7 });
    watch(late, 1, { sequence: 6, positionMs: 90_000 });
    expect(movesOf(late)).toEqual([]);
  });

  it('after what was another content in the same session as a first one', () => {
    const home = town();
    watch(home, 1, { contentId: 'trailer' });
    watch(home, 1);
    expect(movesOf(home)).toEqual([]);
    watch(home, 1);
    expect(movesOf(home)).toEqual(['0']);
  });

  it('after 35 s of silence as a first one', () => {
    const near = town();
    watch(near, 1);
    near.silence(24);
    watch(near, 1);
    expect(movesOf(near)).toEqual(['0']);
    const far = town();
    watch(far, 1);
    far.silence(25);
    watch(far, 1);
    expect(movesOf(far)).toEqual([]);
  });

  it('with the beat of the start before it, and not with a backend’s signal', () => {
    const startOf = (origin: SessionStarted['origin'], tracking: Heartbeat['tracking']): readonly string[] => {
      const home = town();
      const beat = heartbeat('tv', home.audience.now(), { tracking, source: origin });
      const plain = { requestId: 'r', leaseMs: null, continuesSessionId: null, terminate: [] };
      home.append(0, { type: 'SessionStarted', value: { ...plain, origin, beat } });
      home.silence(10);
      watch(home, 1, { sequence: 1, positionMs: 10_000 });
      return movesOf(home);
    };
    expect(startOf('player', 'full')).toEqual(['0']);
    expect(startOf('player', 'limits_only')).toEqual([]);
    expect(startOf('signal', 'full')).toEqual([]);
  });
});

describe('an account', () => {
  it('moves with the newest of its sessions, and counts once a minute for all of them', () => {
    const home = town();
    for (let i = 0; i < 8; i += 1) {
      home.beat(0, { sessionId: 'tv', deviceType: 'tv' });
      home.beat(0, { sessionId: 'phone', deviceType: 'phone' });
      home.silence(10);
    }
    expect(movesOf(home)).toEqual(['0', '0 > 1']);
  });

  it('that stood still is counted as soon as anything moves, in the same minute', () => {
    const home = town();
    watch(home, 2, { positionMs: 0 });
    watch(home, 2);
    expect(movesOf(home)).toEqual(['0 idle', '0 idle > 0']);
  });

  it('that was counted stays so when it stands still: its windows run out as they would have', () => {
    const home = town();
    watch(home, 2);
    watch(home, 20, { positionMs: 10_000 });
    expect(movesOf(home)).toEqual(['0']);
    expect(home.audiences()).toEqual([0, 1, 1, 1]);
  });

  it('says where it is: country, device type and network of the beat', () => {
    const home = town();
    watch(home, 2, { country: 'DE', deviceType: 'phone', networkKey: 'n' });
    expect(home.sources[0]!.moves[0]).toMatchObject({
      contentId: 'film',
      contentType: 'vod',
      to: { minute: START_MINUTE, counted: true, country: 'DE', deviceType: 'phone', network: 'n' },
    });
  });

  it('that is erased is forgotten at once, and its counts run out by themselves', () => {
    const home = town();
    watch(home, 2);
    home.append(0, { type: 'AccountErased', value: { requestId: 'r', tenant: 'tenant', receivedAtMs: 0 } });
    home.silence(1);
    expect(home.sources[0]!.state(keyOf(0))).toBeUndefined();
    expect(home.audiences()).toEqual([1, 1, 1, 1]);
    home.silence(120);
    expect(home.audiences()).toEqual([0, 1, 1, 1]);
  });

  it('is forgotten 25 hours after its last move', () => {
    const home = town();
    watch(home, 2);
    const [source] = home.sources;
    const hours = (n: number): void => {
      for (let i = 0; i < n * 720; i += 1) {
        source!.setNow(source!.now() + 5_000);
        source!.append(null, { type: 'Tick', value: { source: 'test', shedding: false, receivedAtMs: 0 } });
      }
      source!.fold();
    };
    hours(24.9);
    expect(source!.state(keyOf(0))).toMatchObject({ sessions: [], pairs: [{ contentId: 'film' }] });
    hours(0.2);
    expect(source!.state(keyOf(0))).toBeUndefined();
  });

  it('is known with 64 contents, and forgotten with the one it watched least lately when there is another', () => {
    const home = town();
    const one = (n: number): void => watch(home, 2, { sessionId: `s${n}`, contentId: `c${n}` });
    for (let n = 0; n < MAX_PAIRS; n += 1) one(n);
    const pairs = () => home.sources[0]!.state(keyOf(0))!.pairs.map((p) => p.contentId);
    expect([pairs().length, pairs()[0]]).toEqual([64, 'c0']);
    one(MAX_PAIRS);
    expect([pairs().length, pairs()[0]]).toEqual([64, 'c1']);
    expect(home.audiences('c0')).toEqual([0, 0, 1, 1]);
    one(0);
    // The bound at work: who was forgotten is counted again beside itself.
    expect(home.audiences('c0')[3]).toBe(2);
  });

  it('is known with 64 sessions, and the next makes the one that was silent for longest be forgotten', () => {
    const home = town();
    for (let n = 0; n <= MAX_SESSIONS; n += 1) home.beat(0, { sessionId: `s${n}` });
    home.silence(10);
    const sessions = home.sources[0]!.state(keyOf(0))!.sessions.map((s) => s.sessionId);
    expect([sessions.length, sessions[0]]).toEqual([64, 's1']);
    home.beat(0, { sessionId: 's0' });
    home.fold();
    expect(movesOf(home)).toEqual([]);
    home.beat(0, { sessionId: 's2' });
    home.fold();
    expect(movesOf(home)).toEqual(['0']);
  });
});
