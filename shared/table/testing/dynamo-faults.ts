import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A loopback proxy before DynamoDB that does to requests what the service and the network do, and DynamoDB Local never does. */
export type DynamoFaults = {
  readonly endpoint: string;
  /** What becomes of each request from now on: its operation, and how many came before it since this was set. */
  set(decide: (operation: string, n: number) => Fault): void;
  /** How many requests of this operation came since `set`. */
  count(operation: string): number;
  /** Resolves when so many requests are held. */
  held(requests: number): Promise<void>;
  /** Those that are held go on to the server now, even when nobody waits for their answer any more. Resolves when all are done. */
  release(): Promise<void>;
  close(): Promise<void>;
};

export type Fault =
  | 'pass'
  /** The server does nothing. */
  | 'throttle'
  | 'fail'
  | 'lose-request'
  /** The server does what was asked for, and the connection ends: before the answer, or in the middle of it. */
  | 'lose-answer'
  | 'cut-answer'
  /** Half of a batch is done, or none, and the rest is handed back; what else passes. */
  | 'half'
  | 'none'
  /** Waits for `release`. */
  | 'hold';

const HOST = '127.0.0.1';
const ERRORS = {
  throttle: { status: 400, type: 'ProvisionedThroughputExceededException' },
  fail: { status: 500, type: 'InternalServerError' },
} as const;

type Answer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly body: Buffer };
type Keys = Record<string, { Keys: unknown[]; ConsistentRead?: boolean }>;
type Writes = Record<string, unknown[]>;

export const startDynamoFaults = async (target: string): Promise<DynamoFaults> => {
  const { hostname, port } = new URL(target);
  let decide: (operation: string, n: number) => Fault = () => 'pass';
  let counts = new Map<string, number>();
  let requests = 0;
  let holding: (() => Promise<void>)[] = [];
  let watching: (() => void)[] = [];

  const forward = (request: http.IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = { ...request.headers, 'content-length': body.length };
      const options = { host: hostname, port, method: request.method, path: request.url, headers };
      const onward = http.request(options, (answer) => {
        bytesOf(answer).then(
          (bytes) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes }),
          reject,
        );
      });
      onward.on('error', reject).end(body);
    });

  const pass = async (request: http.IncomingMessage, body: Buffer, response: http.ServerResponse): Promise<void> => {
    const answer = await forward(request, body);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };

  /** The batch with only so much of it as `take` of each table, and the rest as the service would hand it back. */
  const partly = async (
    take: (all: readonly unknown[]) => number,
    [request, body, response]: [http.IncomingMessage, Buffer, http.ServerResponse],
    operation: keyof typeof BATCHES,
  ): Promise<void> => {
    const { rest, none } = BATCHES[operation];
    const { now, later } = split((JSON.parse(body.toString()) as { RequestItems: Keys | Writes }).RequestItems, take);
    if (Object.keys(now).length === 0) return say(response, 200, { ...none, [rest]: later });
    const done = await forward(request, Buffer.from(JSON.stringify({ RequestItems: now })));
    say(response, 200, { ...(JSON.parse(done.body.toString()) as object), [rest]: later });
  };

  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const body = await bytesOf(request);
    const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    const fault = decide(operation, requests);
    requests += 1;
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    switch (fault) {
      case 'pass':
        return pass(request, body, response);
      case 'throttle':
      case 'fail': {
        const { status, type } = ERRORS[fault];
        return say(response, status, {
          __type: `com.amazonaws.dynamodb.v20120810#${type}`,
          message: 'as the test wants',
        });
      }
      case 'lose-request':
        return void request.socket.destroy();
      case 'lose-answer':
        await forward(request, body);
        return void request.socket.destroy();
      case 'cut-answer': {
        const { status, headers, body: bytes } = await forward(request, body);
        response.writeHead(status, headers);
        const part = bytes.subarray(0, Math.floor(bytes.length / 2));
        return void response.write(part, () => request.socket.destroy());
      }
      case 'half':
      case 'none': {
        if (!isBatch(operation)) return pass(request, body, response);
        const take = fault === 'none' ? () => 0 : (all: readonly unknown[]) => Math.ceil(all.length / 2);
        return partly(take, [request, body, response], operation);
      }
      case 'hold':
        holding.push(() => pass(request, body, response).catch(() => {}));
        for (const look of watching) look();
        return;
    }
  };

  const server = http.createServer((request, response) => {
    response.on('error', () => {});
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    endpoint: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      decide = next;
      counts = new Map();
      requests = 0;
    },
    count: (operation) => counts.get(operation) ?? 0,
    held: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (holding.length < wanted) return;
          watching = watching.filter((one) => one !== look);
          resolve();
        };
        watching = [...watching, look];
        look();
      }),
    release: async () => {
      const released = holding;
      holding = [];
      await Promise.all(released.map((go) => go()));
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

const say = (response: http.ServerResponse, status: number, value: object): void => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(value));
};

const bytesOf = async (stream: http.IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const BATCHES = {
  BatchGetItem: { rest: 'UnprocessedKeys', none: { Responses: {} } },
} as const;
const isBatch = (operation: string): operation is keyof typeof BATCHES => operation in BATCHES;

type Split = { readonly now: Keys | Writes; readonly later: Keys | Writes };

/** Table by table; half of one is that one. */
const split = (items: Keys | Writes, take: (all: readonly unknown[]) => number): Split => {
  const now: Keys | Writes = {};
  const later: Keys | Writes = {};
  for (const [table, request] of Object.entries(items)) {
    const all = Array.isArray(request) ? request : request.Keys;
    const first = take(all);
    const some = (part: unknown[]) => (Array.isArray(request) ? part : { ...request, Keys: part });
    if (first > 0) now[table] = some(all.slice(0, first));
    if (first < all.length) later[table] = some(all.slice(first));
  }
  return { now, later };
};
