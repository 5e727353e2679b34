import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../steps.ts';
import type { Kafka } from './kafka.ts';
import type { Program } from './processes.ts';
import type { RedisMode } from './redis.ts';

export type PartName = 'kafka' | 'redis' | 'dynamodb' | 'registry';

/** A part of the stack that runs; no programs where its address came from the environment. */
export type Part = { readonly env: Readonly<Record<string, string>>; readonly programs: readonly Program[] };

/** How the parts are started; as texts, as on the command line. */
export type StackOptions = { readonly brokers: '1' | '3'; readonly redis: RedisMode };

export type Stack = {
  readonly parts: Partial<Record<PartName, Part>>;
  /** How those that run were started. */
  readonly options: StackOptions;
  /** What killing and restarting a broker needs to know. */
  readonly kafka: Kafka | null;
};

const NO_STACK: Stack = { parts: {}, options: { brokers: '1', redis: 'single' }, kafka: null };

/** Each checkout has its own stack. */
const name = createHash('sha256').update(`${userInfo().username} ${root}`).digest('hex').slice(0, 12);
export const stackFolder = (): string => join(tmpdir(), `playbeat-stack-${name}`);
const stateFile = (): string => join(stackFolder(), 'stack.json');

export const readStack = async (): Promise<Stack> => {
  try {
    return { ...NO_STACK, ...(JSON.parse(await readFile(stateFile(), 'utf8')) as Partial<Stack>) };
  } catch {
    return NO_STACK;
  }
};

export const writeStack = async (stack: Stack): Promise<void> => {
  await mkdir(stackFolder(), { recursive: true });
  const draft = `${stateFile()}.${process.pid}`;
  await writeFile(draft, JSON.stringify(stack, null, 1));
  await rename(draft, stateFile());
};

export const forgetStack = (): Promise<void> => rm(stackFolder(), { recursive: true, force: true, maxRetries: 3 });

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** One command at a time: two that start together find one stack. A lock whose holder was killed holds nobody up. */
export const withStackLocked = async <T>(work: () => Promise<T>): Promise<T> => {
  const lock = `${stackFolder()}.lock`;
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (holder > 0 && !runs(holder)) await rm(lock, { force: true });
      else await sleep(100);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
};
