/** What each of many callers may do: so many calls a minute, and a quarter of that at once. */
export type Allowances = {
  /** Milliseconds until one more call may pass; 0: now. */
  wait(key: string, nowMs: number): number;
  /** Counts calls, those that were too many with them; a caller never owes more than it may do at once. */
  take(key: string, calls: number, nowMs: number): void;
};

const MINUTE_MS = 60_000;
/** Callers that are remembered in each half; beyond that the longest unheard are forgotten, and start afresh. */
const MOST_CALLERS = 200_000;

/** How many calls may come at once where so many may come in a minute. */
export const atOnce = (perMinute: number): number => Math.max(1, Math.floor(perMinute / 4));

/**
 * By the generic cell rate algorithm (ITU-T I.371): of a caller only the time is kept from which all of its allowance is there
 * again. Whoever was not heard of for as long as that can take is the same as a new one, so it is forgotten: two maps take turns,
 * and no timer is needed. `nowMs` must not go back: a clock that is set would give or take an allowance from everybody.
 */
export const allowances = (perMinute: number, most = MOST_CALLERS): Allowances => {
  const eachMs = MINUTE_MS / perMinute;
  const atOnceMs = atOnce(perMinute) * eachMs;
  const turnMs = 2 * atOnceMs;
  let heard = new Map<string, number>();
  let before = new Map<string, number>();
  let turnAtMs = -Infinity;
  const owedMs = (key: string, nowMs: number): number =>
    Math.max(0, (heard.get(key) ?? before.get(key) ?? nowMs) - nowMs);
  return {
    wait: (key, nowMs) => Math.max(0, owedMs(key, nowMs) + eachMs - atOnceMs),
    take: (key, calls, nowMs) => {
      if (nowMs >= turnAtMs || heard.size >= most) {
        before = heard;
        heard = new Map();
        turnAtMs = nowMs + turnMs;
      }
      heard.set(key, nowMs + Math.min(owedMs(key, nowMs) + calls * eachMs, turnMs));
    },
  };
};
