import type { Run } from './run.ts';

export type Progress = {
  stop(): void;
};

const TTY_EVERY_MS = 500;
const PLAIN_EVERY_MS = 5_000;

/** One line about the run: refreshed in place for a person, a new one now and then for a log. */
export function showProgress(run: Run, out: NodeJS.WriteStream): Progress {
  const everyMs = out.isTTY ? TTY_EVERY_MS : PLAIN_EVERY_MS;
  let before = { seconds: 0, beats: 0 };
  const show = (): void => {
    const { oracle, tally } = run;
    const now = { seconds: run.elapsedSeconds(), beats: tally.of('beats acknowledged') };
    const rate = (now.beats - before.beats) / Math.max(now.seconds - before.seconds, 0.001);
    before = now;
    const { households, streams } = run.population();
    const line = [
      `${now.seconds.toFixed(0)} s`,
      `${households} households`,
      `${streams} streams`,
      `${rate.toFixed(0)} beats/s`,
      `${oracle.counts.startsDecided} starts`,
      `${oracle.counts.denied} denied`,
      `start p99 ${tally.startMs.percentile(0.99).toFixed(1)} ms`,
      `${oracle.verdicts.total()} violations`,
    ].join('  ');
    out.write(out.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  };
  const timer = setInterval(show, everyMs);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      if (out.isTTY) out.write('\r\u001b[2K');
    },
  };
}
