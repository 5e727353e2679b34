import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OwnDynamo, startOwnDynamo } from '../../tools/stack/own-dynamodb.ts';
import { epochMs } from '../../schemas/time.ts';
import { FIRST_PAUSE_MS, LAST_PAUSE_MS } from './dynamo-patience.ts';
import { type DynamoTableOptions, openDynamoTable } from './dynamo-table.ts';
import { createDynamoTables } from './dynamo-tables.ts';
import { newAccount, rowIn, START_MS } from './table.contract.ts';
import { TableUnavailable } from './table-errors.ts';
import type { Table, TableRow } from './table.ts';
import { type DynamoFaults, type Fault, startDynamoFaults } from './testing/dynamo-faults.ts';

let dynamo: OwnDynamo;
let faults: DynamoFaults;
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const at = (endpoint: string) => ({ endpoint, region: 'eu-central-1', credentials, prefix: 'playbeat' });
const DEADLINE_MS = 10_000;
const ATTEMPT_MS = 1_500;

/** Time stands still but for pauses, which take no time, and for `giveUp`, which ends the attempts that are under way. */
let elapsedMs: number;
let pauses: number[];
let timers: Set<() => void>;
let troubles: TableUnavailable[];
const giveUp = (): void => {
  elapsedMs += ATTEMPT_MS;
  for (const run of [...timers]) run();
};
const tables: Table[] = [];
const opened = (options: Partial<DynamoTableOptions> = {}): Table => {
  const table = openDynamoTable({
    ...at(faults.endpoint),
    clock: () => epochMs(START_MS),
    deadlineMs: DEADLINE_MS,
    attemptMs: ATTEMPT_MS,
    random: () => 0.5,
    elapsedMs: () => elapsedMs,
    pause: async (ms) => {
      pauses.push(ms);
      elapsedMs += ms;
    },
    after: (_ms, run) => {
      timers.add(run);
      return () => void timers.delete(run);
    },
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
  tables.push(table);
  return table;
};
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    (reason: unknown) => reason,
  );
const inTurn = (...these: Fault[]): void => faults.set((_operation, n) => these[n % these.length]!);

let key: string;
const row = (id: string, of: Partial<TableRow> = {}): TableRow => rowIn(key, id, of);
const rowsUpTo = (count: number, of: Partial<TableRow> = {}): TableRow[] =>
  Array.from({ length: count }, (_, i) => row(`${i}`, { places: { history: String(i).padStart(4, '0') }, ...of }));

beforeAll(async () => {
  dynamo = await startOwnDynamo();
  faults = await startDynamoFaults(dynamo.endpoint);
  await createDynamoTables(at(dynamo.endpoint));
}, 90_000);
beforeEach(() => {
  key = newAccount();
  [elapsedMs, pauses, timers, troubles] = [0, [], new Set(), []];
  faults.set(() => 'pass');
});
afterEach(async () => {
  await faults.release();
  for (const table of tables.splice(0)) await table.close();
});
afterAll(async () => {
  await faults?.close();
  await dynamo?.stop();
});

describe('the DynamoDB table, when the service throttles or fails', () => {
  it.each(['throttle', 'fail', 'lose-request', 'lose-answer', 'cut-answer'] as const)(
    'has all 80 rows in the end where every other answer is: %s',
    async (fault) => {
      const table = opened();
      inTurn('pass', fault);
      const rows = rowsUpTo(80);
      await table.put(rows);
      expect(faults.count('UpdateItem')).toBeGreaterThan(80);
      inTurn(fault, 'pass');
      expect(await table.get(rows)).toEqual(rows);
      const { rows: listed } = await table.list({ ...row(''), list: 'history', below: null, limit: 100 });
      expect(listed).toEqual(rows.toReversed());
      // Once for each of the three calls, however many requests they had to repeat.
      expect(troubles).toHaveLength(3);
      expect(troubles[0]).toBeInstanceOf(TableUnavailable);
    },
  );

  it('has the newest version of each row, in whatever way puts in any order fail in between', async () => {
    const fault = fc.constantFrom<Fault>('throttle', 'fail', 'lose-request', 'lose-answer', 'cut-answer', 'pass');
    const put = fc.record({ id: fc.constantFrom('a', 'b', 'c'), version: fc.constantFrom('1', '2', '3', '4', '5') });
    const calls = fc.array(fc.array(put, { maxLength: 5 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(calls, fc.array(fault, { maxLength: 9 }), fc.boolean(), async (puts, cycle, together) => {
        key = newAccount();
        const table = opened({ deadlineMs: Infinity });
        inTurn(...cycle, 'pass');
        const newest = new Map<string, string>();
        const putting = puts.map((some) => () => table.put(some.map(({ id, version }) => row(id, { version }))));
        for (const { id, version } of puts.flat()) {
          if ((newest.get(id) ?? '') < version) newest.set(id, version);
        }
        if (together) await Promise.all(putting.map((one) => one()));
        else for (const one of putting) await one();
        const found = await table.get(['a', 'b', 'c'].map((id) => row(id)));
        expect(found.map((one) => one?.version)).toEqual(['a', 'b', 'c'].map((id) => newest.get(id)));
      }),
      { numRuns: 25 },
    );
  });

  it('pauses anywhere up to 25 ms, then twice that, and so on up to a second', async () => {
    let draws = 0;
    const table = opened({ random: () => [0.999, 0, 0.5][draws++ % 3]! });
    inTurn(...Array.from({ length: 9 }, () => 'throttle' as const), 'pass');
    await table.put([row('a')]);
    const most = [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000];
    expect([FIRST_PAUSE_MS, LAST_PAUSE_MS]).toEqual([25, 1_000]);
    expect(pauses).toEqual(most.map((ms, i) => ms * [0.999, 0, 0.5][i % 3]!));
  });
});

describe('the DynamoDB table, when not all keys are looked up', () => {
  it('asks for the rest until it has all 250, in the order of the keys', async () => {
    const table = opened();
    const rows = rowsUpTo(250).map((one, i): TableRow => (i % 3 === 0 ? { ...one, table: 'views', places: {} } : one));
    await table.put(rows);
    faults.set(() => 'half');
    expect(await table.get([...rows, row('none')])).toEqual([...rows, null]);
    expect(faults.count('BatchGetItem')).toBeGreaterThan(3 * 6);
    expect(elapsedMs).toBeGreaterThan(0);
  });

  it('gives up at the deadline where none is looked up any more', async () => {
    const table = opened();
    faults.set(() => 'none');
    const error = await failureOf(table.get([row('a')]));
    expect(error).toBeInstanceOf(TableUnavailable);
    expect(String(error)).toContain('answered for none');
    expect(elapsedMs).toBeGreaterThan(DEADLINE_MS - LAST_PAUSE_MS);
    expect(elapsedMs).toBeLessThanOrEqual(DEADLINE_MS);
  });
});

describe('the DynamoDB table, when an answer does not come', () => {
  it('tries again, and a put that arrives long after a newer one changes nothing', async () => {
    const table = opened();
    faults.set((_operation, n) => (n === 0 ? 'hold' : 'pass'));
    const putting = table.put([row('a', { version: '1' })]);
    await faults.held(1);
    giveUp();
    await putting;
    await table.put([row('a', { version: '2', item: { newest: true } })]);
    await faults.release();
    expect((await table.get([row('a')]))[0]?.item).toEqual({ newest: true });
    expect(pauses).toHaveLength(1);
  });

  it('a put that is repeated after a newer one came in between changes nothing', async () => {
    const [table, other] = [opened(), opened({ endpoint: dynamo.endpoint })];
    const old = opened({ pause: () => other.put([row('a', { version: '2' })]) });
    inTurn('lose-answer', 'pass');
    await old.put([row('a', { version: '1' })]);
    faults.set(() => 'pass');
    expect((await table.get([row('a')]))[0]?.version).toBe('2');
  });

  it.each(['put', 'get', 'list'] as const)(
    'a %s ends with the deadline although nothing ever answers',
    async (kind) => {
      const table = opened();
      faults.set(() => 'hold');
      const calls = {
        put: () => table.put([row('a')]),
        get: () => table.get([row('a')]),
        list: () => table.list({ ...row(''), list: 'history', below: null, limit: 1 }),
      };
      const failing = failureOf(calls[kind]());
      let ended = false;
      void failing.then(() => (ended = true));
      for (let n = 1; !ended; n++) {
        await Promise.race([faults.held(n), failing]);
        giveUp();
      }
      const error = await failing;
      expect(error).toBeInstanceOf(TableUnavailable);
      expect(String(error)).toContain(`no answer within ${ATTEMPT_MS} ms`);
      expect(pauses.length).toBeGreaterThan(3);
    },
  );
});

describe('the DynamoDB table, when the service is away', () => {
  it.each(['throttle', 'fail', 'lose-request', 'lose-answer', 'cut-answer'] as const)(
    'fails 50 puts by the deadline, names the place, and goes on when it is back, after: %s',
    async (fault) => {
      const table = opened();
      faults.set(() => fault);
      const error = await failureOf(table.put(rowsUpTo(50)));
      expect(error).toBeInstanceOf(TableUnavailable);
      expect(String(error)).toContain(`DynamoDB at ${faults.endpoint}, playbeat-*`);
      expect(elapsedMs).toBeGreaterThan(DEADLINE_MS - LAST_PAUSE_MS);
      const requests = faults.count('UpdateItem');
      faults.set(() => 'pass');
      await table.put(rowsUpTo(50));
      expect(await table.get(rowsUpTo(50))).toEqual(rowsUpTo(50));
      // Nothing of the failed call went on meanwhile.
      expect(faults.count('UpdateItem')).toBe(50);
      expect(requests).toBeLessThan(50 * 10);
    },
  );

  it('fails where nobody listens, and says so', async () => {
    const nobody = await startDynamoFaults(dynamo.endpoint);
    await nobody.close();
    const error = await failureOf(opened({ endpoint: nobody.endpoint }).get([row('a')]));
    expect(error).toBeInstanceOf(TableUnavailable);
    expect(String(error)).toContain('ECONNREFUSED');
    expect(troubles).toHaveLength(1);
  });

  it('fails at once where repeating cannot help', async () => {
    const error = await failureOf(opened({ prefix: 'none' }).put([row('a')]));
    expect(error).toBeInstanceOf(TableUnavailable);
    expect(String(error)).toContain('ResourceNotFoundException');
    expect([pauses, troubles]).toEqual([[], []]);
  });

  it('closes when the calls under way have ended', async () => {
    const table = opened();
    faults.set(() => 'hold');
    const putting = table.put([row('a')]);
    await faults.held(1);
    const ended: string[] = [];
    const both = [putting.then(() => ended.push('put')), table.close().then(() => ended.push('close'))];
    await faults.release();
    await Promise.all(both);
    expect(ended).toEqual(['put', 'close']);
  });
});
