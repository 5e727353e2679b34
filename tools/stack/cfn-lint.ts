import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { run } from './processes.ts';
import { cached, needs } from './programs.ts';

const VERSION = '1.58.0';
const MAIN = 'import sys; from cfnlint.runner import main; sys.exit(main())';

/** Installed once, into a place of its own; its script names the folder in which it was made, so it is called as that does. */
export const prepareLint = (): Promise<string> =>
  cached(`cfn-lint-${VERSION}`, async (folder) => {
    await needs('python3');
    await run('python3', ['-m', 'venv', folder], '/');
    await run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `cfn-lint==${VERSION}`], folder);
  });

/** What cfn-lint says of templates. */
export const lint = async (files: readonly string[]): Promise<string> => {
  const folder = await prepareLint();
  const args = ['-c', MAIN, '--non-zero-exit-code', 'none', ...files];
  return new Promise((resolve, reject) => {
    execFile(join(folder, 'bin/python'), args, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
};
