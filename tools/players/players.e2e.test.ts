import { setInterval } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRun, type Run } from './run.ts';
import { startSmallServer } from './small-server.ts';
import { FLAWS, type Flaw } from './slots.ts';
import { FALSE_BLOCKS } from './verdicts.ts';
import { WRONG_SERVERS } from './wrong-servers.ts';

const SPEED = 20;
/** More at a time would starve each other: at this speed a second of waiting for a processor is a lease. */
const AT_A_TIME = 4;

/** What a right server has to be asked before it is acquitted. */
const askedEnough = ({ oracle: { counts }, tally }: Run): boolean =>
  counts.admitted > 100 &&
  counts.denied > 10 &&
  counts.returned + counts.displaced > 0 &&
  tally.of('let in at the door of a silent session') > 0;

/** Plays until it has asked enough, or the flaw is found: about 100 s of a household's time, more where the machine has other work. */
async function playAgainst(flaw: Flaw | undefined): Promise<Run> {
  const server = await startSmallServer({ speed: SPEED, flaw });
  const options = { accounts: 36, minutes: 10, seed: 7, limit: 2, rate: undefined, speed: SPEED };
  const run = startRun({ ...options, url: server.url });
  const isOver = run.finished.then(() => true);
  for await (const _ of setInterval(50)) {
    const isFound = flaw !== undefined && WRONG_SERVERS[flaw].some((kind) => run.oracle.verdicts.count(kind) > 0);
    if (isFound || (flaw === undefined && askedEnough(run))) run.end();
    if (await Promise.race([isOver, false])) break;
  }
  await server.close();
  return run;
}

const runs = new Map<Flaw | undefined, Run>();
beforeAll(async () => {
  const waiting = [undefined, ...FLAWS];
  const play = async (): Promise<void> => {
    while (waiting.length > 0) {
      const flaw = waiting.shift();
      runs.set(flaw, await playAgainst(flaw));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, play));
}, 120_000);
afterAll(() => runs.clear());

const runOf = (flaw: Flaw | undefined): Run => {
  const run = runs.get(flaw);
  if (run === undefined) throw new Error(`not played: ${flaw ?? 'right'}`);
  return run;
};

describe('households against a right server', () => {
  it('acquit it', () => {
    expect(runOf(undefined).oracle.verdicts.first).toEqual([]);
  });

  it('put it to every question: admissions, refusals, returns, silent doors, and no errors', () => {
    const right = runOf(undefined);
    expect(askedEnough(right)).toBe(true);
    const { tally } = right;
    expect([...tally.counts.keys()].filter((name) => name.startsWith('error'))).toEqual([]);
  });
});

describe('households against wrong servers', () => {
  it.each(FLAWS)('convict the server with the flaw "%s", and show how it came to it', (flaw) => {
    const { verdicts } = runOf(flaw).oracle;
    const found = WRONG_SERVERS[flaw].filter((kind) => verdicts.count(kind) > 0);
    expect(found).not.toEqual([]);
    for (const violation of verdicts.first) expect(violation.history.length).toBeGreaterThan(0);
  });

  it('call no server a blocker that only admits too many', () => {
    for (const flaw of ['limit and one', 'two at once'] as const) {
      const { verdicts } = runOf(flaw).oracle;
      expect(verdicts.first.filter(({ kind }) => FALSE_BLOCKS.includes(kind))).toEqual([]);
    }
  });
});
