import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataFolderInUse, DataFolderUnusable, openDataFolder } from './data-folder.ts';

const program = `
  import { openDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
  try {
    openDataFolder(process.argv[1]);
    console.log('open');
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.name + ': ' + error.message);
  }
`;

let children: ChildProcess[] = [];

/** Another process that opens the folder, and what it said first. */
const openElsewhere = async (folder: string): Promise<{ readonly child: ChildProcess; readonly said: string }> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = await once(child.stdout!, 'data');
  return { child, said: String(said) };
};

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
};

describe('the data folder', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'playbeat-folder-'));
  });
  afterEach(async () => {
    await Promise.all(children.map(kill));
    children = [];
    chmodSync(home, 0o700);
    rmSync(home, { recursive: true });
  });

  it('is made with the folders above it, and opened again after it was closed', () => {
    const path = join(home, 'a', 'b');
    const folder = openDataFolder(path);
    expect(folder.path).toBe(path);
    expect(statSync(path).isDirectory()).toBe(true);
    folder.close();
    folder.close();
    openDataFolder(path).close();
  });

  it('is held against a second opening in the same process', () => {
    const folder = openDataFolder(home);
    expect(() => openDataFolder(home)).toThrow(DataFolderInUse);
    folder.close();
  });

  it('is held against a second process, which is told the folder', async () => {
    const folder = openDataFolder(home);
    const { said } = await openElsewhere(home);
    expect(said).toContain('DataFolderInUse');
    expect(said).toContain(home);
    folder.close();
  });

  it('is free as soon as its process was killed with -9', async () => {
    const { child, said } = await openElsewhere(home);
    expect(said).toBe('open\n');
    expect(() => openDataFolder(home)).toThrow(DataFolderInUse);
    await kill(child);
    openDataFolder(home).close();
  });

  it('says which path it is when that is a file', () => {
    const path = join(home, 'file');
    writeFileSync(path, '');
    expect(() => openDataFolder(path)).toThrow(DataFolderUnusable);
    expect(() => openDataFolder(path)).toThrow(path);
  });

  it('says which path it is when that cannot be written', () => {
    chmodSync(home, 0o500);
    // Nothing is read-only to root but what the kernel itself serves.
    const path = process.getuid?.() === 0 ? '/proc/self/fdinfo' : home;
    expect(() => openDataFolder(path)).toThrow(DataFolderUnusable);
    expect(() => openDataFolder(path)).toThrow(path);
  });

  it('says which path it is when the lock file is no database', () => {
    writeFileSync(join(home, 'lock.sqlite'), 'something else, and long enough to be taken for a header '.repeat(20));
    expect(() => openDataFolder(home)).toThrow(DataFolderUnusable);
  });
});
