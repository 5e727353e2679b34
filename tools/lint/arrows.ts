import { dirname, join, relative, sep } from 'node:path';
import type { Rule } from 'eslint';

/**
 * Who may import whom. Arrows go `services -> shared -> schemas`; rooms meet in topics only; adapters are chosen in
 * one place. A rule is a function of two paths relative to the repository, so that it reads like a sentence.
 */
type Arrow = { readonly from: string; readonly to: string; readonly toTest: boolean };

/** The programs and storages behind the ports. */
export const ADAPTER = /^shared\/(log|state|table)\/(embedded|kafka|redis|dynamo|sqlite)[^/]*\.ts$/;
export const TEST = /\.(test|contract)\.ts$/;
/** What end-to-end tests, and tools that do the same for longer, are made of. */
const TESTING = /^services\/testing\//;

/** The real programs behind the adapters, and what breaks the line to them. */
const STACK = /^tools\/(stack|faults)\/[^/]+\.ts$/;

const top = (path: string): string => path.split('/')[0] ?? '';
const roomOf = (path: string): string | null => /^services\/([^/]+)\//.exec(path)?.[1] ?? null;

/** What each folder at the top may reach beside itself. Folders that are not named here may reach everything. */
const REACH: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  shared: ['schemas'],
  services: ['shared', 'schemas'],
};

/** What infrastructure is derived from. */
const CATALOGUES =
  /^(schemas\/[^/]+|services\/roles|shared\/config\/config-keys|shared\/telemetry\/(told|objectives))\.ts$/;

const wrong = ({ from, to, toTest }: Arrow): string | null => {
  const test = TEST.test(from) || TESTING.test(from);
  const reach = REACH[top(from)];
  // What an adapter is tested against, and `npm run stack` starts.
  if (test && STACK.test(to)) return null;
  if (reach !== undefined && top(to) !== top(from) && !reach.includes(top(to))) {
    return `${top(from)}/ may import ${reach.length === 0 ? 'nothing else' : reach.map((r) => `${r}/`).join(' and ')}`;
  }
  if (top(to) === 'infra' && top(from) !== 'infra') return 'nothing imports infra/';
  if (
    top(from) === 'infra' &&
    top(to) !== 'infra' &&
    !test &&
    !from.startsWith('infra/testing/') &&
    !CATALOGUES.test(to)
  )
    return 'infra/ is derived from the catalogues: schemas/, services/roles.ts, the names of the configuration, what CloudWatch is told';
  if (from.startsWith('tools/players/') && ['services', 'shared', 'schemas'].includes(top(to))) {
    return 'the players know only the HTTP interface';
  }
  const room = roomOf(from);
  if (room !== null && top(to) === 'services') {
    const other = roomOf(to);
    if (other === null && /^services\/(main|wiring|engines)\.ts$/.test(to) && !test)
      return 'a room does not know who wires it';
    const view = room === 'ingest' && to === 'services/concurrency/view.ts';
    const testing = test && (TESTING.test(from) || TESTING.test(to));
    if (other !== null && other !== room && !view && !testing)
      return 'a room imports no other room; they meet in topics';
  }
  if (ADAPTER.test(to)) {
    const wires =
      from === 'services/engines.ts' || test || ADAPTER.test(from) || ['tools', 'bench'].includes(top(from));
    if (!wires) return 'only services/engines.ts imports an adapter';
  }
  if (toTest && !test) return 'only tests import tests';
  if (TESTING.test(to) && !test && !['tools', 'bench'].includes(top(from))) {
    return 'only tests, tools and benches import services/testing/';
  }
  return null;
};

/** Packages that stand behind a port, and the files that may know them. */
const PACKAGES: readonly { readonly name: RegExp; readonly home: RegExp; readonly why: string }[] = [
  {
    name: /^node:sqlite$/,
    home: /^shared\/(.+\/)?(embedded-[^/]+|data-folder)\.ts$|^(tools|bench)\//,
    why: 'node:sqlite is opened only in embedded-* and data-folder.ts',
  },
  {
    name: /^kafkajs(\/.+)?$/,
    home: /^(shared\/log\/kafka[^/]*|bench\/baselines\/kafkajs-loop)\.ts$/,
    why: 'the Kafka client is one adapter’s',
  },
  {
    name: /^ioredis$/,
    home: /^(shared\/state\/redis[^/]*|tools\/stack\/own-redis)\.ts$/,
    why: 'the Redis client is one adapter’s',
  },
  { name: /^@kafkajs\//, home: /^shared\/registry\//, why: 'the schema registry is asked in shared/registry' },
  { name: /^@aws-sdk\/client/, home: /^shared\/table\/dynamo[^/]*\.ts$/, why: 'the AWS client is one adapter’s' },
  {
    name: /^(@aws-sdk\/credential|aws-msk-)/,
    home: /^shared\/log\/kafka-log-iam\.ts$/,
    why: 'signing in to Amazon MSK is one file’s',
  },
  { name: /^(pino|prom-client)$/, home: /^shared\/telemetry\//, why: 'logs and metrics are made in shared/telemetry' },
];

const visitSources = (visit: (source: string, node: Rule.Node) => void): Rule.RuleListener => {
  const report = (source: unknown, node: Rule.Node): void => {
    if (typeof source === 'string') visit(source, node);
  };
  return {
    ImportDeclaration: (node) => report(node.source.value, node),
    ExportAllDeclaration: (node) => report(node.source.value, node),
    ExportNamedDeclaration: (node) => report(node.source?.value, node),
    ImportExpression: (node) => report(node.source.type === 'Literal' ? node.source.value : null, node),
  };
};

export const pathOf = (context: Rule.RuleContext): string =>
  relative(context.cwd, context.filename).split(sep).join('/');

export const arrows: Rule.RuleModule = {
  meta: { type: 'problem', schema: [], messages: { arrow: '{{from}} imports {{to}}: {{why}}' } },
  create: (context) => {
    const from = pathOf(context);
    return visitSources((source, node) => {
      const inside = source.startsWith('.');
      const to = inside ? join(dirname(from), source).split(sep).join('/') : source;
      const why = inside
        ? wrong({ from, to, toTest: TEST.test(to) })
        : (PACKAGES.find(({ name, home }) => name.test(source) && !home.test(from) && !TEST.test(from))?.why ?? null);
      if (why !== null) context.report({ node, messageId: 'arrow', data: { from, to, why } });
    });
  },
};

/** A file that only passes on hides where things are. */
export const noBarrels: Rule.RuleModule = {
  meta: { type: 'problem', schema: [], messages: { barrel: 'no barrels: import from the file that has it' } },
  create: (context) => ({
    Program: (node) => {
      const passesOn = node.body.filter(
        (one) => one.type === 'ExportAllDeclaration' || (one.type === 'ExportNamedDeclaration' && one.source != null),
      );
      const index = /(^|\/)index\.[cm]?[jt]s$/.test(pathOf(context));
      if (index || (passesOn.length > 0 && passesOn.length === node.body.length)) {
        context.report({ node, messageId: 'barrel' });
      }
    },
    ExportAllDeclaration: (node) => context.report({ node, messageId: 'barrel' }),
  }),
};
