import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export type StepResult = { readonly ok: boolean; readonly output: string };
export type Step = { readonly name: string; run(): Promise<StepResult> };

const bin = (name: string, args: readonly string[]): Promise<StepResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${root}/node_modules/${name}`, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }));
  });

/** What can be known about the tree without running it. */
export const STATIC_STEPS: readonly Step[] = [
  { name: 'types', run: () => bin('typescript/bin/tsc', ['--noEmit']) },
  { name: 'lint', run: () => bin('eslint/bin/eslint.js', ['.', '--max-warnings', '0']) },
  { name: 'format', run: () => bin('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']) },
];

/** Runs `width` steps at a time, prints a line for each as it ends, and says how many failed. */
export const runSteps = async (steps: readonly Step[], options: { readonly width: number }): Promise<number> => {
  const waiting = [...steps];
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const startedAt = performance.now();
      const { ok, output } = await step.run();
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${ok ? 'ok    ' : 'failed'} ${step.name.padEnd(15)} ${seconds.padStart(5)} s`);
      if (!ok) {
        failed += 1;
        console.log(output.trimEnd());
      }
    }
  };
  await Promise.all(Array.from({ length: options.width }, worker));
  return failed;
};
