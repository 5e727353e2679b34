/** Thrown out of every wait when the run is over, so that a script ends wherever it stands. */
export class RunOver extends Error {
  override name = 'RunOver';
}

/**
 * The run's one clock. Its milliseconds are those of the domain: at speed 20 they pass twenty times as fast as real ones,
 * so that players, oracle and a test server with the same speed keep the numbers of the contract.
 */
export type Pace = {
  readonly speed: number;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  /** Calls back later unless cancelled; never after the end. */
  after(ms: number, callback: () => void): () => void;
  isOver(): boolean;
  end(): void;
};

export function createPace(speed: number): Pace {
  const startedMs = performance.now();
  const sleepers = new Set<{ readonly timer: NodeJS.Timeout; readonly reject: (why: RunOver) => void }>();
  const timers = new Set<NodeJS.Timeout>();
  let over = false;

  return {
    speed,
    nowMs: () => (performance.now() - startedMs) * speed,
    isOver: () => over,
    sleep: (ms) =>
      new Promise((resolve, reject) => {
        if (over) return reject(new RunOver());
        const wake = (): void => {
          sleepers.delete(sleeper);
          resolve();
        };
        const sleeper = { timer: setTimeout(wake, ms / speed), reject };
        sleepers.add(sleeper);
      }),
    after: (ms, callback) => {
      if (over) return () => undefined;
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, ms / speed);
      timers.add(timer);
      return () => {
        clearTimeout(timer);
        timers.delete(timer);
      };
    },
    end: () => {
      over = true;
      for (const timer of timers) clearTimeout(timer);
      for (const { timer, reject } of sleepers) {
        clearTimeout(timer);
        reject(new RunOver());
      }
      timers.clear();
      sleepers.clear();
    },
  };
}
