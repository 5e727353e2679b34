import { Worker } from 'node:worker_threads';
import type { Answer, Answers, Kind, Requests, Trouble } from './embedded-log-protocol.ts';
import { LogDamaged, LogUnavailable, type LogPlace } from './log-errors.ts';

/** The way to the log's thread. Answers come in the order of the questions. */
export type Channel = {
  ask<K extends Kind>(kind: K, request: Requests[K], handOver?: ArrayBuffer): Promise<Answers[K]>;
  /** Ends the thread; what is still asked is answered with an error. */
  end(): Promise<void>;
};

type Waiting = { resolve(answer: Answers[Kind]): void; reject(error: unknown): void };

/** `died` is told when the thread ends by itself: from then on every question is answered with that error. */
export const openChannel = (file: string, died: (error: LogUnavailable) => void): Channel => {
  // Flags of the process are for its own program (`--input-type`, test flags); the thread needs none.
  const worker = new Worker(new URL('./embedded-log-worker.ts', import.meta.url), {
    name: 'embedded-log',
    execArgv: [],
  });
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let dead: LogUnavailable | null = null;
  let ending = false;

  const die = (cause: unknown): void => {
    if (dead !== null) return;
    const what = ending ? 'the log is closed' : 'the thread that writes the log has ended; restart the process';
    dead = new LogUnavailable(what, { where: file, at: null, cause });
    for (const one of waiting.values()) one.reject(dead);
    waiting.clear();
    if (!ending) died(dead);
  };

  worker.on('message', (message: Answer) => {
    const one = waiting.get(message.id);
    waiting.delete(message.id);
    if ('trouble' in message) one?.reject(message.trouble);
    else one?.resolve(message.answer);
  });
  worker.on('error', die);
  worker.on('exit', (code) => die(new Error(`exit code ${code}`)));

  return {
    ask: <K extends Kind>(kind: K, request: Requests[K], handOver?: ArrayBuffer) => {
      if (dead !== null) return Promise.reject(dead);
      const id = nextId++;
      worker.postMessage({ id, kind, request }, handOver === undefined ? [] : [handOver]);
      return new Promise<Answers[K]>((resolve, reject) => {
        // The thread answers a question of kind K with an answer of kind K; a message does not carry that type.
        waiting.set(id, { resolve: resolve as (answer: Answers[Kind]) => void, reject });
      });
    },
    end: async () => {
      ending = true;
      await worker.terminate();
    },
  };
};

/** What a caller of the log is told about trouble in its thread. */
export const logError = (trouble: unknown, file: string, at: LogPlace | null): LogUnavailable | LogDamaged => {
  if (trouble instanceof LogUnavailable || trouble instanceof LogDamaged) return trouble;
  if (!isTrouble(trouble)) return new LogUnavailable('the log failed', { where: file, at, cause: trouble });
  const place = at === null ? null : { ...at, offset: trouble.offset };
  if (trouble.kind === 'damaged') return new LogDamaged(trouble.text, { file, at: place });
  return new LogUnavailable(`${WHAT_TO_DO[trouble.kind]} [${trouble.text}]`, { where: file, at: place });
};

const isTrouble = (error: unknown): error is Trouble =>
  typeof error === 'object' && error !== null && 'kind' in error && 'text' in error && 'offset' in error;

const WHAT_TO_DO: Readonly<Record<Exclude<Trouble['kind'], 'damaged'>, string>> = {
  full: 'there is no space left; free some on its disk, the log goes on by itself',
  busy: 'another process has it open; stop that process, or give this one a folder of its own',
  'read-only': 'it cannot be opened or written; give this user write access to the folder, or choose another',
  other: 'it cannot be used now',
};
