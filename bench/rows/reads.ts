import { howPinned, MAX_REFUSED, openStage, percent, SESSIONS } from '../http-parts.ts';
import type { LoadResult } from '../load/job.ts';
import { type Program, startBaseline } from '../processes.ts';
import { beatOf } from '../records.ts';
import { type Bench, percentiles, quantile, type Round, rowOf } from '../row.ts';

const READS_PER_SECOND = 200;
const BEATS_PER_SECOND = 2_000;
/** A p99 of few reads is one read: each round takes so many times longer than a round of the others. */
const LONGER = 2;
const BATCH = 10;

/** reads: from the time a read of one resume position is due to its answer, beside beats; every role in one process. */
export const reading: Bench = async (options, say) => {
  const stage = await openStage(options, []);
  const { load, playbeat, pinned } = stage;
  const bytes = await watchAll(playbeat);
  const bare = await startBaseline('bare-get', { pin: pinned, env: { BODY_BYTES: String(bytes) } });
  let beatsBefore = 0;
  const ms = options.seconds * LONGER * 1_000;
  const arrive = async ({ port }: Program, lengthMs: number): Promise<LoadResult> => {
    const result = await load.run({
      kind: 'arrivals',
      port,
      sessions: SESSIONS,
      beatsBefore,
      startsPerSecond: 0,
      beatsPerSecond: BEATS_PER_SECOND,
      readsPerSecond: READS_PER_SECOND,
      firstAccount: SESSIONS,
      ms: lengthMs,
    });
    beatsBefore += result.beatsMs.length;
    return result;
  };

  await arrive(playbeat, 1_000);
  const rounds: Round[] = [];
  const all: LoadResult[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const ours = await arrive(playbeat, ms);
    const { 200: read = 0, 202: stored = 0 } = ours.statuses;
    if (read + stored < (1 - MAX_REFUSED) * ours.requests)
      throw new Error(`answers were not all 200 and 202: ${JSON.stringify(ours.statuses)}`);
    const baseline = await arrive(bare, ms / LONGER);
    all.push(ours);
    rounds.push({ ours: quantile(ours.readsMs, 0.99), baseline: quantile(baseline.readsMs, 0.99) });
    say(`reads round ${round + 1}: ${percentiles(ours.readsMs)}`);
  }
  await Promise.all([stage.close(), bare.stop()]);
  return [
    rowOf('reads', rounds, [
      `reads, all rounds: ${percentiles(all.flatMap((r) => r.readsMs))}`,
      `beats, all rounds: ${percentiles(all.flatMap((r) => r.beatsMs))}`,
      `${READS_PER_SECOND} reads/s beside ${BEATS_PER_SECOND} beats/s at random times; ${howPinned(stage)}`,
      `answers of ${bytes} bytes; client busy at most ${percent(Math.max(...all.map((r) => r.busy)))}`,
    ]),
  ];
};

/** Half a minute of each film, so that there is a position to read. Answers how long such an answer is. */
const watchAll = async ({ port }: Program): Promise<number> => {
  const url = `http://127.0.0.1:${port}/v1`;
  let last = '';
  for (let from = 0; from < SESSIONS; from += BATCH) {
    const heartbeats = Array.from({ length: 2 * BATCH }, (_, i) => {
      const beat = beatOf(from + (i >> 1), 1 + (i % 2), Date.now());
      return i % 2 === 0
        ? { ...beat, ageMs: 40_000, positionMs: 700_000 }
        : { ...beat, ageMs: 10_000, positionMs: 730_000 };
    });
    const reply = await fetch(`${url}/heartbeats`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ heartbeats }),
    });
    const body = (await reply.json()) as { readonly results?: readonly { readonly position?: string }[] };
    last = body.results?.at(-1)?.position ?? '';
    if (reply.status !== 202) throw new Error(`the beats were answered ${reply.status}`);
  }
  const { accountId, profileId, contentId } = beatOf(SESSIONS - 1, 0, 0);
  const path = `accounts/${accountId}/profiles/${profileId}/resume-positions/${contentId}`;
  const asked = await fetch(`${url}/${path}?after=${last}`);
  if (asked.status !== 200) throw new Error(`a read was answered ${asked.status}`);
  return (await asked.arrayBuffer()).byteLength;
};
