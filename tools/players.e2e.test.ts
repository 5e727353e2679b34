import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Server, startServer } from '../services/testing/server.ts';
import { makeReport, objectionsOf, type Report } from './players/report.ts';
import { startRun } from './players/run.ts';

/** Households against the real service, in real time: nobody cuts a lease short. */
let server: Server;
let report: Report;
beforeAll(async () => {
  server = await startServer();
  const run = startRun({ url: server.url(), accounts: 48, minutes: 0.8, seed: 7, limit: 2, rate: undefined, speed: 1 });
  await run.finished;
  report = makeReport(run);
}, 180_000);
afterAll(() => server.close());

describe('what the service remembers of 48 households', () => {
  it('is what they were told, each answer of it', () => {
    expect(objectionsOf(report)).toEqual([]);
    expect(report.passed).toBe(true);
  });

  it('was asked for more than 100 times of resume positions and of views, most of them with one right answer', () => {
    const { resume, views } = report.remembered;
    for (const { judged, uncertain, unanswered } of [resume, views]) {
      expect(judged).toBeGreaterThan(100);
      expect(uncertain).toBeLessThan(judged / 2);
      expect(unanswered).toBe(0);
    }
  });

  it('has the last beat of players that were cut off, 12 s behind their last picture at most', () => {
    expect(report.remembered.cut.judged).toBeGreaterThan(0);
    expect(report.furthestBehindMs).toBeLessThanOrEqual(12_000);
  });
});
