import { get, type IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers/promises';

/** Reads `/live/events` as a page does, and keeps every byte. */
export type Watcher = {
  readonly response: IncomingMessage;
  text(): string;
  /** The data of each event of that name, so far. */
  events(name: string): readonly unknown[];
  isOver(): boolean;
  close(): void;
};

export const watchLive = (url: string): Promise<Watcher> =>
  new Promise((resolve, reject) => {
    const call = get(`${url}/live/events`, { agent: false }, (response) => {
      let text = '';
      let over = false;
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', () => {});
      response.on('close', () => {
        over = true;
      });
      resolve({
        response,
        text: () => text,
        events: (name) =>
          text
            .split('\n\n')
            .filter((event) => event.startsWith(`event: ${name}\n`))
            .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as unknown),
        isOver: () => over,
        close: () => call.destroy(),
      });
    });
    call.on('error', reject);
  });

const PATIENCE_MS = 25_000;

/** Waits until it is so; rejects when it never is. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const lastMs = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > lastMs) throw new Error(`not so within ${PATIENCE_MS} ms: ${isSo}`);
    await setTimeout(25);
  }
};
