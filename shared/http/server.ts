import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SECOND_MS } from '../../schemas/time.ts';
import type { Front } from './front.ts';

/** Limits in time: an idle connection outlives a balancer's, a slow request is cut after 10 s. */
export const harden = (server: Server, maxConnections: number, onDropped: () => void): void => {
  server.maxConnections = maxConnections;
  server.on('drop', onDropped);
  server.keepAliveTimeout = 65 * SECOND_MS;
  server.headersTimeout = 10 * SECOND_MS;
  server.requestTimeout = 10 * SECOND_MS;
};

export type Place = { readonly name: string; readonly port: number; readonly host: string };

export const listen = (server: Server, { name, port, host }: Place): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `HOST=${host} ${name}=${port} cannot be listened on (${cause.message}). Choose another, or end what listens there`;
      reject(new Error(message, { cause }));
    });
    server.listen(port, host, 4_096, () => resolve(toPort(server.address())));
  });

const toPort = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0;

/** Connections that become idle while others still work are closed this soon. */
const DRAIN_TURN_MS = 50;

/** Stops listening, lets calls in flight end, and cuts what is left after a while. */
export const drained = async ({ server, drain }: Front, drainMs: number): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  drain();
  const again = setInterval(drain, DRAIN_TURN_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(again);
  clearTimeout(cut);
};
