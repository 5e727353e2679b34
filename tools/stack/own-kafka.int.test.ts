import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '../../shared/log/kafka-log.ts';
import { LogUnavailable } from '../../shared/log/log-errors.ts';
import type { Log } from '../../shared/log/log.ts';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { startOwnKafka, type OwnKafka } from './own-kafka.ts';

const TOPIC = 'heartbeats.v1';
const START_MS = 60_000;
const PATIENCE_MS = 60_000;

describe('a Kafka behind proxies', () => {
  let proxies: readonly TcpProxy[] = [];
  let kafka: OwnKafka;
  let log: Log;
  beforeAll(async () => {
    proxies = await Promise.all([startTcpProxy({}), startTcpProxy({}), startTcpProxy({})]);
    kafka = await startOwnKafka(3, { advertise: proxies.map(({ port }) => port) });
    for (const [i, proxy] of proxies.entries()) proxy.lead(kafka.frontPorts[i]!);
    const [first] = proxies;
    log = await openKafkaLog({
      brokers: [first!.address],
      clientId: 'test',
      partitions: 6,
      appendTimeoutMs: 2_000,
      onTrouble: () => {},
    });
  }, START_MS);
  afterAll(async () => {
    await log?.close();
    await kafka?.stop();
    for (const proxy of proxies) await proxy.close();
  }, PATIENCE_MS);

  const partitions = [0, 1, 2, 3, 4, 5];
  const append = (partition: number, text: string) =>
    log.append(TOPIC, partition, [{ key: null, value: Buffer.from(text) }]);
  const appendAll = (text: string) => Promise.allSettled(partitions.map((partition) => append(partition, text)));
  const refusals = (results: readonly PromiseSettledResult<unknown>[]): readonly unknown[] =>
    results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const untilAll = async (text: string): Promise<void> => {
    while (refusals(await appendAll(text)).length > 0) await sleep(50);
  };

  it(
    'works through them and knows no other way: a client loses all brokers with the proxies, and comes back with them',
    async () => {
      expect(refusals(await appendAll('before'))).toEqual([]);
      for (const proxy of proxies) {
        proxy.refuse();
        proxy.cut('reset');
      }
      const lost = refusals(await appendAll('lost'));
      expect(lost).toHaveLength(partitions.length);
      expect(lost.every((error) => error instanceof LogUnavailable)).toBe(true);
      // The brokers themselves have noticed nothing.
      const tool = await kafka.tool('org.apache.kafka.tools.TopicCommand', [
        '--describe',
        '--under-replicated-partitions',
      ]);
      expect(tool.trim()).toBe('');
      await Promise.all(proxies.map((proxy) => proxy.accept()));
      await untilAll('after');
      const texts: string[] = [];
      for (const partition of partitions) {
        const { first } = await log.bounds(TOPIC, partition);
        const { records } = await log.read(TOPIC, partition, first, 1_000);
        for (const { value } of records) texts.push(Buffer.from(value!).toString());
      }
      // What was not acknowledged may be there all the same; what was is there once.
      expect(texts.filter((text) => text === 'before')).toHaveLength(partitions.length);
      expect(texts.filter((text) => text === 'after').length).toBeGreaterThanOrEqual(partitions.length);
    },
    PATIENCE_MS,
  );

  it(
    'goes half open: an append whose answer is swallowed is not acknowledged in time, and the next one is after the line was cut',
    async () => {
      await untilAll('whole');
      for (const proxy of proxies) proxy.answers('drop');
      const lost = refusals(await appendAll('half open'));
      expect(lost).toHaveLength(partitions.length);
      for (const proxy of proxies) {
        proxy.answers('pass');
        proxy.cut();
      }
      await untilAll('whole again');
    },
    PATIENCE_MS,
  );
});
