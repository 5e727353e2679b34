import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a server that a test can break. For tests. */
export type Proxy = {
  readonly url: string;
  /** From now on, in one direction: bytes pass, are thrown away, or wait for the next `pass`. */
  requests(how: Passing): void;
  answers(how: Passing): void;
  /** New connections lead to this port. */
  lead(port: number): void;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
};
export type Passing = 'pass' | 'drop' | 'hold';

type Direction = { how: Passing; held: (() => void)[] };

export const startProxy = async (port: number): Promise<Proxy> => {
  let target = port;
  const sockets = new Set<Socket>();
  const requests: Direction = { how: 'pass', held: [] };
  const answers: Direction = { how: 'pass', held: [] };

  const pipe = (from: Socket, to: Socket, direction: Direction): void => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (direction.how === 'pass') to.write(bytes);
      else if (direction.how === 'hold') direction.held.push(() => to.write(bytes));
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      // What is held is on its way: it arrives after its sender has gone.
      if (direction.how === 'hold') direction.held.push(() => to.end());
      else to.end();
    });
  };
  const set = (direction: Direction, how: Passing): void => {
    direction.how = how;
    if (how === 'pass') for (const send of direction.held.splice(0)) send();
  };

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    pipe(client, upstream, requests);
    pipe(upstream, client, answers);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: (how) => set(requests, how),
    answers: (how) => set(answers, how),
    lead: (to) => (target = to),
    cut,
    close: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
};
