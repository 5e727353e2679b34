import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './processes.ts';

type Package = {
  readonly what: string;
  readonly debian: string;
  readonly probe: readonly string[];
  /** Where the probe says the version, and the least that does. */
  readonly version?: RegExp;
  readonly atLeast?: number;
};

const PACKAGES = {
  java: {
    what: 'A JDK of Java 17 or later (java)',
    debian: 'openjdk-17-jdk-headless',
    // With its compiler: a source file is run here.
    probe: ['--list-modules'],
    version: /^jdk\.compiler@(\d+)/m,
    atLeast: 17,
  },
  mvn: { what: 'Maven (mvn)', debian: 'maven', probe: ['-v'] },
  'redis-server': {
    what: 'Redis 7 or later (redis-server)',
    debian: 'redis-server',
    probe: ['--version'],
    version: /v=(\d+)/,
    atLeast: 7,
  },
  python3: {
    what: 'A Python 3 with venv (python3)',
    debian: 'python3-venv',
    probe: ['-c', 'import ensurepip, venv'],
  },
  openssl: { what: 'OpenSSL (openssl)', debian: 'openssl', probe: ['version'] },
  chromium: { what: 'Chromium (chromium)', debian: 'chromium', probe: ['--version'] },
} as const satisfies Readonly<Record<string, Package>>;

export type ProgramName = keyof typeof PACKAGES;
export const PROGRAM_NAMES = Object.keys(PACKAGES) as ProgramName[];

/** Something that the machine lacks, and the command that installs it. */
export class MissingProgram extends Error {
  override readonly name = 'MissingProgram';
  readonly program: ProgramName;
  constructor(program: ProgramName) {
    const { what, debian } = PACKAGES[program];
    super(`${what} is missing. Install it with: apt-get install -y --no-install-recommends ${debian}`);
    this.program = program;
  }
}

/** `JAVA_HOME` is honoured, as Java's own tools do. */
export const commandOf = (name: ProgramName | 'keytool'): string => {
  const home = process.env['JAVA_HOME'];
  // keytool comes with Java.
  const javas = name === 'java' || name === 'keytool';
  return javas && home !== undefined && home !== '' ? join(home, 'bin', name) : name;
};

const isThere = async (name: ProgramName): Promise<boolean> => {
  const { probe, version, atLeast = 0 }: Package = PACKAGES[name];
  const said = await run(commandOf(name), probe, '/').catch(() => null);
  if (said === null || version === undefined) return said !== null;
  return Number(version.exec(said)?.[1] ?? -1) >= atLeast;
};

const missing = async (names: readonly ProgramName[]): Promise<ProgramName[]> => {
  const flags = await Promise.all(names.map(isThere));
  return names.filter((_, i) => !flags[i]);
};

export const needs = async (...names: readonly ProgramName[]): Promise<void> => {
  const [first] = await missing(names);
  if (first !== undefined) throw new MissingProgram(first);
};

/**
 * Installs what tests need and the machine lacks, where this user may (Debian, as root or by `sudo` without a password).
 * Answers what is missing then.
 */
export const installMissing = async (say: (line: string) => void): Promise<readonly MissingProgram[]> => {
  const packages = (await missing(PROGRAM_NAMES)).map((name) => PACKAGES[name].debian);
  if (packages.length === 0) return [];
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
  return (await missing(PROGRAM_NAMES)).map((name) => new MissingProgram(name));
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
  process.stderr.write(`fetching ${name} into ${dirname(folder)}, once\n`);
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
    await needs('mvn');
    const file = join(import.meta.dirname, pom);
    const args = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-DincludeScope=runtime', ...settings];
    await run('mvn', ['-q', '-B', '-f', file, ...args], import.meta.dirname);
  });
