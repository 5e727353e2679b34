import { setImmediate as nextTurn } from 'node:timers/promises';
import { openEmbeddedState } from './embedded-state.ts';
import { commitOf } from './embedded-state-rows.ts';

/**
 * A program for the tests: `node embedded-state-committer.ts <folder>` goes on from what is stored and prints the number of
 * each commit that it made, until it is killed.
 */
const store = await openEmbeddedState({
  folder: process.argv[2]!,
  checkpointMs: 1,
  onError: (error) => {
    throw error;
  },
});
const { owner, checkpoint } = await store.open({ processor: 'p', partition: 0, discard: false });
for (let n = (checkpoint?.offset ?? 0) + 1; ; n += 1) {
  const outcome = await store.commit(commitOf(owner, n));
  if (outcome !== 'committed') throw new Error(outcome);
  await new Promise((written) => process.stdout.write(`${n}\n`, written));
  await nextTurn();
}
