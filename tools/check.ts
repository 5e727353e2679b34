import { runJest } from './jest.ts';
import { runSteps, STATIC_STEPS, type Step } from './steps.ts';

/** `npm run check`: everything that needs no program beside it, in under a minute on two cores. */
const unitTests: Step = {
  name: 'unit',
  run: async () => {
    const args = ['--testPathIgnorePatterns', '/node_modules/', '\\.(int|e2e)\\.test\\.ts$', '--maxWorkers=1'];
    const { passed, failed, output } = await runJest({ args, show: false });
    return { ok: failed === 0 && passed > 0, output };
  },
};

const failed = await runSteps([unitTests, ...STATIC_STEPS], { width: 2 });
process.exitCode = failed === 0 ? 0 : 1;
