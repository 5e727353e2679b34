import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ViewEnded } from '../../schemas/generated/records.ts';
import { Crashed } from '../../shared/runtime/test-driver.ts';
import { evening, type Evening } from './testing/evening.ts';

const IDS = ['tv', 'phone', 'tablet'] as const;

/** What happens to sessions that come and go for hours: most of their views leave the state in between. */
const move = fc.record({
  id: fc.constantFrom(...IDS),
  kind: fc.constantFrom('start', 'play', 'play', 'pause', 'end', 'stop', 'repeat', 'late', 'late'),
  thenSeconds: fc.constantFrom(1, 40, 40, 700, 1_300),
});
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;
const script = fc.array(move, { minLength: 4, maxLength: 14 });

const play = (home: Evening, moves: readonly Move[]): void => {
  let lost = 100;
  for (const { id, kind, thenSeconds } of moves) {
    if (kind === 'start') home.start(id);
    if (kind === 'play') home.play(id, 30);
    if (kind === 'pause') home.beat(id, { state: 'paused' });
    if (kind === 'end') home.beat(id, { state: 'ended' });
    if (kind === 'stop') home.stop(id, 'user');
    if (kind === 'repeat') home.beat(id, { sequence: 1, state: 'failed' });
    if (kind === 'late') home.beat(id, { sequence: (lost += 1), ageMs: 600_000 });
    home.hours(Math.max(1, Math.round(thenSeconds / 5)) / 720);
  }
  home.hours(0.5);
};

const copyOf = ({ driver }: Evening): Evening => {
  const home = evening();
  for (const { key, value, appendedAtMs } of driver.log) {
    home.driver.setNow(appendedAtMs);
    home.driver.appendBytes(key, value);
  }
  return home;
};

/** Each revision once, whatever its record is called; what is said again has to be the same. */
const said = (records: readonly ViewEnded[]): ReadonlyMap<string, unknown> => {
  const all = new Map<string, unknown>();
  for (const { id: _id, ...record } of records) {
    const name = `${record.sessionId} ${record.revision}`;
    if (all.has(name)) expect(record).toEqual(all.get(name));
    all.set(name, record);
  }
  return all;
};
const rowsOf = (home: Evening): readonly unknown[] => IDS.map((id) => home.row(id));

describe('views that leave the state and come back', () => {
  const hurt = (damage: (home: Evening, at: number, step: number) => void): void =>
    fc.assert(
      fc.property(script, fc.nat(), fc.nat({ max: 7 }), fc.constantFrom(1, 50, 10_000), (moves, at, step, batch) => {
        const calm = evening();
        play(calm, moves);
        const home = copyOf(calm);
        damage(home, at % (calm.driver.log.length + 1), step);
        home.driver.fold({ batch });
        expect(said(home.revisions)).toEqual(said(calm.revisions));
        expect(rowsOf(home)).toEqual(rowsOf(calm));
        expect(IDS.map((id) => home.row(id) !== null && home.view(id))).toEqual(
          IDS.map((id) => calm.row(id) !== null && calm.view(id)),
        );
      }),
      { numRuns: 60 },
    );

  it('are the same when all state is lost, at any time', () => {
    hurt(({ driver }, at) => {
      driver.fold({ until: at, batch: 100 });
      driver.wipe();
    });
  });

  it('are the same when the process ends anywhere in a batch, and the table is hours ahead of the last checkpoint', () => {
    hurt(({ driver }, at, step) => {
      driver.fold({ until: Math.floor(at / 2) });
      driver.checkpoint();
      driver.fold({ until: at, batch: 100 });
      try {
        driver.fold({ crash: { step, applied: step % 2 === 0 } });
      } catch (error) {
        if (!(error instanceof Crashed)) throw error;
      }
      driver.crash();
    });
  });

  it('are the same when all is folded and lost, and then any beginning of the log', () => {
    hurt(({ driver }, at) => {
      driver.fold();
      driver.wipe();
      driver.trim(at);
    });
  });
});
