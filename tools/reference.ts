import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { CONFIG_KEYS, type ConfigKey } from '../shared/config/config-keys.ts';
import { PROBLEMS, problemType, type ProblemCode } from '../shared/errors/problems.ts';
import { METRICS } from '../shared/telemetry/metric-catalogue.ts';
import { OBJECTIVES } from '../shared/telemetry/objectives.ts';
import { isTold, TOLD } from '../shared/telemetry/told.ts';
import { costPage } from './cost/page.ts';
import { ALLOWED, licencesOf } from './dependencies/licences.ts';
import type { Lockfile } from './dependencies/lockfile.ts';
import { retention } from './reference-retention.ts';

/**
 * `node tools/reference.ts` writes the pages of `docs/reference` that say what a catalogue says. A test makes them again
 * and compares.
 */
export type Page = { readonly file: string; readonly text: string };

const code = (text: string): string => `\`${text}\``;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
const madeFrom = (source: string): string =>
  `<!-- Made by \`node tools/reference.ts\` from ${source}. Change that, not this. -->`;

const errors = (): string => {
  const rows = (Object.keys(PROBLEMS) as ProblemCode[]).map((name) => {
    const { status, title, retryable, advice } = PROBLEMS[name];
    return [code(name), String(status), code(problemType(name)), title, retryable ? 'yes' : 'no', advice];
  });
  return `# Errors

${madeFrom('shared/errors/problems.ts')}

Every error is an RFC 9457 document, \`application/problem+json\`, with \`type, title, status, code, detail, instance,
requestId\`, with \`retryAfterMs\` where waiting helps, and with \`errors: [{path, code, detail}]\` where fields are wrong.
Decide by \`code\`; \`title\` and \`detail\` are for people.

The rule for a player: **no error stops a running picture.** A network error, a time-out after 3 s, and every code that
is retryable below: play on, and send the same beat with the same \`sequence\` again, after \`retryAfterMs\` or the next
interval, with jitter. Only \`decision: stop\` in an answer stops the picture. A start is another matter: it begins only on \`201\`.

${table(['Code', 'Status', 'Type', 'Title', 'Retry', 'What to do'], rows)}
`;
};

const kindOf = (key: ConfigKey): string => {
  switch (key.kind) {
    case 'port':
    case 'count':
    case 'ms':
      return `${key.min} to ${key.max} ${key.unit}`;
    case 'choice':
      return key.choices.map(code).join(', ');
    case 'secret':
      return `base64url of at least ${key.minBytes} bytes`;
    case 'peppers':
      return `\`tenant@generation=pepper\`, with commas between; each pepper base64url of at least ${key.minBytes} bytes`;
    case 'password':
      return 'text';
    case 'list':
      return `up to ${key.maxItems}, with commas between; each ${key.means}`;
    case 'text':
    case 'path':
      return key.means;
  }
};

const config = (): string => {
  const rows = Object.entries<ConfigKey>(CONFIG_KEYS).map(([name, key]) => [
    code(name),
    key.default === null ? 'none' : code(String(key.default)),
    kindOf(key),
    key.description,
  ]);
  return `# Configuration

${madeFrom('shared/config/config-keys.ts')}

Playbeat reads environment variables and nothing else; with none of them set it runs on this machine alone. A value that does not fit
stops the start with all errors at once. So does a name that is one or two letters off one of these, or that starts with
\`PLAYBEAT_\`: the limit that was meant would silently not hold. An empty value is an error too. Secrets are never printed.

Listening on anything but loopback needs [keys to know callers by](../how-to/know-your-callers.md), or \`AUTH=off\`, said explicitly.

${table(['Name', 'Default', 'Values', 'What it does'], rows)}

A secret is made with \`openssl rand -base64 32 | tr '+/' '-_' | tr -d '='\`.
`;
};

const metrics = (): string => {
  const rows = Object.entries(METRICS).map(([name, { type, labels, help }]) => [
    code(name),
    type,
    labels.map(code).join(', '),
    isTold(name) ? ['role', ...TOLD[name]].map(code).join(', ') : '',
    help,
  ]);
  const objectives = Object.entries(OBJECTIVES).map(([name, { share, says }]) => [
    code(name),
    `${Math.round(share * 1e6) / 1e4} %`,
    says,
  ]);
  return `# Metrics

${madeFrom('shared/telemetry/metric-catalogue.ts, told.ts and objectives.ts')}

\`GET /metrics\` on the admin port, Prometheus text. Labels come from closed lists: no account, session, content or path
of a caller is ever a label. Beside these there are the figures of the process, \`process_*\` and \`nodejs_*\`, under the usual names.

There is no log line per heartbeat, at no level. What happens per beat is counted here, and costs one addition.

## Objectives

Over 30 days, and counted by \`playbeat_objective_total\`:

${table(['Objective', 'Share', 'What it says'], objectives)}

## In CloudWatch

With \`CLOUDWATCH_NAMESPACE\` a process writes some of them once a minute, and when it ends, as lines in Embedded Metric Format: those with
something in the column CloudWatch, which names their dimensions. Counters are told by what was added, histograms by the bound that 99 of 100
lie within. CloudWatch makes metrics of the lines by itself, at 0.30 USD a month for each series: some 60 of them, however many
processes there are. The lines themselves are about 3 KB a minute and process, 0.07 USD a month.

## All of them

${table(['Name', 'Type', 'Labels', 'CloudWatch', 'What it says'], rows)}
`;
};

const licences = async (): Promise<string> => {
  const lockfile = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lockfile;
  const all = licencesOf(lockfile);
  const counts = ALLOWED.map((licence) => [licence, String(all.filter((one) => one.licence === licence).length)]);
  return `# Licences

${madeFrom('package-lock.json')}

The packages that are not there for development alone, \`aws-cdk-lib\` and what comes with it among them, which the image leaves out.
[How they are checked](../how-to/check-dependencies.md).

${table(
  ['Licence', 'Packages'],
  counts.filter(([, count]) => count !== '0'),
)}

${table(
  ['Package', 'Version', 'Licence'],
  all.map(({ name, version, licence }) => [code(name), version, licence]),
)}
`;
};

/** The pages as they should be, formatted like everything else. */
export const pages = async (): Promise<readonly Page[]> => {
  const made = {
    'errors.md': errors(),
    'config.md': config(),
    'metrics.md': metrics(),
    'retention.md': retention({ table, madeFrom }),
    'licences.md': await licences(),
    'cost.md': costPage({ table, madeFrom }),
  };
  return Promise.all(
    Object.entries(made).map(async ([name, text]) => {
      const file = fileURLToPath(new URL(`../docs/reference/${name}`, import.meta.url));
      return { file, text: await format(text, { ...(await resolveConfig(file)), parser: 'markdown' }) };
    }),
  );
};

export const writePages = async (): Promise<void> => {
  for (const { file, text } of await pages()) await writeFile(file, text);
};

if (import.meta.main) await writePages();
