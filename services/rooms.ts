import { encodeEvent } from '../schemas/codec.ts';
import { epochMs } from '../schemas/time.ts';
import type { Route } from '../shared/http/route.ts';
import type { Log } from '../shared/log/log.ts';
import type { Processor } from '../shared/runtime/processor.ts';
import type { StateStore } from '../shared/state/state.ts';
import { type Cursors, cursors } from '../shared/table/cursor.ts';
import type { Table } from '../shared/table/table.ts';
import { archive } from './archive/archive.ts';
import { availably, readsOf } from './availability.ts';
import { concurrency } from './concurrency/concurrency.ts';
import { type ConcurrencyApi, concurrencyRoutes } from './concurrency/routes.ts';
import { decisionLedger } from './decision-ledger/decision-ledger.ts';
import { openLedger } from './ledger-routes.ts';
import { resumePosition } from './resume-position/resume.ts';
import { resumeRoutes } from './resume-position/routes.ts';
import { householdReader as resumeReader } from './resume-position/view.ts';
import type { FoldingRole } from './roles.ts';
import { audience } from './trending/audience.ts';
import { trending } from './trending/trending.ts';
import { viewRoutes } from './view-end/routes.ts';
import { viewEnd } from './view-end/view-end.ts';
import { householdReader as viewReader } from './view-end/view.ts';

// State and control state are their processor's own: nobody else looks into them.
export type AnyProcessor = Processor<unknown, unknown>;

export type FoldOptions = {
  /** How long decisions are kept. */
  readonly ledgerMs: number;
};

/** What routes are made from. */
export type RoomApi = ConcurrencyApi & {
  readonly log: Log;
  readonly store: StateStore;
  /** Null where the roles of this process keep nothing for long. */
  readonly table: Table | null;
  readonly secret: Uint8Array;
  readonly waitsFor: (processor: string) => (partition: number, offset: number) => Promise<boolean>;
  readonly nextRequestId: () => string;
  readonly breathe: () => Promise<void>;
};

/** What a role that folds is made of, beside its line in roles.ts. */
type Room = {
  folds(options: FoldOptions): readonly AnyProcessor[];
  /** On both ports. */
  routes(api: RoomApi): readonly Route[];
};

export const ROOMS: Readonly<Record<FoldingRole, Room>> = {
  concurrency: { folds: () => [concurrency as AnyProcessor], routes: concurrencyRoutes },
  'resume-position': {
    folds: () => [resumePosition as AnyProcessor],
    routes: (api) =>
      lasting(api, (shared) =>
        resumeRoutes({
          ...shared,
          read: availably(resumeReader(api.store)),
          waitFor: availably(api.waitsFor(resumePosition.name)),
          append: availably(async (key, event) => {
            const partition = api.partitionOf(key);
            const stored = await api.log.append(resumePosition.input, partition, [{ key, value: encodeEvent(event) }]);
            return { partition, offset: stored.baseOffset };
          }),
        }),
      ),
  },
  'view-end': {
    folds: () => [viewEnd as AnyProcessor],
    routes: (api) =>
      lasting(api, (shared) =>
        viewRoutes({
          ...shared,
          read: availably(viewReader(api.store)),
          reached: availably(api.waitsFor(viewEnd.name)),
        }),
      ),
  },
  // Its routes answer from a board that is opened with the process: see trending-routes.ts.
  trending: { folds: () => [trending as AnyProcessor, audience as AnyProcessor], routes: () => [] },
  'decision-ledger': {
    folds: ({ ledgerMs }) => [decisionLedger({ keptMs: ledgerMs }) as AnyProcessor],
    routes: (api) => lasting(api, openLedger),
  },
  archive: { folds: () => [archive as AnyProcessor], routes: () => [] },
};

type Lasting = Omit<RoomApi, 'table'> & { readonly table: ReturnType<typeof readsOf>; readonly cursors: Cursors };

/** The routes of a role whose answers outlive the log. */
const lasting = (api: RoomApi, routes: (api: Lasting) => readonly Route[]): readonly Route[] => {
  const { table, secret, clock } = api;
  if (table === null) return [];
  return routes({ ...api, table: readsOf(table), cursors: cursors(secret, () => epochMs(clock())) });
};
