/** The same loop as one would write it with kafkajs: fetch, decode, fold. No commit, no outputs: nothing of it survives. */
import kafkajs, { type EachBatchPayload } from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { epochMs } from '../../schemas/time.ts';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import { handFold } from './hand-fold.ts';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }: { readonly buffer: Buffer }) => compressFrameSync(buffer),
  decompress: async (bytes: Buffer) => decompressFrameSync(bytes),
});
type Place = { readonly brokers: string[]; readonly groupId: string; readonly topic: string; readonly records: number };
type Watch = { begun(): void; ended(): void };

/** Says when the first batch is there and when the last is folded; answers how many accounts there are then. */
export const kafkajsLoop = async ({ brokers, groupId, topic, records }: Place, watch: Watch): Promise<number> => {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId, maxWaitTimeInMs: 100 });
  const { fold, states } = handFold(concurrency);
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    let left = records;
    const eachBatch = async ({ batch }: EachBatchPayload): Promise<void> => {
      if (left === records) watch.begun();
      const folded = batch.messages.map(({ key, value, offset, timestamp }) => {
        const at = { offset: Number(offset), appendedAtMs: epochMs(Number(timestamp)) };
        return { key: key?.toString() ?? null, value, ...at };
      });
      fold(batch.partition, folded);
      left -= folded.length;
      if (left > 0) return;
      watch.ended();
      resolve();
    };
    consumer.run({ autoCommit: false, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
  return states.size;
};
