import { describe, expect, it } from '@jest/globals';
import { isDue, judgeCut } from './cut.ts';
import { asked, FILM, NEWS, resumeAt, told, type Told } from './hand-made.ts';
import { judgeShelf } from './lists.ts';
import { judgeResume, type ResumeAnswer } from './resume.ts';

const END = asked(1_000);
const judge = (sessions: readonly Told[], answer: ResumeAnswer | null) =>
  judgeResume(
    sessions.map(({ viewing }) => viewing),
    answer,
    END,
  );
const right = { wrong: undefined, uncertain: false };

describe('one session', () => {
  const film = told('s1').plays(10, 40, 100);
  const at140 = resumeAt(film.viewing, 140);

  it('has its place where its last beat was', () => expect(judge([film], at140)).toEqual(right));

  it.each<[string, ResumeAnswer | null]>([
    ['nothing', null],
    ['the beat before the last', { ...at140, positionMs: 130_000 }],
    ['one millisecond off', { ...at140, positionMs: 140_001 }],
    ['another session', { ...at140, sessionId: 's9' }],
    ['another device', { ...at140, deviceId: 'phone' }],
    ['another content', { ...at140, contentId: 'series' }],
    ['no length', { ...at140, durationMs: undefined }],
    ['finished', { ...at140, status: 'finished' }],
  ])('is not answered with %s', (_, answer) => {
    const { wrong, uncertain } = judge([film], answer);
    expect(wrong).toContain('expected s1 on tv of s1 at 140000 ms (in-progress)');
    expect(uncertain).toBe(false);
  });

  it.each([
    ['of 20 s', told('s1').plays(10, 20, 100)],
    ['that paused at once', told('s1').says(10, 'starting', 5).says(11, 'paused', 5).says(90, 'paused', 5)],
    ['that was wound ahead', told('s1').says(10, 'playing', 5).says(12, 'seeking', 7).says(13, 'playing', 900)],
    ['that was refused', told('s1').says(10, 'starting', 5, { told: 'LIMIT_REACHED' })],
    ['of limits only', told('s1', { limitsOnly: true }).plays(10, 90, 0)],
    ['of a live channel', told('s1', { content: NEWS }).plays(10, 90, 0)],
  ])('has no place when it is one %s', (_, session) => {
    expect(judge([session], null)).toEqual(right);
    expect(judge([session], resumeAt(session.viewing, 25)).wrong).toContain('expected no position');
  });

  it('is finished at 95 %, or with 30 s left', () => {
    for (const [content, place] of [
      [FILM, 3_420],
      [{ ...FILM, durationMs: 400_000 }, 371],
    ] as const) {
      const session = told('s1', { content }).plays(10, 40, place - 40);
      expect(judge([session], resumeAt(session.viewing, place, { status: 'finished' }))).toEqual(right);
      expect(judge([session], resumeAt(session.viewing, place)).wrong).toContain('(finished)');
      const before = told('s1', { content }).plays(10, 40, place - 42);
      expect(judge([before], resumeAt(before.viewing, place - 2))).toEqual(right);
    }
  });

  it('follows a seek back', () => {
    const back = told('s1').plays(10, 40, 100).says(52, 'seeking', 141).says(53, 'playing', 20);
    expect(judge([back], resumeAt(back.viewing, 20))).toEqual(right);
    expect(judge([back], resumeAt(back.viewing, 141)).wrong).toBeDefined();
  });

  it('may be at either of two places when its last beat was not answered, and at no third', () => {
    const open = told('s1').plays(10, 40, 100).says(61, 'playing', 150, { answered: false });
    expect(judge([open], resumeAt(open.viewing, 140))).toEqual({ wrong: undefined, uncertain: true });
    expect(judge([open], resumeAt(open.viewing, 150)).wrong).toBeUndefined();
    expect(judge([open], resumeAt(open.viewing, 130)).wrong).toBeDefined();
    expect(judge([open], null).wrong).toBeDefined();
  });
});

describe('sessions of one title', () => {
  const old = told('s1').plays(10, 40, 100);
  const young = told('s2').plays(100, 40, 2_000);

  it('give the place to the newest, also when an older one speaks last', () => {
    const late = told('s1').plays(10, 40, 100).says(300, 'playing', 150);
    expect(judge([late, young], resumeAt(young.viewing, 2_040))).toEqual(right);
    expect(judge([late, young], resumeAt(late.viewing, 150)).wrong).toContain('expected s2');
  });

  it('go by when they happened: an offline queue of before moves nothing', () => {
    const queue = told('s3');
    for (let at = 0; at <= 40; at += 10) queue.says(200, 'playing', at, { ageMs: 190_000 - at * 1_000 });
    expect(judge([young, queue], resumeAt(young.viewing, 2_040))).toEqual(right);
    expect(judge([young, queue], resumeAt(queue.viewing, 40)).wrong).toBeDefined();
  });

  it('leave the place alone when one was pressed by mistake', () => {
    const mistake = told('s2').plays(100, 10, 2_000);
    expect(judge([old, mistake], resumeAt(old.viewing, 140))).toEqual(right);
    expect(judge([old, mistake], resumeAt(mistake.viewing, 2_010)).wrong).toBeDefined();
  });

  it('may go on at once near the place that stands, which is left open', () => {
    const near = told('s2').plays(100, 10, 120);
    expect(judge([old, near], resumeAt(near.viewing, 130))).toEqual({ wrong: undefined, uncertain: true });
    expect(judge([old, near], resumeAt(old.viewing, 140)).wrong).toBeUndefined();
    expect(judge([old, near], null).wrong).toBeDefined();
  });

  it('leave open who wins of two that began within the uncertainty', () => {
    const a = told('s1').plays(10, 40, 100);
    const b = told('s2').plays(10.05, 40, 500);
    expect(judge([a, b], resumeAt(a.viewing, 140))).toEqual({ wrong: undefined, uncertain: true });
    expect(judge([a, b], resumeAt(b.viewing, 540)).wrong).toBeUndefined();
    expect(judge([a, b], resumeAt(b.viewing, 100)).wrong).toBeDefined();
  });
});

describe('a shelf', () => {
  const film = told('s1').plays(10, 40, 100).viewing;
  const series = told('s2', { content: { ...FILM, id: 'series' } }).plays(10, 40, 0).viewing;
  const answers = [resumeAt(film, 140), resumeAt(series, 40)];
  const wrongs = (seen: readonly ResumeAnswer[]) =>
    judgeShelf([film, series], seen, END).flatMap(({ wrong }) => wrong ?? []);

  it('has each title that was watched, once, and no other', () => {
    expect(wrongs(answers)).toEqual([]);
    expect(wrongs(answers.slice(1))[0]).toContain('seen no position');
    expect(wrongs([...answers, resumeAt(film, 140)])[0]).toContain('expected one record of film');
    expect(wrongs([...answers, resumeAt(film, 9, { contentId: 'opera' })])[0]).toContain('which nobody watched');
  });
});

describe('a player that was cut off', () => {
  const { viewing } = told('s1').plays(10, 40, 100);
  const cut = (pictureMs: number) => ({ viewing, title: [viewing], pictureMs });

  it('is found at its last beat, 10 s behind the picture at most', () => {
    expect(isDue(cut(149_000), END)).toBe(true);
    expect(judgeCut(cut(149_000), resumeAt(viewing, 140), END)).toMatchObject({ wrong: undefined, behindMs: 9_000 });
    expect(judgeCut(cut(149_000), resumeAt(viewing, 130), END).wrong).toContain('seen s1 at 130000 ms');
    expect(judgeCut(cut(149_000), null, END).wrong).toContain('seen no position');
    expect(judgeCut(cut(160_000), resumeAt(viewing, 140), END).wrong).toBeDefined();
  });

  it('is not waited for before it counts', () => {
    const short = told('s1').plays(10, 10, 0).viewing;
    expect(isDue({ viewing: short, title: [short], pictureMs: 15_000 }, END)).toBe(false);
  });
});
