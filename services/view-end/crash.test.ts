import { describe, expect, it } from '@jest/globals';
import type { ViewEnded } from '../../schemas/generated/records.ts';
import { Crashed } from '../../shared/runtime/test-driver.ts';
import { evening, type Evening } from './testing/evening.ts';

const KINDS = ['cut off', 'ended', 'back', 'exit', 'next day'] as const;

/** An evening with each kind of end, appended and not folded again from here on: four hours of one household. */
const played = (): Evening => {
  const home = evening();
  home.start('cut off');
  home.play('cut off', 30);
  home.start('ended');
  home.play('ended', 20);
  home.beat('ended', { state: 'ended' });
  home.start('back');
  home.play('back', 50);
  home.silence(650);
  home.start('exit');
  home.play('back', 20);
  home.silence(650);
  for (const sequence of [6, 4, 5]) home.beat('cut off', { sequence, ageMs: 1_300_000 });
  home.silence(60);
  // Its view leaves the state, and is read back, twice: by a beat that is new, and by one that is late.
  home.start('next day');
  home.play('next day', 20);
  home.hours(0.4);
  home.play('next day', 20);
  home.start('exit 2');
  home.hours(0.4);
  home.beat('next day', { sequence: 6, ageMs: 1_200_000 });
  home.beat('next day', { sequence: 5, ageMs: 1_210_000 });
  home.silence(60);
  return home;
};

const essence = ({ sessionId, status, revision, corrected, reason }: ViewEnded): string =>
  `${sessionId} ${revision} ${status} ${reason} ${corrected}`;
const distinct = (records: readonly ViewEnded[]): readonly string[] => {
  const byId = new Map<string, ViewEnded>();
  for (const record of records) {
    const before = byId.get(record.id);
    // What is sent again is what it repeats.
    expect(before ?? record).toEqual(record);
    byId.set(record.id, record);
  }
  return [...byId.values()].map(essence).sort();
};
const finals = (records: readonly string[]): readonly string[] => records.filter((r) => r.includes(' final '));
const rowsOf = (home: Evening): readonly unknown[] => KINDS.map((id) => home.row(id));

describe('a final view', () => {
  const calm = played();
  const expected = distinct(calm.revisions);

  it('is there once for each session that ended, and once more for each that came back or was corrected', () => {
    const counts = KINDS.map((id) => finals(expected).filter((r) => r.startsWith(`${id} 1`)).length);
    expect(counts).toEqual([2, 1, 2, 1, 3]);
    expect(new Set(expected.map((r) => r.split(' final')[0])).size).toBe(expected.length);
  });

  it('is the same, and in the table, wherever in a batch the process ends', () => {
    const at = [35, 45, 98, 700, calm.driver.log.length];
    for (const until of at) {
      for (let step = 0; step < 7; step++) {
        for (const applied of [false, true]) {
          const home = copyOf(calm);
          home.driver.fold({ until: until - 30 });
          home.driver.checkpoint();
          try {
            home.driver.fold({ until, crash: { step, applied } });
          } catch (error) {
            if (!(error instanceof Crashed)) throw error;
          }
          home.driver.crash();
          home.driver.fold({ batch: 100 });
          expect(distinct(home.revisions)).toEqual(expected);
          expect(rowsOf(home)).toEqual(rowsOf(calm));
        }
      }
    }
  });

  it('is the same when all state is lost, at any time', () => {
    for (let lost = 20; lost < calm.driver.log.length; lost += 97) {
      const home = copyOf(calm);
      home.driver.fold({ until: lost });
      home.driver.wipe();
      home.driver.fold({ batch: 64 });
      expect(distinct(home.revisions)).toEqual(expected);
      expect(rowsOf(home)).toEqual(rowsOf(calm));
    }
  });

  it('is the same when all state and any beginning of the log are lost, once it is in the table', () => {
    for (let lost = 20; lost < calm.driver.log.length; lost += 97) {
      const home = copyOf(calm);
      home.driver.fold();
      home.driver.wipe();
      home.driver.trim(lost);
      home.driver.fold({ batch: 64 });
      expect(distinct(home.revisions)).toEqual(expected);
      expect(rowsOf(home)).toEqual(rowsOf(calm));
    }
  });

  it('goes on as a whole where the log has lost its beginning, and is a part where the table has none of it either', () => {
    const home = copyOf(calm);
    home.start('open');
    home.play('open', 100);
    home.driver.wipe();
    home.driver.trim(home.driver.log.length);
    const beats = home.view('back').beatsReceived;
    for (const id of ['back', 'open']) {
      home.beat(id, { sequence: 20 });
      home.play(id, 20);
      home.beat(id, { state: 'ended' });
    }
    expect(home.stored('back')).toMatchObject({ partial: false, corrected: true, beatsReceived: beats + 4 });
    expect(home.stored('open')).toMatchObject({ partial: true, corrected: false, beatsReceived: 4 });
    const revisions = home.revisions.filter((r) => r.sessionId === 'back').map((r) => r.revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  it('follows from the records alone, however they are cut into batches', () => {
    for (const batch of [1, 7, 333]) {
      const home = copyOf(calm);
      home.driver.fold({ batch });
      expect(distinct(home.revisions)).toEqual(expected);
      expect(rowsOf(home)).toEqual(rowsOf(calm));
    }
  });
});

/** The same log, of which nothing is folded. */
const copyOf = ({ driver }: Evening): Evening => {
  const home = evening();
  for (const { key, value, appendedAtMs } of driver.log) {
    home.driver.setNow(appendedAtMs);
    home.driver.appendBytes(key, value);
  }
  return home;
};
