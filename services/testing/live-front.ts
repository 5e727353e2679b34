import { addLivePage } from '../pages.ts';
import { openFront } from './front.ts';
import { createLive, type LiveAudience, type LiveOptions } from '../live/live.ts';

/** The page and its events by themselves: on a log in which nothing ever happens, with turns as the test makes them. */
export const openLive = async (audience: LiveAudience | null, options: Partial<LiveOptions> = {}) => {
  const live = createLive({
    log: {
      bounds: async () => ({ first: 0, end: 0 }),
      read: async (topic, partition, from) => ({ topic, partition, from, to: from, records: [], end: from }),
      offsetAt: async () => 0,
    },
    partitions: 1,
    roles: [],
    processors: () => [],
    audience,
    pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
    onTrouble: (error) => {
      throw error;
    },
    ...options,
  });
  const front = await openFront([live.route], addLivePage);
  return {
    live,
    url: front.url,
    turn: (times: number): void => {
      for (let turn = 0; turn < times; turn++) live.turn();
    },
    connections: (): Promise<number> =>
      new Promise((resolve, reject) => {
        front.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    close: async (): Promise<void> => {
      await live.close();
      front.close();
    },
  };
};
