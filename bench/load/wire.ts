import { connect } from 'node:net';

/** One keep-alive connection with one request on it at a time, and no more of HTTP than finding the end of an answer. */
export type Wire = {
  send(request: Buffer, answered: (status: number) => void): void;
  close(): void;
};

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = Buffer.from('ontent-length: ');
const NEWLINE = 13;
const ZERO = 48;

export const openWire = (port: number): Promise<Wire> =>
  new Promise((resolve, reject) => {
    let head: Buffer | null = null;
    let missing = 0;
    let status = 0;
    let waiting: ((status: number) => void) | null = null;

    const finish = (): void => {
      const tell = waiting;
      waiting = null;
      tell?.(status);
    };
    const take = (chunk: Buffer): void => {
      if (missing > 0) {
        missing -= chunk.length;
        if (missing === 0) finish();
        return;
      }
      const bytes = head === null ? chunk : Buffer.concat([head, chunk]);
      const end = bytes.indexOf(HEAD_END);
      if (end === -1) {
        head = Buffer.from(bytes);
        return;
      }
      head = null;
      status = (bytes[9]! - ZERO) * 100 + (bytes[10]! - ZERO) * 10 + (bytes[11]! - ZERO);
      missing = end + HEAD_END.length + lengthIn(bytes) - bytes.length;
      if (missing === 0) finish();
    };
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: INTO,
        callback: (count, buffer) => {
          take(Buffer.from(buffer.buffer, buffer.byteOffset, count));
          return true;
        },
      },
    });
    socket.once('error', reject);
    socket.once('close', () => {
      // The caller counts answers: one that never comes is an error with no status.
      status = 0;
      if (waiting !== null) finish();
    });
    socket.once('connect', () =>
      resolve({
        send: (request, answered) => {
          waiting = answered;
          socket.write(request);
        },
        close: () => socket.destroy(),
      }),
    );
  });

/** Read at once and never kept, so all connections share it. */
const INTO = Buffer.alloc(256 * 1_024);

const lengthIn = (bytes: Buffer): number => {
  const at = bytes.indexOf(LENGTH);
  if (at === -1) throw new Error('an answer without a length');
  let length = 0;
  for (let i = at + LENGTH.length; bytes[i] !== NEWLINE; i++) length = length * 10 + bytes[i]! - ZERO;
  return length;
};
