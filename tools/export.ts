import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { ACCOUNT_PLACES } from '../schemas/places.ts';
import { called, readAsked } from './admin-call.ts';

/**
 * npm run export -- --account <id> [--tenant <name>] [--url http://127.0.0.1:9090]…
 *
 * Prints all that is kept of an account, a JSON object per line. A process has what its roles keep: on a cluster give
 * `--url` once for the admin port of a process of each role. Ends with 1 where a place is missing, and names it. With
 * `AUTH_…` set, a token with the scope `playbeat:admin` in ADMIN_TOKEN.
 */
const asked = readAsked(process.argv.slice(2), process.env['ADMIN_TOKEN']);
if (asked === null) {
  console.error('npm run export -- --account <id> [--tenant <name>] [--url <admin port>]…');
  process.exit(2);
}

type Line = { readonly kind: string; readonly name: string; readonly places: readonly Pick<Line, 'kind' | 'name'>[] };
const nameOf = ({ kind, name }: Pick<Line, 'kind' | 'name'>): string => `${kind} ${name}`;
const done = new Set<string>();
for (const url of asked.urls) {
  const path = new URL(`/admin/accounts/${encodeURIComponent(asked.accountId)}/export`, url);
  if (asked.tenant !== null) path.searchParams.set('tenant', asked.tenant);
  const { body } = await called(path, { headers: asked.headers });
  let places: Line['places'] | null = null;
  for await (const text of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
    const line = JSON.parse(text) as Line;
    if (line.kind === 'end') ({ places } = line);
    // What another process has told already.
    else if (!done.has(nameOf(line))) console.log(text);
  }
  if (places === null) throw new Error(`${url} stopped in the middle: run it again`);
  for (const place of places) done.add(nameOf(place));
}

const missing = ACCOUNT_PLACES.map(nameOf).filter((place) => !done.has(place));
if (missing.length > 0) {
  console.error(`not looked into, for none of these processes has it: ${missing.join(', ')}`);
  process.exitCode = 1;
}
