import { decode } from '../../schemas/codec.ts';
import { jsonDecode } from '../baselines/json-decode.ts';
import { beatRecord, jsonRecord } from '../records.ts';
import { alternate, type Bench, rowOf } from '../row.ts';

const DISTINCT = 5_000;
const START_MS = 1_800_000_000_000;

/** P2: a heartbeat out of the log, against the same heartbeat as JSON that is parsed and validated. */
export const decoding: Bench = async ({ rounds, seconds }, say) => {
  const records = Array.from({ length: DISTINCT }, (_, i) => beatRecord(i, i, START_MS + i).value ?? new Uint8Array());
  const texts = Array.from({ length: DISTINCT }, (_, i) => jsonRecord(i, i, START_MS + i));
  const expected = (DISTINCT * (DISTINCT - 1)) / 2;

  /** Reads them all again and again; the sum keeps the reading from being optimised away, and checks it. */
  const measure = (sequenceAt: (index: number) => number): number => {
    const startedMs = performance.now();
    let read = 0;
    while (performance.now() - startedMs < (seconds * 1_000) / 4) {
      let sum = 0;
      for (let i = 0; i < DISTINCT; i++) sum += sequenceAt(i);
      if (sum !== expected) throw new Error('not what was written');
      read += DISTINCT;
    }
    return (read * 1_000) / (performance.now() - startedMs);
  };
  const ours = (): number =>
    measure((i) => {
      const event = decode(records[i]!);
      return event.type === 'Heartbeat' ? event.value.sequence : Number.NaN;
    });
  const baseline = (): number => measure((i) => jsonDecode(texts[i]!).sequence);
  ours();
  baseline();
  const measured = await alternate({ rounds, say, name: 'P2', ours, baseline });
  const note = `a record has ${records[0]!.length} bytes, the same heartbeat as JSON ${texts[0]!.length}`;
  return [rowOf('P2', measured, [note])];
};
