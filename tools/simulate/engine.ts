import { pathToFileURL } from 'node:url';
import type * as codec from '../../schemas/codec.ts';
import type * as fold from '../../services/concurrency/concurrency.ts';
import type * as view from '../../services/concurrency/view.ts';
import type * as resume from '../../services/resume-position/resume.ts';
import type * as resumeRow from '../../services/resume-position/row.ts';
import type * as audience from '../../services/trending/audience.ts';
import type * as trending from '../../services/trending/trending.ts';
import type * as viewEnd from '../../services/view-end/view-end.ts';
import type * as stamp from '../../services/ingest/stamp.ts';
import type * as records from '../../shared/runtime/fold.ts';
import type * as time from '../../shared/runtime/live-time.ts';
import type * as loop from '../../shared/runtime/partition.ts';
import type * as backing from '../../shared/state/map-backing.ts';
import type * as memory from '../../shared/state/memory-state.ts';
import type * as processor from '../../shared/runtime/processor.ts';
import type * as memoryTable from '../../shared/table/memory-table.ts';
import { root } from '../steps.ts';

/** All of the product that a simulation runs: from this tree, or from a copy with a bug put in. */
export type Engine = Pick<typeof fold, 'concurrency'> &
  Pick<typeof resume, 'resumePosition'> &
  Pick<typeof resumeRow, 'titleIn' | 'rowKey'> &
  Pick<typeof viewEnd, 'viewEnd'> &
  Pick<typeof trending, 'trending'> &
  Pick<typeof audience, 'audience'> &
  Pick<typeof view, 'accountReader' | 'decisionOf' | 'decidesClosed' | 'findSession' | 'stampFrom' | 'needsJudging'> &
  Pick<typeof stamp, 'stampBeat' | 'stampSignal'> &
  Pick<typeof loop, 'openPartition' | 'foldBatch' | 'nextOffset' | 'reopen' | 'Fenced'> &
  Pick<typeof records, 'foldRecords'> &
  Pick<typeof processor, 'readState'> &
  Pick<typeof memoryTable, 'createMemoryTable'> &
  Pick<typeof time, 'liveClock'> &
  Pick<typeof memory, 'createMemoryState'> &
  Pick<typeof backing, 'createMapBacking'> &
  Pick<typeof codec, 'encodeEvent' | 'decode' | 'decodeOutput' | 'encodeOutput'>;

const FILES = [
  'services/concurrency/concurrency.ts',
  'services/concurrency/view.ts',
  'services/resume-position/resume.ts',
  'services/resume-position/row.ts',
  'services/view-end/view-end.ts',
  'services/trending/trending.ts',
  'services/trending/audience.ts',
  'services/ingest/stamp.ts',
  'shared/runtime/partition.ts',
  'shared/runtime/fold.ts',
  'shared/runtime/processor.ts',
  'shared/table/table.ts',
  'shared/table/memory-table.ts',
  'shared/runtime/live-time.ts',
  'shared/state/memory-state.ts',
  'shared/state/map-backing.ts',
  'schemas/codec.ts',
];

export const loadEngine = async (folder: string = root): Promise<Engine> => {
  const modules = await Promise.all(
    FILES.map((file) => import(pathToFileURL(`${folder}/${file}`).href) as Promise<Partial<Engine>>),
  );
  // The files are those that the type names.
  return Object.assign({}, ...modules) as Engine;
};
