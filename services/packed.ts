import { NO_PACKING, type Packing, type PackingFor, packingOf } from '../shared/state/packing.ts';
import { ROOMS } from './rooms.ts';

/** How the state store reads the rows of each processor. The release behind this one writes them so: by then, all can read them. */
const PACKINGS: ReadonlyMap<string, Packing> = new Map(
  Object.values(ROOMS)
    .flatMap(({ folds }) => folds({ ledgerMs: 0 }))
    .flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, { ...packingOf(shape), pack: NO_PACKING.pack }]])),
);

export const packed: PackingFor = (processor) => PACKINGS.get(processor) ?? NO_PACKING;
