import type { TableRow } from '../../table/table.ts';
import type { Processor, Step } from '../processor.ts';

/** The same fold, and all that it puts, in its order. */
export const overheard = <State, Control>(
  processor: Processor<State, Control>,
  puts: TableRow[],
): Processor<State, Control> => {
  const heard = (step: Step<State>): Step<State> => {
    for (const effect of step.effects) if ('put' in effect) puts.push(effect.put);
    return step;
  };
  return {
    ...processor,
    onRecord: (state, record, at) => heard(processor.onRecord(state, record, at)),
    onTimer: (state, at) => heard(processor.onTimer(state, at)),
  };
};
