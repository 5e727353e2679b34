import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { runKafkaOutage, type KafkaOutage } from './faults/kafka-outage.ts';
import { startOwnKafka } from './stack/own-kafka.ts';

/**
 * node tools/outage.ts [--who all|leader|coordinator] [--how kill|freeze] [--seconds 180]
 *
 * Takes brokers away from under the Kafka log while it is written to and consumed, and gives them back. Ends with 1 when a record
 * that was acknowledged is lost, doubled or not delivered, when appends or deliveries are not back 10 s after the brokers, or
 * when memory grew meanwhile. The short form is shared/log/kafka-log-outage.int.test.ts.
 */
const { values } = parseArgs({
  options: {
    who: { type: 'string', default: 'all' },
    how: { type: 'string', default: 'freeze' },
    seconds: { type: 'string', default: '180' },
  },
});
const oneOf = <T extends string>(value: string, allowed: readonly T[]): T => {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new Error(`one of ${allowed.join(', ')}, not ${value}`);
  return found;
};
const troubles = new Map<string, number>();
const outage: KafkaOutage = {
  who: oneOf(values.who, ['all', 'leader', 'coordinator']),
  how: oneOf(values.how, ['kill', 'freeze']),
  forMs: Number(values.seconds) * 1_000,
  onTrouble: ({ message }) => troubles.set(message, (troubles.get(message) ?? 0) + 1),
};
const BACK_WITHIN_MS = 10_000;
const GROWN_MIB = 8;

const kafka = await startOwnKafka(3);
try {
  const report = await runKafkaOutage(kafka, outage);
  const table = new Table({ style: { head: [], border: [], compact: true } });
  table.push(
    ...Object.entries(report).map(([name, value]) => {
      const shown = Array.isArray(value)
        ? value.length
        : typeof value === 'number'
          ? Math.round(value * 10) / 10
          : value;
      return [name, String(shown)];
    }),
  );
  console.log(table.toString());
  for (const [message, times] of troubles) console.log(`${times} times: ${message}`);
  const wrong = report.lost.length + report.doubled.length + report.undelivered.length + report.failures.length;
  const late = Math.max(report.appendsBackMs, report.deliveriesBackMs) > BACK_WITHIN_MS;
  process.exitCode = wrong > 0 || late || report.grownMiB > GROWN_MIB ? 1 : 0;
} finally {
  await kafka.stop();
}
