import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './processes.ts';

/** Something that the machine lacks, and the command that installs it. */
export class MissingProgram extends Error {
  override readonly name = 'MissingProgram';
  readonly install: string;
  constructor(what: string, install: string) {
    super(`${what} is missing. Install it with: ${install}`);
    this.install = install;
  }
}

const PACKAGES = {
  java: { what: 'A Java 17 (java)', debian: 'openjdk-17-jdk-headless', probe: ['-version'] },
  mvn: { what: 'Maven (mvn)', debian: 'maven', probe: ['-v'] },
  python3: {
    what: 'A Python 3 with venv (python3)',
    debian: 'python3-venv',
    probe: ['-c', 'import ensurepip, venv'],
  },
  'redis-server': { what: 'Redis 7 (redis-server)', debian: 'redis-server', probe: ['--version'] },
} as const;

export type ProgramName = keyof typeof PACKAGES;

/** `JAVA_HOME` is honoured, as Java's own tools do. */
export const commandOf = (name: ProgramName): string => {
  const home = process.env['JAVA_HOME'];
  return name === 'java' && home !== undefined && home !== '' ? join(home, 'bin', 'java') : name;
};

export const needs = async (...names: readonly ProgramName[]): Promise<void> => {
  for (const name of names) {
    const { what, debian, probe } = PACKAGES[name];
    await run(commandOf(name), probe, '/').catch(() => {
      throw new MissingProgram(what, `apt-get install -y --no-install-recommends ${debian}`);
    });
  }
};

const isMissing = (name: ProgramName): Promise<boolean> =>
  needs(name).then(
    () => false,
    (error: unknown) => error instanceof MissingProgram,
  );

/**
 * Installs what tests need and the machine lacks, where this user may (Debian, as root or by `sudo` without a password).
 * What cannot be installed is left to the tests that need it: they fail, and name the command.
 */
export const installMissing = async (say: (line: string) => void): Promise<void> => {
  const names = Object.keys(PACKAGES) as ProgramName[];
  const flags = await Promise.all(names.map(isMissing));
  const packages = names.filter((_, i) => flags[i]).map((name) => PACKAGES[name].debian);
  if (packages.length === 0) return;
  say(`installing ${packages.join(', ')}`);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  // RUNLEVEL: only the programs. A service that a package starts would be nobody's.
  const words = [...asRoot, 'env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  const [first = 'env', ...rest] = words;
  try {
    await run(first, [...rest, 'update', '-qq'], '/');
    await run(first, [...rest, 'install', '-y', '-qq', '--no-install-recommends', ...packages], '/');
  } catch (error) {
    say(`could not install them: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** What is fetched once and kept: outside the repository, so that a fresh checkout has it. */
export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'playbeat');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * The folder with that name in the cache, filled by `fill` when it is not there. It appears whole or not at all: two that
 * fill it at once do the work twice, and the later one's is thrown away.
 */
export const cached = async (name: string, fill: (folder: string) => Promise<void>): Promise<string> => {
  const folder = join(cacheFolder(), name);
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.draft-`);
  try {
    await fill(draft);
    await rename(draft, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
};

/** The jars of a pom beside this file, through Maven. */
export const jars = async (name: string, pom: string, settings: readonly string[] = []): Promise<string> =>
  cached(name, async (folder) => {
    await needs('java', 'mvn');
    const file = join(import.meta.dirname, pom);
    const args = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-DincludeScope=runtime', ...settings];
    await run('mvn', ['-q', '-B', '-f', file, ...args], import.meta.dirname);
  });
