import { describe, expect, it } from '@jest/globals';
import { MINUTE_MS } from '../../schemas/time.ts';
import { ACCOUNTS, ENDS_EARLY, FALLS_SILENT, manyPlaying } from '../../shared/sessions/testing/many-playing.ts';
import { resumePosition } from './resume.ts';
import { rowKey, titleIn } from './row.ts';

describe('a processor of resume positions that is stopped for 10 minutes under 100 playing accounts', () => {
  const calm = manyPlaying(resumePosition, { stopped: false });
  const stopped = manyPlaying(resumePosition, { stopped: true });

  const keys = ACCOUNTS.map((key) => rowKey(key, { profileId: 'parent', contentId: 'film' }));

  it('knows of each where its last beat was, to the millisecond', () => {
    for (const [i, key] of ACCOUNTS.entries()) {
      const early = ENDS_EARLY.includes(key) || FALLS_SILENT.includes(key);
      const row = stopped.table.get([keys[i]!])[0];
      const at = row == null ? null : titleIn(row).now?.positionMs;
      expect({ key, at }).toEqual({ key, at: (early ? 5 : 20) * MINUTE_MS });
    }
  });

  it('comes to the state and the rows that it would have come to without the stop', () => {
    expect(stopped.table.get(keys)).toEqual(calm.table.get(keys));
    expect(stopped.table.get(keys)).not.toContain(null);
    expect(stopped.view(ACCOUNTS)).toEqual(calm.view(ACCOUNTS));
  });
});
