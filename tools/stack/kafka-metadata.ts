import { connect } from 'node:net';
import { HOST } from './processes.ts';

/** Metadata, version 1, correlation 1, client "k", no topics: length first. */
const REQUEST = Buffer.from([0, 0, 0, 15, 0, 3, 0, 1, 0, 0, 0, 1, 0, 1, 0x6b, 0, 0, 0, 0]);

/** How many brokers the one at this port sees, itself included; by hand, because a client takes seconds to give up. */
export const brokersSeenBy = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, HOST);
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer within 1 s')));
    socket.on('error', reject).on('close', () => reject(new Error('closed without an answer')));
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 12) return;
      resolve(bytes.readInt32BE(8));
      socket.destroy();
    });
    socket.write(REQUEST);
  });
