import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, cp, lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DockerIgnoreStrategy } from 'aws-cdk-lib';
import { type Stage, stagesOf, type Step } from './dockerfile.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a Docker engine would make of the last stage, as far as a folder can be that: its root, and who may do what in it. */
export type Image = {
  readonly folder: string;
  /** Where its node is. */
  readonly node: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly entrypoint: readonly string[];
  readonly health: readonly string[];
};

const run = promisify(execFile);

/** Does each step of each stage in a folder of its own, in the place of the base image one that has node and nothing else. */
export const makeImage = async (folder: string): Promise<Image> => {
  const file = await readFile(join(root, 'Dockerfile'), 'utf8');
  const sent = await contextOf();
  const stages = stagesOf(file);
  const roots = new Map<string, string>();
  for (const [i, stage] of stages.entries()) {
    const at = join(folder, `stage-${i}`);
    roots.set(stage.name, at);
    await mkdir(join(at, 'usr/local/bin'), { recursive: true });
    await doSteps(stage, { at, roots, sent });
  }
  const last = stages.at(-1)!;
  const at = join(folder, `stage-${stages.length - 1}`);
  const node = join(at, 'usr/local/bin/node');
  await copyFile(process.execPath, node);
  const textOf = (keyword: string): string => last.steps.findLast((step) => step.keyword === keyword)?.text ?? '';
  const wordsOf = (keyword: string): readonly string[] =>
    last.steps.findLast((step) => step.keyword === keyword)?.words ?? [];
  const [uid = 0, gid = 0] = textOf('USER').split(':').map(Number);
  const env = Object.fromEntries(
    last.steps
      .filter(({ keyword }) => keyword === 'ENV')
      .flatMap(({ text }) => text.split(/\s+/))
      .map((pair) => pair.split('=', 2) as [string, string]),
  );
  await readOnly(at);
  const volume = join(at, textOf('VOLUME'));
  await chmod(volume, 0o755);
  if (isRoot()) await chown(volume, uid, gid);
  return {
    folder: at,
    node,
    workdir: join(at, textOf('WORKDIR')),
    env: { ...env, DATA_DIR: join(at, env['DATA_DIR'] ?? '') },
    uid,
    entrypoint: wordsOf('ENTRYPOINT'),
    health: wordsOf('HEALTHCHECK'),
  };
};

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The files that `.dockerignore` leaves: those that would be sent to an engine. */
export const contextOf = async (): Promise<readonly string[]> => {
  const patterns = (await readFile(join(root, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const ignore = new DockerIgnoreStrategy(root, patterns);
  const walk = async (path: string): Promise<string[]> => {
    const entries = await readdir(path, { withFileTypes: true });
    const found = await Promise.all(
      entries
        .map((entry) => ({ entry, path: join(path, entry.name) }))
        .filter(({ path: one }) => !ignore.completelyIgnores(one))
        .map(({ entry, path: one }) =>
          entry.isDirectory() ? walk(one) : ignore.ignores(one) ? [] : [relative(root, one)],
        ),
    );
    return found.flat();
  };
  return walk(root);
};

type Where = {
  readonly at: string;
  readonly roots: ReadonlyMap<string, string>;
  readonly sent: readonly string[];
};

const doSteps = async ({ steps }: Stage, where: Where): Promise<void> => {
  let workdir = where.at;
  for (const step of steps) {
    if (step.keyword === 'WORKDIR') {
      workdir = join(where.at, step.text);
      await mkdir(workdir, { recursive: true });
    } else if (step.keyword === 'COPY') await copy(step, workdir, where);
    else if (step.keyword === 'RUN') {
      const PATH = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
      // How the registry is reached is this machine's affair, as it is an engine's.
      await run('sh', ['-c', step.text], { cwd: workdir, env: { ...process.env, PATH, NODE_OPTIONS: '' } });
    }
  }
};

const copy = async ({ text, from }: Step, workdir: string, { at, roots, sent }: Where): Promise<void> => {
  const words = text.split(/\s+/).filter((word) => !word.startsWith('--'));
  const to = words.pop() ?? '';
  const target = to.startsWith('/') ? join(at, to) : join(workdir, to);
  for (const word of words) {
    if (from !== null) {
      await cp(join(roots.get(from) ?? '', word), target, { recursive: true, verbatimSymlinks: true });
      continue;
    }
    const files = sent.filter((file) => file === word || file.startsWith(`${word}/`));
    if (files.length === 0) throw new Error(`COPY ${word}: .dockerignore leaves nothing of it`);
    for (const file of files) {
      const place = to.endsWith('/') ? join(target, file) : join(target, relative(word, file));
      await mkdir(dirname(place), { recursive: true });
      await copyFile(join(root, file), place);
    }
  }
};

/** Nobody may write there, not even whose it is. */
const readOnly = async (path: string): Promise<void> => {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  if (found.isDirectory()) await Promise.all((await readdir(path)).map((name) => readOnly(join(path, name))));
  await chmod(path, found.isDirectory() || found.mode & 0o111 ? 0o555 : 0o444);
};
