import { encodeEvent } from '../schemas/codec.ts';
import type { AccountKey } from '../schemas/ids.ts';
import { epochMs } from '../schemas/time.ts';
import type { Route } from '../shared/http/route.ts';
import type { Log } from '../shared/log/log.ts';
import type { StateStore } from '../shared/state/state.ts';
import { cursors } from '../shared/table/cursor.ts';
import type { Table } from '../shared/table/table.ts';
import { availably, readsOf } from './availability.ts';
import { resumePosition } from './resume-position/resume.ts';
import { resumeRoutes } from './resume-position/routes.ts';
import { householdReader as resumeReader } from './resume-position/view.ts';
import type { RoleName } from './roles.ts';
import { viewRoutes } from './view-end/routes.ts';
import { viewEnd } from './view-end/view-end.ts';
import { householdReader as viewReader } from './view-end/view.ts';

export type DurableOptions = {
  readonly roles: readonly RoleName[];
  readonly log: Log;
  readonly store: StateStore;
  readonly table: Table;
  readonly secret: Uint8Array;
  readonly waitsFor: (processor: string) => (partition: number, offset: number) => Promise<boolean>;
  readonly accountKey: (tenant: string, accountId: string) => AccountKey;
  readonly partitionOf: (key: AccountKey) => number;
  readonly clock: () => number;
  readonly nextRequestId: () => string;
};

/** The routes of the roles whose answers outlive the log. */
export const durableRoutes = (options: DurableOptions): readonly Route[] => {
  const { roles, log, store, table, secret, waitsFor, clock, partitionOf } = options;
  const shared = { ...options, table: readsOf(table), cursors: cursors(secret, () => epochMs(clock())) };
  return [
    ...(roles.includes('resume-position')
      ? resumeRoutes({
          ...shared,
          read: availably(resumeReader(store)),
          waitFor: availably(waitsFor(resumePosition.name)),
          append: availably(async (key, event) => {
            const partition = partitionOf(key);
            const stored = await log.append(resumePosition.input, partition, [{ key, value: encodeEvent(event) }]);
            return { partition, offset: stored.baseOffset };
          }),
        })
      : []),
    ...(roles.includes('view-end')
      ? viewRoutes({
          ...shared,
          read: availably(viewReader(store)),
          reached: availably(waitsFor(viewEnd.name)),
        })
      : []),
  ];
};
