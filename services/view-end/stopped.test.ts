import { describe, expect, it } from '@jest/globals';
import { ACCOUNTS, FALLS_SILENT, manyPlaying } from '../../shared/sessions/testing/many-playing.ts';
import { viewEnd } from './view-end.ts';

describe('a processor of views that is stopped for 10 minutes under 100 playing accounts', () => {
  const calm = manyPlaying(viewEnd, { stopped: false });
  const stopped = manyPlaying(viewEnd, { stopped: true });

  it('ends no view as silent but the 10 that fell silent, and each of the 100 once', () => {
    const silent = stopped.viewEnds.filter(({ reason }) => reason === 'silent');
    const finals = stopped.viewEnds.filter(({ status }) => status === 'final');
    expect(new Set(silent.map((v) => v.sessionId))).toEqual(new Set(FALLS_SILENT.map((key) => `film of ${key}`)));
    expect(silent.map((v) => v.status).sort()).toEqual([...Array(10).fill('final'), ...Array(10).fill('provisional')]);
    expect(finals.map((v) => v.sessionId).sort()).toEqual(ACCOUNTS.map((key) => `film of ${key}`).sort());
  });

  it('says what it would have said without the stop, record by record', () => {
    expect(stopped.viewEnds).toHaveLength(110);
    expect(stopped.viewEnds).toEqual(calm.viewEnds);
    const keys = ACCOUNTS.map((key) => ({ table: 'views', key, id: `film of ${key}` }) as const);
    expect(stopped.table.get(keys)).toEqual(calm.table.get(keys));
    expect(stopped.view(ACCOUNTS)).toEqual(calm.view(ACCOUNTS));
  });
});
