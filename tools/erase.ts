import Table from 'cli-table3';
import type { ErasureReceipt } from '../schemas/generated/http.ts';
import { called, readAsked } from './admin-call.ts';

/**
 * npm run erase -- --account <id> [--tenant <name>] [--url http://127.0.0.1:9090]
 *
 * Makes Playbeat forget an account, and prints the receipt: what remains, where, until when. `--url`: the admin port of a
 * process that takes heartbeats. With `AUTH_…` set, a token with the scope `playbeat:admin` in ADMIN_TOKEN.
 */
const asked = readAsked(process.argv.slice(2), process.env['ADMIN_TOKEN']);
const [url] = asked?.urls ?? [];
if (asked === null || url === undefined) {
  console.error('npm run erase -- --account <id> [--tenant <name>] [--url <admin port>]');
  process.exit(2);
}

const { accountId, tenant, headers } = asked;
const answer = await called(new URL('/admin/erasures', url), {
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(tenant === null ? { accountId } : { accountId, tenant }),
});
// The service's own answer, to its own document.
const receipt = (await answer.json()) as ErasureReceipt;
const table = new Table({ head: ['Where', 'What remains', 'Gone by'], style: { head: [], border: [] } });
for (const { kind, name, remains, goneAtMs } of receipt.places)
  table.push([`${kind} ${name}`, remains, goneAtMs === null ? 'now' : new Date(goneAtMs).toISOString()]);
console.log(table.toString());
console.log(
  `Erased at position ${receipt.position}, ${new Date(receipt.requestedAtMs).toISOString()}. Keep this receipt.`,
);
