import type { Processor } from '../../shared/runtime/processor.ts';

/** How much an account has said since it was last silent for 35 s. */
type Said = { readonly records: number };

const SILENT_MS = 35_000;

export const smallestFold: Processor<Said, never> = {
  name: 'smallest-fold',
  input: 'heartbeats.v1',
  rebuildWindowMs: SILENT_MS,
  stateVersion: 1,
  upgrade: (state) => state as Said,
  onRecord: (said) => ({ state: { records: (said?.records ?? 0) + 1 }, effects: [], wakeInMs: SILENT_MS }),
  onTimer: () => ({ state: undefined, effects: [] }),
  onControl: (control) => control,
};
