import { encodeOutput } from '../../schemas/codec.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import type { AccountKey } from '../../schemas/ids.ts';
import type { Log, NewRecord } from '../../shared/log/log.ts';
import { formatPosition, positionOf } from '../../shared/log/position.ts';
import type { Stored } from './lanes.ts';

export type FailModeAnswer = {
  readonly key: AccountKey;
  readonly tenant: string;
  readonly claim: Pick<Heartbeat, 'sessionId' | 'deviceId' | 'deviceType' | 'contentId' | 'contentType'>;
  readonly stored: Pick<Stored, 'partition' | 'offset'>;
  readonly allowed: boolean;
};

export type FailModeOptions = {
  readonly log: Pick<Log, 'append'>;
  readonly clock: () => number;
  /** Runs something at the end of this turn of the event loop. */
  readonly defer: (run: () => void) => void;
  readonly onTrouble: (error: unknown) => void;
};

/** Of one partition and turn. Where more claims than these cannot be decided, the figure says enough. */
const MAX_TOLD = 1_000;

/**
 * Tells of the claims that the fail mode answered in `stream-decisions.v1`, where the others are: the fold cannot tell of them, for
 * it was not there to be asked. Told after the answer, once: what the log does not take then is in the metric alone.
 */
export const failModeTeller = ({ log, clock, defer, onTrouble }: FailModeOptions): ((told: FailModeAnswer) => void) => {
  let waiting = new Map<number, NewRecord[]>();
  const flush = (): void => {
    const before = waiting;
    waiting = new Map();
    // An account's partition has the same number in both topics.
    for (const [partition, records] of before) log.append('stream-decisions.v1', partition, records).catch(onTrouble);
  };
  return ({ key, tenant, claim, stored: { partition, offset }, allowed }) => {
    if (waiting.size === 0) defer(flush);
    const records = waiting.get(partition) ?? [];
    waiting.set(partition, records);
    if (records.length === MAX_TOLD) return;
    const { sessionId, deviceId, deviceType, contentId, contentType } = claim;
    const cause = formatPosition(positionOf(partition, offset));
    const value = {
      ...{ tenant, sessionId, deviceId, deviceType, contentId, contentType },
      outcome: allowed ? ('admitted' as const) : ('denied' as const),
      reason: 'SERVICE_DEGRADED',
      ...{ rule: null, policyVersion: 0, limit: null, observed: false, returned: false, bySessionId: null, holders: 0 },
      decidedAtMs: clock(),
    };
    records.push({ key, value: encodeOutput({ type: 'StreamDecided', value }, { id: `ingest:${cause}:0`, cause }) });
  };
};
