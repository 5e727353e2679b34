import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ProblemError } from '../../shared/http/call.ts';

/** Each costs a connection and what is said twice a second. */
export const MAX_WATCHERS = 100;
/** Unread bytes at which a watcher is let go: it reads slower than things happen, and its page connects again. */
const MAX_UNREAD_BYTES = 256 * 1_024;

export type CrowdOptions = {
  readonly onFirst: () => void;
  readonly onLast: () => void;
};

/** Those who watch now: a connection each, and on it an answer that does not end. */
export const createCrowd = ({ onFirst, onLast }: CrowdOptions) => {
  const watchers = new Map<Socket, ServerResponse>();
  let closed = false;
  return {
    isEmpty: (): boolean => watchers.size === 0,
    /** Throws the problem of whoever finds no room. */
    join: (res: ServerResponse, greeting: string): void => {
      if (closed) throw new ProblemError('SHUTTING_DOWN', 'this node is about to end', { retryAfterMs: 1_000 });
      if (watchers.size >= MAX_WATCHERS) {
        const detail = `${MAX_WATCHERS} pages are watching already`;
        throw new ProblemError('OVERLOADED', detail, { retryAfterMs: 10_000 });
      }
      const { socket } = res.req;
      if (watchers.has(socket)) throw new ProblemError('OVERLOADED', 'this connection is watching already');
      if (socket.destroyed) return;
      watchers.set(socket, res);
      socket.once('close', () => {
        if (watchers.delete(socket) && watchers.size === 0) onLast();
      });
      res.writeHead(200, STREAM_HEADERS);
      res.write(greeting);
      if (watchers.size === 1) onFirst();
    },
    tell: (text: string): void => {
      for (const [socket, res] of watchers)
        if (res.writableLength > MAX_UNREAD_BYTES) socket.destroy();
        else res.write(text);
    },
    /** Ends all answers; nobody joins any more. */
    close: (): void => {
      closed = true;
      for (const res of watchers.values()) res.end();
    },
  };
};

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Proxies of the kind of nginx hold answers back otherwise.
  'x-accel-buffering': 'no',
} as const;
