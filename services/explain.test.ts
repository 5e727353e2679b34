import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeptDecision } from '../schemas/generated/http.ts';
import { DAY_MS, SECOND_MS } from '../schemas/time.ts';
import { LogOutOfRange } from '../shared/log/log-errors.ts';
import { testDriver, type TestDriver } from '../shared/runtime/test-driver.ts';
import { beatOf, type Household, household, KEY, rules } from './concurrency/testing/household.ts';
import { decisionLedger } from './decision-ledger/decision-ledger.ts';
import { explained } from './decision-ledger/explain.ts';
import { pageOf, type Rows } from './decision-ledger/view.ts';
import { type LedgerOptions, replayFrom } from './ledger-routes.ts';

/** Sessions of neighbours on the same partition. */
const NEXT_DOOR = 'next door';

/** What the household was told, in the ledger, and the log that it was told from. */
const ledgerOf = (home: Household): TestDriver<never> => {
  const driver = testDriver(decisionLedger({ keptMs: 90 * DAY_MS }), { startAtMs: home.driver.now() });
  const own = home.driver.outputs.filter(({ sessionId }) => !sessionId.startsWith(NEXT_DOOR));
  for (const value of own) driver.append(KEY, { type: 'StreamDecided', value });
  driver.fold();
  return driver;
};

type Held = { readonly first?: number; readonly clock?: () => number };
const logOf = ({ log }: TestDriver<unknown>, { first = 0 }: Held): LedgerOptions['log'] => ({
  bounds: async () => ({ first, end: log.length }),
  offsetAt: async (_topic, _partition, atMs) =>
    log.find(({ offset, appendedAtMs }) => offset >= first && appendedAtMs >= atMs)?.offset ?? log.length,
  read: async (topic, partition, from, max) => {
    if (from < first) throw new LogOutOfRange({ topic, partition, offset: from }, { first, end: log.length });
    const records = log.slice(from, from + max);
    return { topic, partition, from, to: from + records.length, records, end: log.length };
  },
});

const explainedOf = async (
  home: Household,
  sessionId: string | null,
  held: Held = {},
): Promise<readonly KeptDecision[]> => {
  const { table } = ledgerOf(home);
  const rows: Rows = { list: async (request) => table.list(request) };
  const { decisions } = await pageOf(rows, { key: KEY, sessionId, below: null, limit: 100 });
  const log = logOf(home.driver, held);
  const replay = replayFrom({ log, clock: held.clock ?? (() => 0), breathe: async () => {} });
  return explained(rows, KEY, { decisions, replay });
};

/** Oldest first, as `outcome replay: who held the slots`. */
const story = (decisions: readonly KeptDecision[]): readonly string[] =>
  decisions.toReversed().map(({ outcome, explanation }) => {
    const held = explanation?.heldBy.map(({ sessionId, status }) => `${sessionId} ${status}`).join(', ') ?? '';
    return `${outcome} ${explanation?.replay}: ${held}`;
  });

describe('a decision', () => {
  it('that refuses is explained by who held the slots, and by the beats up to it', async () => {
    const home = household();
    home.start('tv', { deviceName: 'Living room' });
    home.beat('tv');
    home.start('phone');
    home.silence(2);
    home.start('tablet');
    const [denied] = await explainedOf(home, 'tablet');
    expect(denied).toMatchObject({ outcome: 'denied', rule: 'two-streams', policyVersion: 1, limit: 2, holders: 2 });
    expect(denied?.explanation).toMatchObject({
      replay: 'agrees',
      heldBy: [
        { sessionId: 'tv', deviceName: 'Living room', status: 'active', position: '1.0.2' },
        { sessionId: 'phone', status: 'starting', position: '1.0.3' },
      ],
    });
    expect(
      denied?.explanation?.beats.map((one) => `${one.position} ${one.kind} ${one.sessionId} ${one.state}`),
    ).toEqual([
      '1.0.1 start tv starting',
      '1.0.2 beat tv playing',
      '1.0.3 start phone starting',
      '1.0.6 start tablet starting',
    ]);
    expect(denied?.position).toBe('1.0.6');
  });

  it('of an evicted session is there twice: as it came, and as the newer one took its slot', async () => {
    const home = household(rules(3, '{ id: newest-wins, limit: 1, onExceed: evict-oldest }'));
    home.start('tv');
    home.watch(30, 'tv');
    home.start('phone');
    const decisions = await explainedOf(home, 'tv');
    expect(story(decisions)).toEqual(['admitted agrees: ', 'evicted agrees: tv active']);
    expect(decisions[0]).toMatchObject({ rule: 'newest-wins', policyVersion: 3, bySessionId: 'phone' });
  });

  it('of a silent session: displaced by a newcomer, and back again when a slot is free', async () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('tv');
    home.watch(20, 'tv');
    home.silence(23);
    home.start('phone');
    home.stop('phone');
    home.beat('tv');
    expect(story(await explainedOf(home, 'tv'))).toEqual([
      'admitted agrees: ',
      'displaced agrees: tv late',
      'admitted agrees: ',
    ]);
  });

  it('that time brought about has the position of the record that let time pass, and the last beats before it', async () => {
    const home = household();
    home.start('tv');
    home.silence(36);
    const [expired] = await explainedOf(home, 'tv');
    expect(expired).toMatchObject({ outcome: 'expired', reason: 'SILENT_TOO_LONG', position: '1.0.36' });
    expect(expired?.explanation).toMatchObject({ replay: 'agrees', beats: [{ kind: 'start', position: '1.0.1' }] });
  });

  it('under a policy that came into force between two beats is replayed under that one', async () => {
    const home = household(rules(1, '{ id: one, limit: 1 }'));
    home.start('tv');
    home.start('phone');
    home.activate(rules(2, '{ id: two, limit: 2 }'));
    home.start('phone', { requestId: 'again' });
    const decisions = await explainedOf(home, 'phone');
    expect(decisions.map(({ rule, policyVersion, outcome }) => [rule, policyVersion, outcome])).toEqual([
      ['two', 2, 'admitted'],
      ['one', 1, 'denied'],
    ]);
    expect(story(decisions)).toEqual(['denied agrees: tv starting', 'admitted agrees: tv starting']);
  });
});

describe('the beats of a decision', () => {
  const evening = (): Household => {
    const policy = rules(1, '{ id: one, limit: 1, onExceed: evict-oldest }');
    const home = household(policy);
    const activatedAtMs = home.driver.now();
    home.start('tv');
    for (let minutes = 0; minutes < 60; minutes += 5) {
      // As its owner does in every partition.
      home.activate(policy, { activatedAtMs });
      home.watch(300, 'tv');
    }
    home.start('phone');
    return home;
  };

  it('are read from where the account last held no slot: here an hour and 20 minutes back', async () => {
    const home = evening();
    // The same household held and lost slots before: that is not needed.
    expect(story(await explainedOf(home, 'phone'))).toEqual(['admitted agrees: tv active']);
  });

  it('have expired where the log has not got the cause any more: the ledger speaks alone', async () => {
    const home = evening();
    const decisions = await explainedOf(home, 'tv', { first: 400 });
    expect(story(decisions)).toEqual(['admitted beats-expired: ', 'evicted agrees: tv active']);
    expect(decisions.at(-1)).toMatchObject({ outcome: 'admitted', rule: 'one', policyVersion: 1, holders: 1 });
  });

  it('have expired where what is left of them gives another decision: the past that is missing may be why', async () => {
    const home = evening();
    // Nothing of the policy is left, so nothing is decided.
    const [admitted] = await explainedOf(home, 'phone', { first: home.driver.log.length - 1 });
    expect(admitted?.explanation).toEqual({ replay: 'beats-expired', heldBy: [], beats: [] });
  });

  it('are not read to their end where that takes more than 10 s', async () => {
    const home = evening();
    let ms = 0;
    const clock = (): number => (ms += 11 * SECOND_MS);
    expect(story(await explainedOf(home, 'phone', { clock }))).toEqual(['admitted not-finished: ']);
  });
});

describe('a replay', () => {
  it('that gives another decision than was kept says that it differs', async () => {
    const home = household();
    home.start('tv');
    const { table } = ledgerOf(home);
    const rows: Rows = { list: async (request) => table.list(request) };
    const { decisions } = await pageOf(rows, { key: KEY, sessionId: 'tv', below: null, limit: 9 });
    const forged = decisions.map(({ place, kept }) => ({ place, kept: { ...kept, outcome: 'denied' as const } }));
    const replay = replayFrom({ log: logOf(home.driver, {}), clock: () => 0, breathe: async () => {} });
    const [one] = await explained(rows, KEY, { decisions: forged, replay });
    expect(one?.explanation?.replay).toBe('differs');
  });

  it('agrees with each decision of any evening, whatever others on the partition do', async () => {
    const rule = fc.constantFrom(
      '{ id: two, limit: 2 }',
      '{ id: one, limit: 1, onExceed: evict-oldest }',
      '{ id: share, limit: 2, sameDevice: share-slot }',
      '{ id: watched, limit: 1, mode: observe }',
    );
    const who = fc.constantFrom('tv', 'phone', 'tablet', 'laptop');
    const deed = fc.oneof(
      fc.record({ do: fc.constantFrom('start', 'beat', 'stop', 'pause', 'neighbour', 'call'), who }),
      fc.record({ do: fc.constant('silence'), who, seconds: fc.constantFrom(3, 12, 25, 40, 700) }),
    );
    const evenings = fc.record({ rule, other: rule, deeds: fc.array(deed, { minLength: 5, maxLength: 60 }) });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(evenings, async ({ rule: first, other, deeds }) => {
        const home = household(null);
        let inForce = { policy: rules(1, first), activatedAtMs: home.driver.now() };
        const state = (): void => home.activate(inForce.policy, inForce);
        state();
        for (const [n, one] of deeds.entries()) {
          if (n === 20) {
            inForce = { policy: rules(2, other), activatedAtMs: home.driver.now() };
            state();
          }
          if ('seconds' in one) {
            home.silence(one.seconds);
            // As its owner does every 5 minutes.
            state();
          }
          if (one.do === 'start') home.start(one.who, { deviceId: `${one.who} ${n % 3}` });
          else if (one.do === 'beat') home.beat(one.who);
          else if (one.do === 'pause') home.beat(one.who, { state: 'paused' });
          else if (one.do === 'stop') home.stop(one.who);
          else if (one.do === 'call') home.callNextDoor(4 * SECOND_MS);
          else {
            const value = beatOf(`${NEXT_DOOR} ${n}`, home.driver.now(), { sequence: 1 });
            home.driver.append('neighbours', { type: 'Heartbeat', value });
            home.driver.fold();
          }
        }
        const decisions = [...(await explainedOf(home, null)), ...(await explainedOf(home, 'tv'))];
        for (const { explanation } of decisions) expect(explanation?.replay).toBe('agrees');
        compared += decisions.length;
      }),
      { numRuns: 100 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});
