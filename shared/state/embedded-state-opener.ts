import { openEmbeddedState } from './embedded-state.ts';

/**
 * A program for the tests: `node embedded-state-opener.ts <folder>` prints the error that opening ends with. The tests run it
 * as a user who has no right to write.
 */
try {
  const store = await openEmbeddedState({ folder: process.argv[2]!, onError: () => {} });
  await store.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(String(error));
}
