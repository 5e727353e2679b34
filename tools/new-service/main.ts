import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { HTTP_SCHEMA_NAMES } from '../../schemas/generated/http-schema-names.ts';
import { STATES } from '../../schemas/stores.ts';
import { ROLE_NAMES, ROLES } from '../../services/roles.ts';
import { type File, planOf } from './plan.ts';

const USAGE = `npm run new-service -- --name buffering-alerts [--input heartbeats.v1] [--dry-run]

Writes services/<name>/ with a fold that counts, its API route, its tests and its page, and the lines of the
catalogues that make it a role. Nothing is overwritten. --dry-run says which files, and writes none.`;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const write = async ({ path, text }: File): Promise<void> => {
  const file = join(ROOT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
};

/** In a process of its own, which sees the catalogues as they are now. */
const derive = (tool: string): void => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, tool)], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${tool} ended with ${status}:\n${stderr}`);
};

const run = async (args: string[]): Promise<number> => {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: 'string', default: '' },
      input: { type: 'string', default: 'heartbeats.v1' },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { name, input } = values;
  const plan = planOf(
    { name, input },
    {
      read,
      template: (file) => read(`tools/new-service/template/${file}`),
      taken: {
        roles: ROLE_NAMES,
        states: Object.keys(STATES),
        httpSchemas: HTTP_SCHEMA_NAMES,
        types: [...read('schemas/generated/http.ts').matchAll(/^export type (\w+)/gm)].map(([, type = '']) => type),
        paths: ROLE_NAMES.flatMap((role) => ROLES[role].serves),
        exists: (path) => existsSync(join(ROOT, path)),
      },
    },
  );
  if ('problems' in plan) {
    console.error(`${plan.problems.join('\n')}\n\n${USAGE}`);
    return 2;
  }
  for (const { path } of plan.created) console.log(`new   ${path}`);
  for (const { path } of plan.edited) console.log(`line  ${path}`);
  console.log('made  schemas/generated, docs/reference/retention.md');
  if (values['dry-run']) return 0;
  for (const file of [...plan.created, ...plan.edited]) await write(file);
  for (const tool of ['tools/generate.ts', 'tools/reference.ts']) derive(tool);
  console.log(`
Next: services/${name}/${name}.ts says what is counted, then
  npm run check
  npm test -- services/${name}
  npx cdk synth playbeat-dev-${name} -c stage=dev -q`);
  return 0;
};

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const isWrongUsage = error instanceof TypeError && 'code' in error;
  if (!isWrongUsage) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
