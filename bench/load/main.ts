import { arrivals } from './arrivals.ts';
import { check, beat, start } from './closed.ts';
import type { Job, LoadResult } from './job.ts';

/** The load generator: a process of its own, told over its channel what to send. */
const run = (job: Job): Promise<LoadResult> => {
  switch (job.kind) {
    case 'start':
      return start(job);
    case 'beat':
      return beat(job);
    case 'check':
      return check(job);
    case 'arrivals':
      return arrivals(job);
  }
};

process.once('disconnect', () => process.exit(0));
process.on('message', (job: Job) => {
  void run(job).then((result) => process.send?.(result));
});
