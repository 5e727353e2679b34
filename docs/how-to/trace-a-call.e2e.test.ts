import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { send } from '../../services/testing/http.ts';
import { startServer } from '../../services/testing/server.ts';
import { fencesOf, fenceWith, readPage } from '../testing/fences.ts';

const page = await readPage('docs/how-to/trace-a-call.md');

describe('docs/how-to/trace-a-call.md', () => {
  it('watches a call as it says, and names the two spans that come', async () => {
    const setting = /export (\w+)=/.exec(fenceWith(page, 'sh', 'export OTEL'))?.[1] ?? '';
    const command = fencesOf(page).find(({ text }) => text.startsWith('curl'))?.text ?? '';
    const [, traceparent = ''] = /traceparent: ([^']+)'/.exec(command) ?? [];
    const [, body = ''] = /-d '([^']+)'/.exec(command) ?? [];
    const names: string[] = [];
    const collector = createServer((req, res) => {
      let text = '';
      req.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      req.on('end', () => {
        names.push(...[...text.matchAll(/"name":"([^"]+ [^"]+)"/g)].map(([, name = '']) => name));
        res.end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    // Listening on a port, it has an address of this form.
    const { port } = collector.address() as AddressInfo;
    const server = await startServer({ [setting]: `http://127.0.0.1:${port}` });
    try {
      expect(await send(server.url(), { path: '/v1/sessions', body, headers: { traceparent } })).toMatchObject({
        status: 201,
      });
      while (names.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      for (const name of names) expect(page).toContain(`\`${name}\``);
    } finally {
      await server.close();
      collector.close();
      collector.closeAllConnections();
    }
  }, 180_000);
});
