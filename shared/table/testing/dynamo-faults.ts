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
  /** BatchGetItem looks up half of the keys, or none, and hands the others back; what else passes. */
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

  const half = async (request: http.IncomingMessage, body: Buffer, response: http.ServerResponse): Promise<void> => {
    const { now, later } = split((JSON.parse(body.toString()) as { RequestItems: Keys }).RequestItems);
    const asked = Buffer.from(JSON.stringify({ RequestItems: now }));
    const looked = JSON.parse((await forward(request, asked)).body.toString()) as object;
    say(response, 200, { ...looked, UnprocessedKeys: later });
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
        return operation === 'BatchGetItem' ? half(request, body, response) : pass(request, body, response);
      case 'none': {
        if (operation !== 'BatchGetItem') return pass(request, body, response);
        const { RequestItems } = JSON.parse(body.toString()) as { RequestItems: Keys };
        return say(response, 200, { Responses: {}, UnprocessedKeys: RequestItems });
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

/** Table by table; of one key the half is that one. */
const split = (items: Keys): { readonly now: Keys; readonly later: Keys } => {
  const now: Keys = {};
  const later: Keys = {};
  for (const [table, request] of Object.entries(items)) {
    const middle = Math.ceil(request.Keys.length / 2);
    now[table] = { ...request, Keys: request.Keys.slice(0, middle) };
    if (middle < request.Keys.length) later[table] = { ...request, Keys: request.Keys.slice(middle) };
  }
  return { now, later };
};
