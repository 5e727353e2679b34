import { runJest } from './jest.ts';
import { installMissing } from './stack/programs.ts';
import { runSteps, STATIC_STEPS } from './steps.ts';

/**
 * `npm test`: format, lint, types, then every test, with the programs that they run against installed where that may be. With arguments (`npm test -- shared/log`) they go to Jest, and only
 * what they pick runs. The last line counts tests; a step that fails counts as one.
 */
const args = process.argv.slice(2);
const failedSteps = args.length === 0 ? await runSteps(STATIC_STEPS, { width: 2 }) : 0;
if (args.length === 0 || args.includes('.int.test.ts')) await installMissing((line) => console.error(line));
// After the steps, not beside them: these tests measure times.
const tests = await runJest({ args, show: true });
const failed = tests.failed + failedSteps;
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${tests.passed} passed, ${failed} failed`);
