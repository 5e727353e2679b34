import { describe, expect, it } from '@jest/globals';
import { SECOND_MS } from '../../schemas/time.ts';
import { board } from './board.ts';
import { rankings } from './ranking.ts';
import { town } from './testing/town.ts';

const HONEST = 20;
const CROWD = 500;
const FORGED_PLAYERS = 10_000;
const FORGED_ACCOUNTS = 3;

describe('a list', () => {
  it('is not moved by 10,000 forged players of 3 accounts, nor by 500 accounts without a picture that moves; 500 of one network are suspicious', () => {
    const here = town();
    // Each kind has accounts of its own, from here on.
    const [honest, still, farm, forged] = [0, 1_000, 2_000, 3_000];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < HONEST; n++) here.beat(honest + n, { contentId: 'film', networkKey: `home-${n}` });
      for (let n = 0; n < CROWD; n++)
        here.beat(still + n, { contentId: 'still', positionMs: 0, networkKey: `bot-${n}` });
      for (let n = 0; n < CROWD; n++) here.beat(farm + n, { contentId: 'farm', networkKey: 'farm' });
      for (let n = 0; n < FORGED_PLAYERS; n++)
        here.beat(forged + (n % FORGED_ACCOUNTS), { sessionId: `player-${n}`, contentId: 'forged' });
      here.silence(10);
    }
    const told = board();
    here.audience.counts.forEach((counts, offset) => told.take(counts, offset));
    const list = rankings(told, 1)({ tenant: 'tenant', contentType: 'vod', window: '5m', by: 'audience', scope: null });
    const shown = list.map(({ contentId, audience, suspiciousShare }) => [contentId, audience, suspiciousShare]);
    expect(shown.slice(0, 2)).toEqual([
      ['farm', CROWD, 1],
      ['film', HONEST, 0],
    ]);
    // What 3 accounts watch is watched by 3 at most; what nobody sees move, by nobody.
    expect(shown.slice(2).every(([contentId, audience]) => contentId === 'forged' && Number(audience) <= 3)).toBe(true);
    expect(here.counted('still').windows[1]).toMatchObject({ audience: 0, suspicious: CROWD });
  });

  it('has a beat 5 s after it at most, of the 15 s that it may take; the board asks every 0.5 s', () => {
    const here = town();
    for (let n = 0; n < 40; n++) {
      here.beat(n);
      here.silence(5);
      const beatMs = here.audience.now();
      here.beat(n);
      const before = here.audience.counts.length;
      here.silence(5);
      const said = here.audience.counts.slice(before).find(({ windows }) => windows[0]!.audience > 0);
      expect((said?.atMs ?? Infinity) - beatMs).toBeLessThanOrEqual(5 * SECOND_MS);
    }
  });
});
