import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Reference = { readonly Ref: string };
export type Resource = {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
};
export type Template = { readonly Resources: Readonly<Record<string, Resource>> };
export type Synth = {
  readonly code: number;
  readonly output: string;
  readonly folder: string;
  /** By the name of the stack. */
  readonly templates: Readonly<Record<string, Template>>;
  /** By the name of the stack those that are deployed before it. */
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly violations: readonly { readonly plugin: string; readonly rule: string }[];
};

const json = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

type Report = {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly { readonly ruleName: string; readonly severity?: string }[];
  }[];
};

type Manifest = { readonly artifacts?: Readonly<Record<string, { readonly dependencies?: readonly string[] }>> };

/** What `cdk synth` does: runs the program with the context of `cdk.json` and reads what it made. */
export const synth = async (
  program: string,
  options: { readonly stage: string; readonly folder: string },
): Promise<Synth> => {
  const { stage, folder } = options;
  const context = {
    ...((await json(join(root, 'cdk.json')))['context'] as object),
    ...(await json(join(root, 'cdk.context.json'))),
    stage,
  };
  const child = spawn(process.execPath, [program], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  const files = await readdir(folder).catch((): string[] => []);
  const suffix = '.template.json';
  const templates = await Promise.all(
    files
      .filter((file) => file.endsWith(suffix))
      .map(async (file) => [file.slice(0, -suffix.length), (await json(join(folder, file))) as Template] as const),
  );
  const { artifacts = {} } = files.includes('manifest.json')
    ? ((await json(join(folder, 'manifest.json'))) as Manifest)
    : {};
  const report = files.includes('validation-report.json')
    ? ((await json(join(folder, 'validation-report.json'))) as unknown as Report)
    : { pluginReports: [] };
  return {
    code,
    output: Buffer.concat(chunks).toString(),
    folder,
    templates: Object.fromEntries(templates),
    before: Object.fromEntries(
      Object.entries(artifacts).map(([name, { dependencies = [] }]) => [
        name,
        dependencies.filter((one) => !one.endsWith('.assets')),
      ]),
    ),
    violations: report.pluginReports.flatMap(({ pluginName, violations }) =>
      violations.map(({ ruleName }) => ({ plugin: pluginName, rule: ruleName })),
    ),
  };
};

/** A value of a template as a text, with what CloudFormation puts in as `<name>`. */
export const textOf = (value: unknown): string => {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const { Ref, 'Fn::Join': join } = value as {
    readonly Ref?: string;
    readonly 'Fn::Join'?: readonly [string, unknown[]];
  };
  if (join !== undefined) return join[1].map(textOf).join(join[0]);
  return `<${Ref ?? Object.keys(value as object)[0]}>`;
};

export const resourcesOf = (template: Template, type: string): readonly Resource[] =>
  Object.values(template.Resources).filter((resource) => resource.Type === type);
