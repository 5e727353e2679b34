import { namesOf, problemsOf, type Taken } from './names.ts';

/** What `npm run new-service` is to do, before it does anything. Paths are relative to the repository. */
export type Plan = {
  readonly created: readonly File[];
  readonly edited: readonly File[];
};
export type File = { readonly path: string; readonly text: string };
export type Asked = { readonly name: string; readonly input: string };

/** What the files of the room are made of: the template, and where it goes. */
const CREATED: readonly (readonly [template: string, path: string])[] = [
  ['fold.ts', 'services/{{name}}/{{name}}.ts'],
  ['fold.test.ts', 'services/{{name}}/{{name}}.test.ts'],
  ['routes.ts', 'services/{{name}}/routes.ts'],
  ['routes.e2e.test.ts', 'services/{{name}}/routes.e2e.test.ts'],
  ['answer.schema.json', 'schemas/http/{{name}}.schema.json'],
  ['page.md', 'docs/reference/{{name}}.md'],
];

type Insertion = { readonly path: string; readonly before: string; readonly text: string };

/** The lines of the catalogues; all else is derived from them. */
const INSERTED: readonly Insertion[] = [
  {
    path: 'services/roles.ts',
    before: '} as const satisfies Record<string, Role>;',
    text: `  '{{name}}': {
    summary: 'counts the beats of an account in a window of time',
    consumes: ['{{input}}'],
    produces: [],
    keepsState: true,
    onRequest: false,
    tables: [],
    serves: ['/v1/accounts/*/{{name}}'],
  },
`,
  },
  {
    path: 'services/rooms.ts',
    before: '\n// State and control state are',
    text: `import { {{camel}} } from './{{name}}/{{name}}.ts';
import { {{camel}}Routes } from './{{name}}/routes.ts';
`,
  },
  {
    path: 'services/rooms.ts',
    before: '};\n\ntype Lasting',
    text: `  '{{name}}': { folds: () => [{{camel}} as AnyProcessor], routes: {{camel}}Routes },
`,
  },
  {
    path: 'schemas/stores.ts',
    before: '} as const satisfies Record<string, StateSpec>;',
    text: `  '{{name}}': {
    rowsOf: 'account',
    kept: 'counts of the last 61 minutes',
    reason: 'the window that it counts in',
  },
`,
  },
  {
    path: 'docs/README.md',
    before: '- The HTTP interface:',
    text: `- [{{title}}](reference/{{name}}.md)
`,
  },
  {
    path: 'compose.yaml',
    before: '\n  kafka:\n    image:',
    text: `  {{name}}:
    <<: *playbeat
    command: [{{name}}]
`,
  },
  {
    path: 'compose.yaml',
    before: '\n  ingest:\n    <<: *playbeat',
    text: `      {{name}}: { condition: service_healthy }
`,
  },
  {
    path: 'compose.yaml',
    before: '\n      }\n',
    text: `
        location ~ ^/v1/accounts/[^/]+/{{name}}$$ { proxy_pass http://{{name}}:8080; }`,
  },
];

type Read = (path: string) => string;

/** The plan, or what is wrong with what was asked. */
export const planOf = (
  { name, input }: Asked,
  { read, template, taken }: { readonly read: Read; readonly template: Read; readonly taken: Taken },
): Plan | { readonly problems: readonly string[] } => {
  const problems = problemsOf({ name, input }, taken);
  if (problems.length > 0) return { problems };
  const values: Readonly<Record<string, string>> = { ...namesOf(name), input };
  const filled = (text: string): string =>
    text.replaceAll(/\{\{(\w+)\}\}/g, (mark, key: string) => {
      const value = values[key];
      if (value === undefined) throw new Error(`the template has ${mark}, which nothing stands for`);
      return value;
    });
  const edited = new Map<string, string>();
  for (const { path, before, text } of INSERTED)
    edited.set(path, inserted(path, edited.get(path) ?? read(path), before, filled(text)));
  return {
    created: CREATED.map(([from, path]) => ({ path: filled(path), text: filled(template(`${from}.txt`)) })),
    edited: [...edited].map(([path, text]) => ({ path, text })),
  };
};

const inserted = (path: string, text: string, before: string, added: string): string => {
  const at = text.indexOf(before);
  if (at < 0 || text.includes(before, at + 1))
    throw new Error(
      `${path} does not have ${JSON.stringify(before)} exactly once: tools/new-service/plan.ts is behind it`,
    );
  return text.slice(0, at) + added + text.slice(at);
};
