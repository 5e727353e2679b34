import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from '../../services/testing/http.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** Enough accounts to meet every one of 16 partitions. */
const PROBES = 64;
const PROBE_MS = 200;
const WELL_IN_A_ROW = 3;
const WELL_WITHIN_MS = 90_000;

/** Resolves when every partition is folded by one owner and answers undegraded, several times in a row. */
export const untilWell = async (cluster: Cluster): Promise<void> => {
  const until = performance.now() + WELL_WITHIN_MS;
  for (let well = 0; well < WELL_IN_A_ROW;) {
    if (performance.now() > until) throw new Error(`not well again after ${WELL_WITHIN_MS} ms`);
    await cluster.settled();
    const answers = await Promise.all(Array.from({ length: PROBES }, (_, i) => isWell(cluster.url, i)));
    well = answers.every(Boolean) ? well + 1 : 0;
    await sleep(PROBE_MS);
  }
};

const isWell = async (url: string, number: number): Promise<boolean> => {
  const path = `/v1/block-check?accountId=probe-${number}&sessionId=probe-${number}`;
  const answer = await send(url, { path, timeoutMs: 1_000 }).catch(() => null);
  return answer?.status === 200 && !(answer.json as Decision).degraded;
};
