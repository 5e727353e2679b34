import type { After } from './waiters.ts';

/** Calls once, after so long; answers how to call it off. */
export const realTimer: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
