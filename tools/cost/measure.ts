import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startServer } from '../../services/testing/server.ts';
import { root } from '../steps.ts';

/*
 * `node tools/cost/measure.ts`: the real players against a Playbeat of their own, through a line that counts. Prints for each
 * call how often it came for every beat, and how many bytes of HTTP it took each way.
 */

const { values } = parseArgs({
  options: { accounts: { type: 'string', default: '200' }, minutes: { type: 'string', default: '3' } },
});

type Count = { calls: number; up: number; down: number };
const counts = new Map<string, Count>();
const countOf = (call: string): Count => {
  const known = counts.get(call) ?? { calls: 0, up: 0, down: 0 };
  counts.set(call, known);
  return known;
};
/** Method and path, with a star for what names anybody. */
const CALL = /^(GET|POST|DELETE) (\S+) HTTP\/1\.1\r\n/;
const NAMES = /\/(sessions|accounts|profiles|resume-positions|views|contents)\/[^/]+/g;
const callIn = (chunk: Buffer): string | null => {
  const [, method, target = ''] = CALL.exec(chunk.subarray(0, 2_048).toString('latin1')) ?? [];
  if (method === undefined) return null;
  const path = (target.split('?')[0] ?? '').replaceAll(NAMES, '/$1/*');
  return `${method} ${path}`;
};

const server = await startServer();
const target = Number(new URL(server.url()).port);
const line = createServer((player) => {
  const service = connect(target, '127.0.0.1');
  let count = countOf('unknown');
  // A player waits for its answer before it calls again on the same connection.
  player.on('data', (chunk: Buffer) => {
    const call = callIn(chunk);
    if (call !== null) {
      count = countOf(call);
      count.calls += 1;
    }
    count.up += chunk.length;
  });
  service.on('data', (chunk: Buffer) => (count.down += chunk.length));
  player.pipe(service).pipe(player);
  for (const socket of [player, service]) socket.on('error', () => [player, service].forEach((end) => end.destroy()));
});
line.listen(0, '127.0.0.1');
await once(line, 'listening');

const url = `http://127.0.0.1:${(line.address() as AddressInfo).port}`;
const options = ['--url', url, '--accounts', values.accounts, '--minutes', values.minutes, '--json'];
try {
  await promisify(execFile)(process.execPath, [join(root, 'tools/players/main.ts'), ...options], { cwd: root });
  const beats = countOf('POST /v1/heartbeats').calls;
  for (const [call, { calls, up, down }] of [...counts].sort(([, a], [, b]) => b.calls - a.calls))
    if (calls > 0)
      console.log(
        `${call.padEnd(60)} ${String(calls).padStart(7)}  ${(calls / beats).toFixed(4)} per beat  ` +
          `${Math.round(up / calls)} B up  ${Math.round(down / calls)} B down`,
      );
} finally {
  line.close();
  await server.close();
}
