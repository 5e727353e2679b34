import { describe, expect, it } from '@jest/globals';
import type { Decision, Fact } from './facts.ts';
import { createOracle, type Oracle } from './oracle.ts';

const OK: Decision = { allow: true, reason: 'OK', degraded: false, active: undefined };
const DEGRADED: Decision = { ...OK, reason: 'SERVICE_DEGRADED', degraded: true };
const refusal = (...active: readonly string[]): Decision => ({
  allow: false,
  reason: 'LIMIT_REACHED',
  degraded: false,
  active,
});
const stop = (reason: string): Decision => ({ ...OK, allow: false, reason });

/** One household, told second by second; an answer comes 0.1 s after its call unless a test says otherwise. */
function household(limit = 2) {
  const oracle: Oracle = createOracle({ limit });
  const accountId = 'a';
  const note = oracle.note as (fact: Fact) => void;
  const ask = (second: number, sessionId: string, deviceId: string, continues?: string): void =>
    note({ type: 'start-sent', atMs: second * 1_000, accountId, sessionId, deviceId, continues });
  const hear = (
    second: number,
    sessionId: string,
    deviceId: string,
    { decision = OK, sentAt = second - 0.1, repeat = false, continues = undefined as string | undefined } = {},
  ): void =>
    note({
      type: 'start-answered',
      atMs: second * 1_000,
      sentAtMs: sentAt * 1_000,
      accountId,
      sessionId,
      deviceId,
      continues,
      repeat,
      answeredSessionId: sessionId,
      decision,
    });
  let sequence = 1;
  return {
    oracle,
    ask,
    hear,
    note,
    start(second: number, sessionId: string, deviceId: string, decision = OK, continues?: string): void {
      ask(second, sessionId, deviceId, continues);
      hear(second + 0.1, sessionId, deviceId, { decision, continues });
    },
    beat(second: number, sessionId: string, { decision = OK, state = 'playing', answered = 0 } = {}): void {
      sequence += 1;
      const atMs = second * 1_000;
      const about = { accountId, sessionId, sequence, state, positionMs: 0, ageMs: 0, fresh: true };
      note({ ...about, type: 'beat-sent', atMs });
      const answer = { sessionId, sequence: answered === 0 ? sequence : answered };
      note({ ...about, type: 'beat-answered', atMs: atMs + 100, sentAtMs: atMs, answered: answer, decision });
    },
    stop(second: number, sessionId: string): void {
      note({ type: 'stop-sent', atMs: second * 1_000, accountId, sessionId });
      note({ type: 'stop-answered', atMs: second * 1_000 + 100, accountId, sessionId });
    },
    lose(second: number, sessionId: string, call: 'start' | 'beat'): void {
      const atMs = second * 1_000;
      note({ type: 'call-lost', atMs, sentAtMs: atMs - 3_000, accountId, sessionId, call, why: 'timeout' });
    },
    kinds: (): readonly string[] => oracle.verdicts.first.map(({ kind }) => kind),
  };
}

describe('refused starts', () => {
  it('accepts a refusal while two others may hold slots', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'phone');
    home.start(3, 's3', 'tablet', refusal('s1', 's2'));
    expect(home.kinds()).toEqual([]);
  });

  it('calls it a false block when only one other can hold a slot, and tells the story', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.start(3, 's3', 'tablet', refusal('s1'));
    expect(home.kinds()).toEqual(['false-block']);
    expect(home.oracle.verdicts.first[0]?.history).toHaveLength(4);
  });

  it('frees the slot with the reply of the stop, not before', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'phone');
    home.stop(5, 's1');
    home.start(5.05, 's3', 'tablet', refusal('s1', 's2'));
    expect(home.kinds()).toEqual([]);
    home.start(6, 's4', 'tablet', refusal('s1', 's2'));
    expect(home.kinds()).toEqual(['false-block']);
  });

  it.each([
    [23.5, []],
    [24.5, ['false-block']],
    [37.5, ['slot-stays-taken']],
  ])('lets silent sessions hold their slots for 22 s and 2 s of grace: refused after %d s -> %j', (silent, kinds) => {
    const home = household();
    home.start(0.8, 's1', 'tv');
    home.start(0.9, 's2', 'phone');
    home.start(1 + silent, 's3', 'tablet', refusal('s1', 's2'));
    expect(home.kinds()).toEqual(kinds);
  });

  it('counts no silence in which the server refused beats', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.lose(14, 'other', 'beat');
    home.start(26, 's2', 'phone', refusal('s1'));
    expect(home.kinds()).toEqual([]);
  });

  it('does not let two claims for one slot both lose', () => {
    const home = household(1);
    home.ask(1, 's1', 'tv');
    home.ask(1.01, 's2', 'phone');
    home.hear(1.1, 's1', 'tv', { sentAt: 1, decision: refusal('s2') });
    expect(home.kinds()).toEqual([]);
    home.hear(1.2, 's2', 'phone', { sentAt: 1.01, decision: refusal('s1') });
    expect(home.kinds()).toContain('false-block');
  });

  it('lets one of two claims for one slot win', () => {
    const home = household(1);
    home.ask(1, 's1', 'tv');
    home.ask(1.01, 's2', 'phone');
    home.hear(1.1, 's1', 'tv', { sentAt: 1, decision: refusal('s2') });
    home.hear(1.2, 's2', 'phone', { sentAt: 1.01 });
    expect(home.kinds()).toEqual([]);
  });

  it('holds it possible that a lost start was done', () => {
    const home = household(1);
    home.ask(1, 's1', 'tv');
    home.lose(4, 's1', 'start');
    home.start(6, 's2', 'phone', refusal('s1'));
    expect(home.kinds()).toEqual([]);
  });

  it.each([
    ['nobody', refusal()],
    ['a stranger', refusal('s1', 'x9')],
    ['no list', { ...refusal(), active: undefined }],
  ])('wants to know who holds the slots: %s is no answer', (_, decision) => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'phone', decision);
    expect(home.kinds()).toEqual(['unexplained-refusal']);
  });

  it('never lets a device be refused that has a slot, nor a hand-over', () => {
    const zapping = household(1);
    zapping.start(1, 's1', 'tv');
    zapping.start(2, 's2', 'tv', refusal('s1'));
    expect(zapping.kinds()).toEqual(['zapping-refused']);

    const casting = household(1);
    casting.start(1, 's1', 'phone');
    casting.start(2, 's2', 'tv', refusal('s1'), 's1');
    expect(casting.kinds()).toEqual(['hand-over-refused']);
  });
});

describe('admissions', () => {
  it('counts the third session over a limit of two', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'phone');
    home.start(3, 's3', 'tablet');
    expect(home.kinds()).toEqual(['over-admission']);
  });

  it('counts nothing that may have ended: stopped, replaced, handed over, silent for 22 s', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'tv');
    home.start(3, 's3', 'phone', OK, 's2');
    home.stop(4, 's3');
    home.start(5, 's4', 'tablet');
    home.start(27.1, 's5', 'tv');
    expect(home.kinds()).toEqual([]);
  });

  it('counts a session that beat less than 22 s ago', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.beat(11, 's1');
    home.start(32, 's2', 'phone');
    expect(home.kinds()).toEqual(['over-admission']);
  });

  it('counts a session again whose device was refused something else', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.ask(2, 's2', 'tv');
    home.start(2.1, 's3', 'phone');
    home.hear(2.5, 's2', 'tv', { sentAt: 2, decision: refusal('s3') });
    expect(home.kinds()).toContain('over-admission');
  });

  it('exempts degraded admissions, and counts them', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.start(2, 's2', 'phone', DEGRADED);
    expect(home.kinds()).toEqual([]);
    expect(home.oracle.counts.degraded).toBe(1);
  });

  it('knows that one who came back holds a slot only when a settled beat says so', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.start(30, 's2', 'phone');
    home.beat(31, 's1');
    expect(home.kinds()).toEqual([]);
    home.beat(41, 's1');
    expect(home.kinds()).toEqual(['over-admission']);
  });

  it('wants the same answer for the repeat of an admitted start', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.ask(2, 's1', 'tv');
    home.hear(2.1, 's1', 'tv', { repeat: true, decision: refusal('s1') });
    expect(home.kinds()).toEqual(['repeat-differs']);
  });
});

describe('running sessions', () => {
  it('are not told to stop without a cause', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.beat(11, 's1', { decision: stop('EVICTED_BY_NEWER') });
    expect(home.kinds()).toEqual(['stopped-without-cause']);
  });

  it.each([
    ['another start on the device', (home: ReturnType<typeof household>) => home.start(5, 's2', 'tv')],
    ['a hand-over', (home: ReturnType<typeof household>) => home.start(5, 's2', 'phone', OK, 's1')],
    ['a stop from elsewhere', (home: ReturnType<typeof household>) => home.stop(5, 's1')],
  ])('may be told to stop after %s', (_, happen) => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    happen(home);
    home.beat(11, 's1', { decision: stop('REPLACED_ON_DEVICE') });
    expect(home.kinds()).toEqual([]);
  });

  it('may have lost their slot by a silence of 22 s, and are counted as displaced', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.beat(24, 's1', { decision: stop('SILENT_TOO_LONG') });
    expect(home.kinds()).toEqual([]);
    expect(home.oracle.counts.displaced).toBe(1);
  });

  it('are not refused on their return while slots are free', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.beat(60, 's1', { decision: refusal() });
    expect(home.kinds()).toEqual(['false-block']);
  });

  it('hear stop, not allow, once they were stopped', () => {
    const home = household(1);
    home.start(1, 's1', 'tv');
    home.stop(5, 's1');
    home.beat(6, 's1');
    expect(home.kinds()).toEqual([]);
    home.beat(16, 's1');
    expect(home.kinds()).toEqual(['revived']);
  });

  it('are answered about the beat that they sent', () => {
    const home = household();
    home.start(1, 's1', 'tv');
    home.beat(11, 's1', { answered: 77 });
    expect(home.kinds()).toEqual(['wrong-answer']);
  });
});
