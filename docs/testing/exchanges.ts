import { expect } from '@jest/globals';
import type { Fence } from './fences.ts';

/** A request as a page shows it, and the reply below it; null where the page shows none. */
export type Exchange = {
  readonly line: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly reply: { readonly status: number; readonly body: unknown } | null;
};

const STATUS = /^HTTP\/1\.1 (\d{3})/;

/** The exchanges of a page: each `http` block that is a request, with the one after it where that is a reply. */
export const exchangesOf = (fences: readonly Fence[]): readonly Exchange[] =>
  fences
    .filter(({ lang }) => lang === 'http')
    .flatMap(({ text, line }, index, all): Exchange[] => {
      if (STATUS.test(text)) return [];
      const { first, headers, body } = parts(text);
      const [method = '', path = ''] = first.split(' ');
      return [{ line, method, path, headers, body, reply: replyIn(all[index + 1]?.text ?? '') }];
    });

const replyIn = (text: string): Exchange['reply'] => {
  const status = STATUS.exec(text)?.[1];
  if (status === undefined) return null;
  const { body } = parts(text);
  return { status: Number(status), body: body === null ? null : JSON.parse(body) };
};

const parts = (text: string) => {
  const [head = '', ...rest] = text.split('\n\n');
  const [first = '', ...lines] = head.split('\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const body = rest.join('\n\n');
  return { first, headers, body: body === '' ? null : body };
};

export type Answer = { readonly status: number; readonly body: unknown };

/** Plays requests against a running service; a token or a position that a page shows stands for the real one. */
export const player = (urls: { readonly url: string; readonly adminUrl: string }) => {
  const real = new Map<string, string>();
  const positions = new Map<string, string>();
  let account = '';
  const resolved = (text: string): string => {
    let now = text;
    for (const [shown, actual] of real) now = now.replaceAll(shown, actual);
    return now.replace(/after=([\d.]+)/, (_, shown: string) => `after=${positions.get(shown) ?? shown}`);
  };
  const send = async ({ method, path, headers, body }: Omit<Exchange, 'line' | 'reply'>): Promise<Answer> => {
    const base = path.startsWith('/admin') ? urls.adminUrl : urls.url;
    const type = headers['content-type'] ?? 'application/json';
    const reply = await fetch(base + resolved(path), {
      method,
      headers: { ...(body === null ? {} : { 'content-type': type }), ...mapped(headers, resolved) },
      ...(body === null ? {} : { body: resolved(body) }),
    });
    account = /"accountId": ?"([^"]+)"/.exec(body ?? '')?.[1] ?? /accountId=([\w-]+)/.exec(path)?.[1] ?? account;
    const answer = { status: reply.status, body: (await reply.json()) as unknown };
    await folded(answer.body);
    return answer;
  };
  /** A page tells of a household, not of a race: what is asked next includes what was stored before. */
  const folded = async (body: unknown): Promise<void> => {
    const { position, results } = body as { position?: string; results?: readonly { position: string }[] };
    const after = results?.at(-1)?.position ?? position;
    if (after !== undefined && account !== '') {
      await fetch(`${urls.url}/v1/accounts/${account}/sessions?after=${after}`);
    }
  };
  const learn = (shown: unknown, actual: unknown): void => {
    if (typeof shown === 'object' && shown !== null && typeof actual === 'object' && actual !== null) {
      for (const [name, value] of Object.entries(shown)) {
        const own = (actual as Record<string, unknown>)[name];
        if (name === 'position' && typeof value === 'string' && typeof own === 'string') positions.set(value, own);
        else learn(value, own);
      }
    } else if (typeof shown === 'string' && typeof actual === 'string' && /^pb[st]1\./.test(shown)) {
      real.set(shown, actual);
    }
  };
  /** Sends it, and holds the reply against the one that the page shows. */
  const play = async (exchange: Exchange): Promise<void> => {
    const answer = await send(exchange);
    const { reply, method, path, line } = exchange;
    if (reply === null) {
      expect({ line, path, status: answer.status }).toEqual({ line, path, status: expect.any(Number) });
      expect(answer.status).toBeLessThan(300);
      return;
    }
    const asked = `line ${line}: ${method} ${path}`;
    expect({ asked, ...answer }).toEqual({ asked, status: reply.status, body: stable(reply.body) });
    learn(reply.body, answer.body);
  };
  return { send, play };
};

const mapped = (headers: Readonly<Record<string, string>>, to: (text: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, to(value)]));

/** Fields that are never the same twice: they are compared by type, tokens by their kind. */
const TIMES = [
  'asOfMs',
  'startedAtMs',
  'lastBeatAtMs',
  'freesInMs',
  'activatedAtMs',
  'storedAtMs',
  'retryAfterMs',
  'decidedAtMs',
  'appendedAtMs',
];

const stable = (shown: unknown, name = ''): unknown => {
  if (TIMES.includes(name)) return expect.any(Number);
  if (name === 'position' && typeof shown === 'string') return expect.stringMatching(/^\d+\.\d+\.\d+$/);
  if (name === 'requestId') return expect.any(String);
  if (typeof shown === 'string' && /^pb[st]1\./.test(shown)) return expect.stringMatching(`^${shown.slice(0, 4)}\\.`);
  if (Array.isArray(shown)) return shown.map((one) => stable(one));
  if (typeof shown !== 'object' || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).map(([key, value]) => [key, stable(value, key)]));
};
