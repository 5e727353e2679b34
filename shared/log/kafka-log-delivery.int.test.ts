import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOwnKafka, type OwnKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient } from './kafka-log-client.ts';
import { startDelivery } from './kafka-log-delivery.ts';
import { openReader, type KafkaReader } from './kafka-log-reader.ts';
import { openKafkaLog } from './kafka-log.ts';
import type { Shown } from './kafka-log-inside.ts';
import type { Batch, Log } from './log.ts';
import { memberOf, record, TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: OwnKafka;
let log: Log;
let reader: KafkaReader;
beforeAll(async () => {
  kafka = await startOwnKafka(1);
  const connection = { brokers: kafka.brokers, clientId: 'test' };
  log = await openKafkaLog({ ...connection, partitions: 3 });
  reader = await openReader(openKafkaClient(connection));
}, START_MS);
afterAll(async () => {
  await reader?.close();
  await log?.close();
  await kafka?.stop();
}, PATIENCE_MS);

/** A delivery whose member does not bring anything. */
const deliveryOf = (partition: number, onBatch?: (batch: Batch) => Promise<number>) => {
  const member = memberOf({ log, ...(onBatch === undefined ? {} : { onBatch }) });
  const stuck: Error[] = [];
  const sought: number[] = [];
  const delivery = startDelivery({
    consumer: member.consumer,
    partition,
    reader,
    maxRecords: 10,
    maxBytes: 1_000_000,
    onTrouble: () => {},
    fetching: {
      seek: (offset) => sought.push(offset),
      pause: () => {},
      resume: () => {},
      isKnown: () => true,
      stuck: (error) => stuck.push(error),
    },
  });
  return { delivery, member, stuck, sought };
};

/** What a fetch brings. */
const shown = (from: number, to: number): Shown => ({
  fetchedOffset: String(from),
  highWatermark: String(to),
  messages: Array.from({ length: to - from }, (_, i) => ({
    key: null,
    value: Buffer.from('text'),
    offset: String(from + i),
    timestamp: '1',
    isControlRecord: false,
  })),
  isEmptyIncludingFiltered: () => false,
  lastOffset: () => String(to - 1),
});

describe('the delivery of a partition', () => {
  it('gives a handler that is slower than the fetches all that waits at once, up to its limit', async () => {
    await log.append(
      TOPIC,
      2,
      Array.from({ length: 17 }, () => record('text')),
    );
    const begun = Promise.withResolvers<null>();
    const gate = Promise.withResolvers<null>();
    const ranges: (readonly number[])[] = [];
    const { delivery, sought, member } = deliveryOf(2, async ({ from, to, records }) => {
      ranges.push([from, to, records.length]);
      begun.resolve(null);
      await gate.promise;
      return to;
    });
    while (sought.length === 0) await sleep(10);
    delivery.accept(shown(0, 1));
    await begun.promise;
    delivery.accept(shown(1, 3));
    delivery.accept(shown(3, 5));
    delivery.accept(shown(5, 17));
    gate.resolve(null);
    await member.has(17);
    expect(ranges).toEqual([
      [0, 1, 1],
      [1, 11, 10],
      [11, 17, 6],
    ]);
    await delivery.stop(1_000);
  });

  it('calls its member stuck when the log has what does not come', async () => {
    const { delivery, sought, stuck } = deliveryOf(0);
    while (sought.length === 0) await sleep(10);
    await log.append(TOPIC, 0, [record('text')]);
    delivery.look();
    expect(stuck).toEqual([]);
    while (stuck.length === 0) {
      await sleep(50);
      delivery.look();
    }
    expect(stuck[0]?.message).toBe('partition 0 stands still at offset 0, and the log goes on');
    await delivery.stop(1_000);
  });

  it('calls nobody stuck at the end of the log', async () => {
    const { delivery, sought, stuck } = deliveryOf(1);
    while (sought.length === 0) await sleep(10);
    for (let look = 0; look < 10; look++) {
      delivery.look();
      await sleep(150);
    }
    expect(stuck).toEqual([]);
    await delivery.stop(1_000);
  });

  it('reports what a consumer throws when it hears that its partition has failed, and can still be stopped', async () => {
    const troubles: Error[] = [];
    const delivery = startDelivery({
      consumer: {
        ...memberOf({ log }).consumer,
        assigned: () => Promise.reject(new Error('no store')),
        failed: (_, error) => {
          throw error;
        },
      },
      partition: 1,
      reader,
      maxRecords: 10,
      maxBytes: 1_000_000,
      onTrouble: (error) => troubles.push(error),
      fetching: { seek: () => {}, pause: () => {}, resume: () => {}, isKnown: () => true, stuck: () => {} },
    });
    while (troubles.length === 0) await sleep(10);
    expect(String(troubles[0])).toBe('Error: no store');
    await delivery.stop(1_000);
  });
});
