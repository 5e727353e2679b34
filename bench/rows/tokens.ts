import { beatMeter, CONNECTIONS } from '../beat-meter.ts';
import { howPinned, openStage, SESSIONS } from '../http-parts.ts';
import { type Bench, median, type Round, rowOf } from '../row.ts';
import { coreOf } from '../proc.ts';
import { startWithTokens } from '../token-parts.ts';

/** More than a connection comes to: what is measured is what counting costs, not who is refused. */
const OFTEN = { RATE_ACCOUNT_PER_MINUTE: '1000000' };

/** P1j: P1 where each account shows its token, against P1 itself. Each token has been seen before, as those of running players have. */
export const withTokens: Bench = async (options, say) => {
  const stage = await openStage(options);
  const { load, playbeat, pinned } = stage;
  const { program, tokens } = await startWithTokens(load, coreOf(pinned), OFTEN);
  const meter = beatMeter(load, options.seconds * 1_000, new Map([[program, tokens]]));
  await meter.warmUp(program);
  await meter.warmUp(playbeat);

  const rounds: Round[] = [];
  const micros: { ours: number[]; baseline: number[] } = { ours: [], baseline: [] };
  for (let round = 0; round < options.rounds; round++) {
    const ours = await meter.measure(program, 1);
    const baseline = await meter.measure(playbeat, 1);
    micros.ours.push(ours.cpuMicrosPerRequest);
    micros.baseline.push(baseline.cpuMicrosPerRequest);
    rounds.push({ ours: ours.perSecond, baseline: baseline.perSecond });
    say(
      `P1j round ${round + 1}: with tokens ${ours.perSecond.toFixed(0)}/s, without ${baseline.perSecond.toFixed(0)}/s`,
    );
  }
  await Promise.all([stage.close(), program.stop()]);
  const cpu = (all: readonly number[]): string => `${median(all).toFixed(1)} us`;
  return [
    rowOf('P1j', rounds, [
      `${CONNECTIONS} connections, ${SESSIONS} accounts, a token of ${tokens[0]?.length ?? 0} bytes each; ${howPinned(stage)}`,
      `CPU of the server, all its threads: ${cpu(micros.ours)} a request, without tokens ${cpu(micros.baseline)}`,
    ]),
  ];
};
