import type { Consumer } from './log.ts';

/** Also a `revoked` that throws before it answers is a rejection. */
export const revoke = async (consumer: Consumer, partition: number): Promise<void> => consumer.revoked(partition);

/** Waits for the work, but not for one that hangs. What becomes of it then is not heard. */
export const atMost = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
