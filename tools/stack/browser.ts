import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { commandOf, needs } from './programs.ts';

/** Debian's Chromium without a window. Nothing is downloaded: playwright-core drives what is there. */
export const openBrowser = async (): Promise<Browser> => {
  await needs('chromium');
  return chromium.launch({
    executablePath: await pathOf(commandOf('chromium')),
    // Chromium refuses to put root into its sandbox; the pages are our own.
    chromiumSandbox: process.getuid?.() !== 0,
    // Containers have a small /dev/shm.
    args: ['--disable-dev-shm-usage'],
  });
};

const pathOf = async (command: string): Promise<string> => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, command);
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return file;
  }
  throw new Error(`${command} is not in the PATH`);
};
