import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { epochMs, SECOND_MS } from '../schemas/time.ts';
import type { Processor } from '../shared/runtime/processor.ts';
import { testDriver } from '../shared/runtime/test-driver.ts';
import { overheard } from '../shared/runtime/testing/overheard.ts';
import { openDynamoTable } from '../shared/table/dynamo-table.ts';
import { createDynamoTables } from '../shared/table/dynamo-tables.ts';
import { compareText } from '../shared/table/table-rows.ts';
import { nameOf, type Table, type TableRow } from '../shared/table/table.ts';
import { type DynamoFaults, startDynamoFaults } from '../shared/table/testing/dynamo-faults.ts';
import { type OwnDynamo, startOwnDynamo } from '../tools/stack/own-dynamodb.ts';
import { resumePosition } from './resume-position/resume.ts';
import { type Random, randomOf } from './testing/random.ts';
import { street } from './testing/street.ts';
import { viewEnd } from './view-end/view-end.ts';

/** Far ahead of the machine's clock: DynamoDB deletes what has expired by its own. */
const START_MS = 4_000_000_000_000;
const EVENING_S = 40 * 60;

/** All that the fold puts in 40 minutes of 6 households, in its order. */
const putsOf = <State>(processor: Processor<State, undefined>): readonly TableRow[] => {
  const puts: TableRow[] = [];
  const driver = testDriver(overheard(processor, puts), { startAtMs: START_MS });
  const { at } = street({ households: 6, seconds: EVENING_S, startMs: START_MS });
  for (let second = 0; second < EVENING_S; second += 1) {
    for (const { key, event } of at(second)) driver.append(key, event);
    driver.advance(SECOND_MS);
    driver.fold();
  }
  return puts;
};

/** Each once, twice or three times, in any order. */
const shuffled = (puts: readonly TableRow[], random: Random): TableRow[] =>
  puts
    .flatMap((row) => Array.from({ length: 1 + random.below(3) }, () => ({ row, place: random.next() })))
    .sort((a, b) => a.place - b.place)
    .map(({ row }) => row);

let dynamo: OwnDynamo;
let faults: DynamoFaults;
let table: Table;
beforeAll(async () => {
  dynamo = await startOwnDynamo();
  faults = await startDynamoFaults(dynamo.endpoint);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const options = { endpoint: faults.endpoint, region: 'eu-central-1', credentials, prefix: 'playbeat' };
  await createDynamoTables(options);
  table = openDynamoTable({ ...options, clock: () => epochMs(START_MS), deadlineMs: Infinity });
}, 90_000);
afterAll(async () => {
  await table?.close();
  await faults?.close();
  await dynamo?.stop();
});

describe('the rows of an evening in DynamoDB, put in any order, up to three times, in batches at the same time', () => {
  const evening = [...putsOf(resumePosition), ...putsOf(viewEnd)];

  it('are at least 100, and at least 30 of them were put more than once', () => {
    const times = Object.values(Object.groupBy(evening, nameOf)).map((puts) => puts?.length ?? 0);
    expect(times.length).toBeGreaterThanOrEqual(100);
    expect(times.filter((n) => n > 1).length).toBeGreaterThanOrEqual(30);
  });

  it.each([
    { seed: 1, fault: 'pass' },
    { seed: 2, fault: 'throttle' },
    { seed: 3, fault: 'lose-answer' },
  ] as const)(
    'never go back to a smaller version, and end as the last put of each, where every fifth answer is: $fault',
    async ({ seed, fault }) => {
      faults.set((_operation, n) => (n % 5 === 4 ? fault : 'pass'));
      const random = randomOf(seed);
      const puts = evening.map((row) => ({ ...row, key: `${row.key} of ${seed}` }));
      const last = [...new Map(puts.map((row) => [nameOf(row), row])).values()];
      const versions = last.map(() => '');
      const backwards: unknown[] = [];
      for (const left = shuffled(puts, random); left.length > 0;) {
        const batches = Array.from({ length: 4 }, () => left.splice(0, 1 + random.below(30)));
        await Promise.all(batches.map((rows) => table.put(rows)));
        for (const [i, row] of (await table.get(last)).entries()) {
          const version = row?.version ?? '';
          if (compareText(version, versions[i]!) < 0) backwards.push([last[i]!.id, versions[i], version]);
          versions[i] = version;
        }
      }
      expect(backwards).toEqual([]);
      expect(await table.get(last)).toEqual(last);
    },
  );
});
