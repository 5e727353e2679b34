import { parseArgs } from 'node:util';
import { clientCredentials } from '../shared/identity/client-credentials.ts';
import { cloudwatchLines } from '../shared/telemetry/cloudwatch-lines.ts';
import { createLog } from '../shared/telemetry/log.ts';
import { createMetrics } from '../shared/telemetry/metrics.ts';
import { type Call, playRound } from './household-round.ts';

/**
 * npm run household -- [--url http://127.0.0.1:8080] [--heartbeats-url <another one>] [--limit 2] [--namespace <of CloudWatch>]
 *                      [--token-url <address> --client-id <name>]
 *
 * The synthetic household: an account of its own plays a round from outside, as players do. Ends with 0 where the answers were
 * right, 1 where they were wrong, 2 where there were none. Where callers are known, it gets a token with the scope
 * `playbeat:service` by client credentials, with the secret in HOUSEHOLD_SECRET.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    'heartbeats-url': { type: 'string' },
    limit: { type: 'string', default: '2' },
    namespace: { type: 'string' },
    'token-url': { type: 'string' },
    'client-id': { type: 'string' },
  },
});
/** Of one call. A player gives up sooner. */
const TIMEOUT_MS = 5_000;
const CODES = { right: 0, wrong: 1, away: 2 } as const;

const tokenOf = async (): Promise<Readonly<Record<string, string>>> => {
  const { 'token-url': url, 'client-id': clientId = '' } = values;
  if (url === undefined) return {};
  const clientSecret = process.env['HOUSEHOLD_SECRET'] ?? '';
  const token = clientCredentials({ url, clientId, clientSecret, scope: 'playbeat:service', fetch });
  return { authorization: `Bearer ${await token({ fresh: true })}` };
};

const callWith =
  (headers: Readonly<Record<string, string>>): Call =>
  async (path, body) => {
    try {
      const url = path === '/v1/heartbeats' ? (values['heartbeats-url'] ?? values.url) : values.url;
      const answer = await fetch(new URL(path, url), {
        method: 'POST',
        // A session’s own token says who calls; one of a service would be counted as a call of that.
        headers: { ...('sessionToken' in body ? {} : headers), 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await answer.text();
      return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
    } catch {
      return null;
    }
  };

const startedMs = Date.now();
const accountId = `synthetic-${startedMs.toString(36)}`;
const { outcome, why } = await tokenOf().then(
  (headers) => playRound({ call: callWith(headers), accountId, limit: Number(values.limit), nowMs: startedMs }),
  (error: unknown) => ({ outcome: 'away' as const, why: error instanceof Error ? error.message : String(error) }),
);
const seconds = (Date.now() - startedMs) / 1_000;

const metrics = createMetrics({ process: false });
metrics.cell('playbeat_household_rounds_total', { outcome }).value = 1;
metrics.cell('playbeat_household_seconds', {}).value = seconds;
if (values.namespace !== undefined) {
  const { lines } = cloudwatchLines({ metrics, namespace: values.namespace, role: 'household' });
  for (const line of lines(Date.now())) process.stdout.write(`${line}\n`);
}
const log = createLog({ level: 'info', base: { roles: ['household'] } });
log[outcome === 'right' ? 'info' : 'error']({ outcome, why, seconds }, 'a round of the synthetic household');
process.exitCode = CODES[outcome];
