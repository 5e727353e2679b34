import { parentPort } from 'node:worker_threads';
import type { Answer, Answers, Kind, Question, Requests } from './embedded-log-protocol.ts';
import { openStorage, troubleOf, type Storage } from './embedded-log-storage.ts';

/** The log's thread: asks the storage, one question at a time, and hands the buffers of what it read over. */
const port = parentPort;
if (port === null) throw new Error('embedded-log-worker.ts is started by embedded-log.ts, as a thread.');

let storage: Storage | null = null;

// Kind and request come from one typed call in embedded-log-channel.ts; a message cannot carry that they belong together.
const answerTo = (kind: Kind, request: Requests[Kind]): Answers[Kind] => {
  if (kind === 'open') {
    const { storage: opened, opened: answer } = openStorage(request as Requests['open']);
    storage = opened;
    return answer;
  }
  if (storage === null) throw new Error('The log is not open.');
  const ask = storage[kind] as (request: Requests[Kind]) => Answers[Kind];
  return ask(request);
};

port.on('message', ({ id, kind, request }: Question) => {
  let answer: Answer;
  try {
    answer = { id, answer: answerTo(kind, request) };
  } catch (error) {
    answer = { id, trouble: troubleOf(error) };
  }
  const buffers = 'answer' in answer && Array.isArray(answer.answer) ? answer.answer.map((b) => b.body.buffer) : [];
  port.postMessage(answer, buffers);
});
