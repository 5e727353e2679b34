import { runJest } from './jest.ts';
import { PREPARE_STEPS } from './stack/prepare.ts';
import { runSteps, STATIC_STEPS } from './steps.ts';

/**
 * `npm test`: format, lint, types, then every test, with the programs that they run against installed where that may be and
 * their jars fetched; `npm run test:int` the same for the tests of real programs alone. With other arguments
 * (`npm test -- shared/log`) they go to Jest, and only what they pick runs. The last line counts tests; a step that fails
 * counts as one.
 */
const args = process.argv.slice(2);
const staticSteps = args.length === 0 ? STATIC_STEPS : [];
const prepareSteps = args.length === 0 || args.includes('.int.test.ts') ? PREPARE_STEPS : [];
const failedSteps = (await runSteps(staticSteps, { width: 2 })) + (await runSteps(prepareSteps, { width: 1 }));
/** Each of these fills a machine by itself: they run one after the other, when all others have. */
const HEAVY = ['/bench/[^/]+$', '/tools/faults/[^/]+$'];
const others = [...HEAVY, '/node_modules/'].flatMap((pattern) => ['--testPathIgnorePatterns', pattern]);
const runs = args.length === 0 ? [others, ['--runInBand', ...HEAVY]] : [args];
let [passed, failed] = [0, failedSteps];
// After the steps, not beside them: these tests measure times.
for (const one of runs) {
  const tests = await runJest({ args: one, show: true });
  passed += tests.passed;
  failed += tests.failed;
}
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
