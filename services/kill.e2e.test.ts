import { describe, expect, it } from '@jest/globals';
import { runKills } from './testing/kills.ts';
import { startLoad } from './testing/load.ts';
import { startServer } from './testing/server.ts';
import { truthIn } from './testing/truth.ts';

describe('kill -9 under load, 3 times at random moments', () => {
  it('loses no acknowledged beat, stores none twice, and the log gives every decision that was answered', async () => {
    const report = await runKills({ kills: 3, households: 16, seed: 7 });
    expect(report.violations).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(500);
    expect(report.decisionsChecked).toBeGreaterThan(500);
    expect(report.outputs).toBeGreaterThan(100);
    expect(report.sentAgain).toBeGreaterThan(0);
  });
});

describe('the judge of it', () => {
  it('acquits a quiet run, and convicts a beat that is missing or doubled, and a decision that was another', async () => {
    const server = await startServer();
    try {
      const load = startLoad({ url: server.url, households: 4, seed: 3, thinkMs: 1 });
      while (load.ledger.acknowledged.length < 300) await new Promise((resolve) => setTimeout(resolve, 20));
      await load.finish();
      expect(await server.kill('SIGTERM')).toMatchObject({ code: 0 });
      const { ledger } = load;
      const judge = async (tampered: Partial<typeof ledger>): Promise<string> =>
        (await truthIn(server.folder, { ...ledger, ...tampered }, { partitions: 4 })).violations.join('\n');
      expect(await judge({})).toBe('');

      const [first, second] = ledger.acknowledged;
      const elsewhere = [{ ...first!, position: second!.position }];
      expect(await judge({ acknowledged: elsewhere })).toMatch(/^lost: .* was acknowledged at 1\.\d\.\d+$/);
      expect(await judge({ acknowledged: [{ ...first!, position: '1.0.99999999' }] })).toMatch(/^lost: /);
      const sentNever = new Map(ledger.acknowledged.map((a) => [`${a.sessionId}/${a.sequence}`, 0]));
      expect(await judge({ sent: sentNever })).toMatch(/^doubled: beat .* is stored 1 times/);
      const [allowed] = ledger.decisions.filter((d) => d.decision === 'allow');
      const opposite = [{ ...allowed!, decision: 'stop' as const }];
      expect(await judge({ decisions: opposite })).toMatch(/answered .*"stop".*the log says .*"allow"/);
    } finally {
      await server.close();
    }
  });
});
