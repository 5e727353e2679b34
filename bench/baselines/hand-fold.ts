/** A fold as one would write it by hand: decode, maps of states and rows, live time. No timers, no commits, no outputs. */
import { decode } from '../../schemas/codec.ts';
import { liveMs } from '../../schemas/time.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import { positionOf } from '../../shared/log/position.ts';
import { letsTimePass } from '../../shared/runtime/live-time.ts';
import type { Processor } from '../../shared/runtime/processor.ts';
import { nameOf, type TableRow } from '../../shared/table/table.ts';

export const handFold = <State, Control>(processor: Processor<State, Control>) => {
  const states = new Map<string, State>();
  const rows = new Map<string, TableRow>();
  let control: Control | undefined;
  let live = 0;
  let lastMs = 0;
  const fold = (partition: number, records: readonly LogRecord[]): void => {
    for (const { key, value, offset, appendedAtMs } of records) {
      const event = decode(value);
      if (letsTimePass(event.type)) {
        if (lastMs > 0) live += Math.min(5_000, Math.max(0, appendedAtMs - lastMs));
        lastMs = appendedAtMs;
      }
      if (key === null) {
        control = processor.onControl(control, event);
        continue;
      }
      const before = states.get(key);
      const wanted = processor.reads?.(before, event, key) ?? null;
      const stored = wanted === null ? undefined : rows.get(nameOf(wanted));
      const position = positionOf(partition, offset);
      const at = { key, liveMs: liveMs(live), appendedAtMs, position, control, stored };
      const { state, effects } = processor.onRecord(before, event, at);
      for (const effect of effects) if ('put' in effect) rows.set(nameOf(effect.put), effect.put);
      if (state === undefined) states.delete(key);
      else states.set(key, state);
    }
  };
  return { states, fold };
};
