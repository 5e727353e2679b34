import { NO_PACKING, type Packing, type PackingFor, packingOf } from '../shared/state/packing.ts';
import { ROOMS } from './rooms.ts';

/** How the state store writes the rows of each processor: by the shape of its state. */
const PACKINGS: ReadonlyMap<string, Packing> = new Map(
  Object.values(ROOMS)
    .flatMap(({ folds }) => folds({ ledgerMs: 0 }))
    .flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, packingOf(shape)]])),
);

export const packed: PackingFor = (processor) => PACKINGS.get(processor) ?? NO_PACKING;
