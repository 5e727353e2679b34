import { type Beaten, beatMeter, CONNECTIONS } from '../beat-meter.ts';
import { howPinned, percent, SESSIONS } from '../http-parts.ts';
import { canPin, coreOf } from '../proc.ts';
import { startLoad } from '../processes.ts';
import { type Bench, type Round, rowOf } from '../row.ts';
import { startWithTokens } from '../token-parts.ts';

const TIMES = 100;
/** What the others are warmed up with, and a while to begin and to end. */
const BESIDE_MS = 3_000;

/**
 * What one account that calls 100 times as often as each of the others takes from them, with the limits that come by default: beats
 * of the others for each second of the server's CPU, what the one costs included. Not by the clock: the two clients have one core
 * together, and what the others lose there nobody has taken from them at the server.
 */
export const hammered: Bench = async (options, say) => {
  const pinned = options.pin && canPin();
  const load = startLoad(pinned);
  const hammer = startLoad(pinned);
  const { program, tokens } = await startWithTokens(load, coreOf(pinned));
  const ms = options.seconds * 1_000;
  const meter = beatMeter(load, ms, new Map([[program, tokens]]));
  await meter.warmUp(program);

  const rounds: Round[] = [];
  let refused = 0;
  let sent = 0;
  let busy = 0;
  let beatsBefore = 0;
  const perCpuSecond = ({ cpuMicrosPerRequest }: Beaten): number => 1e6 / cpuMicrosPerRequest;
  let before = await meter.measure(program, 1);
  for (let round = 0; round < options.rounds; round++) {
    const perSecond = (TIMES * before.perSecond) / SESSIONS;
    const beating = hammer.run({
      ...{ kind: 'arrivals', port: program.port, tokens, sessions: 1, beatsBefore, firstAccount: 0 },
      ...{ startsPerSecond: 0, readsPerSecond: 0, beatsPerSecond: perSecond, ms: ms + BESIDE_MS },
    });
    const beside = await meter.measure(program, 1);
    const { requests, statuses } = await beating;
    const after = await meter.measure(program, 1);
    sent += requests;
    beatsBefore += requests;
    refused += statuses[429] ?? 0;
    busy = Math.max(busy, before.busy, beside.busy, after.busy);
    // What the machine does besides changes slowly: the mean of before and after is what it would have been in between.
    rounds.push({ ours: perCpuSecond(beside), baseline: (perCpuSecond(before) + perCpuSecond(after)) / 2 });
    say(
      `hammer round ${round + 1}: ${beside.perSecond.toFixed(0)}/s beside ${perSecond.toFixed(0)}/s, then ${after.perSecond.toFixed(0)}/s alone`,
    );
    before = after;
  }
  await Promise.all([load.stop(), hammer.stop(), program.stop()]);
  return [
    rowOf('hammer', rounds, [
      `${CONNECTIONS} connections, ${SESSIONS} accounts with a token each; ${howPinned({ pinned })}`,
      `${percent(refused / Math.max(1, sent))} of its ${sent} calls were refused; client busy at most ${percent(busy)}`,
    ]),
  ];
};
