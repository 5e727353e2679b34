import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fencesOf, fenceWith, readPage } from './docs/testing/fences.ts';
import { startServer, type Server } from './services/testing/server.ts';

const bash = promisify(execFile);
const page = await readPage('README.md');
const lines = fenceWith(page, 'sh', 'curl').split('\n');
const shown = fenceWith(page, 'text', '201').split('\n');

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** What the readers' shell does with a line, on the port that this server got; curl says the status after the reply. */
const run = async (line: string): Promise<{ readonly status: number; readonly body: unknown }> => {
  const command = line
    .replace('http://localhost:8080', server.url())
    .replace('curl -s', "curl -s -w '\\n%{http_code}'");
  const { stdout } = await bash('bash', ['-c', command]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end)), body: JSON.parse(stdout.slice(0, end)) };
};

/** A shown reply leaves fields out, and shows a token and a position that are only like the real ones. */
const shortened = (reply: string): unknown =>
  JSON.parse(reply.slice(4), (name, value: unknown) =>
    name === 'sessionToken' ? expect.stringMatching(/^pbs1\./) : name === 'position' ? expect.any(String) : value,
  );

describe('the first minute of the README', () => {
  it('lets two streams in, refuses the third and names the holders, stops one, and lets the third in', async () => {
    expect(lines).toHaveLength(5);
    expect(shown).toHaveLength(5);
    for (const [index, line] of lines.entries()) {
      const { status, body } = await run(line);
      expect({ line, status }).toEqual({ line, status: Number(shown[index]?.slice(0, 3)) });
      expect(body).toMatchObject(shortened(shown[index] ?? '') as object);
    }
  });

  it('points at pages that are there', async () => {
    for (const [, link] of page.matchAll(/\]\(([^)#]+)\)/g)) {
      if (link !== undefined && !link.startsWith('http')) await expect(readPage(link)).resolves.not.toBe('');
    }
    expect((await fetch(`${server.url()}/docs`)).status).toBe(200);
    expect((await fetch(`${server.url()}/openapi.json`)).status).toBe(200);
  });

  it('says the two commands exactly', () => {
    const commands = fencesOf(page).filter(({ lang, text }) => lang === 'sh' && text.startsWith('npm'));
    expect(commands.map(({ text }) => text)).toEqual(['npm ci && npm start', 'npm ci && npm test']);
  });
});
