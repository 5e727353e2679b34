/** The fold as one would write it by hand: decode, a map of states, live time. No timers, no commits, no outputs. */
import { decode } from '../../schemas/codec.ts';
import { liveMs } from '../../schemas/time.ts';
import type { Account, Control } from '../../services/concurrency/account.ts';
import { concurrency } from '../../services/concurrency/concurrency.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import { positionOf } from '../../shared/log/position.ts';

export type HandFold = {
  readonly states: ReadonlyMap<string, Account>;
  fold(partition: number, records: readonly LogRecord[]): void;
};

export const handFold = (): HandFold => {
  const states = new Map<string, Account>();
  let control: Control | undefined;
  let live = 0;
  let lastMs = 0;
  return {
    states,
    fold: (partition, records) => {
      for (const { key, value, offset, appendedAtMs } of records) {
        const event = decode(value);
        if (lastMs > 0) live += Math.min(5_000, Math.max(0, appendedAtMs - lastMs));
        lastMs = appendedAtMs;
        if (key === null) {
          control = concurrency.onControl(control, event);
          continue;
        }
        const position = positionOf(concurrency.input, partition, offset);
        const at = { key, liveMs: liveMs(live), appendedAtMs, position, control };
        const { state } = concurrency.onRecord(states.get(key), event, at);
        if (state === undefined) states.delete(key);
        else states.set(key, state);
      }
    },
  };
};
