import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openApi } from './testing/contract.ts';
import { type FuzzReport, runFuzz, unanswered } from './testing/fuzz.ts';
import { type Issuer, startIssuer } from './testing/issuer.ts';
import { settle } from './testing/known.ts';
import { startServer, UNCOUNTED } from './testing/server.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());

/** The long form is tools/fuzz.ts. */
describe('3,000 generated requests over the document', () => {
  it('get answers that it has, never a 5xx, with tokens and without, and each operation is answered as asked', async () => {
    const reports: FuzzReport[] = [];
    for (const whose of [null, issuer]) {
      const server = await startServer({ ...UNCOUNTED, ...whose?.env });
      try {
        const api = await openApi(server);
        const known = await settle(api, whose);
        const report = await runFuzz(api, known, { requests: 1_500, seed: 11, streams: 4, sampleEvery: 500 });
        reports.push(report);
        expect(report.violations).toEqual([]);
        expect(server.output()).not.toMatch(/"level":"error"/);
        if (whose !== null) expect(unanswered(api, reports)).toEqual([]);
      } finally {
        await server.close();
      }
    }
  }, 600_000);
});
