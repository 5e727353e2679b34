import { HTTP_SCHEMAS, type HttpSchemaName } from '../../schemas/http-schemas.ts';
import { PROBLEMS } from '../errors/problems.ts';
import { guardProblems } from './guard.ts';
import { type CallerKind, isAudited, type QueryParameter, REASON_QUERY, type Route } from './route.ts';

/** The OpenAPI 3.1 document, from the routes that answer and the schemas that validate. */
export const openApi = (routes: readonly Route[]): Readonly<Record<string, unknown>> => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] ??= operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Playbeat',
      version: '1',
      description: 'One heartbeat every 10 seconds, many answers. Times are epoch milliseconds.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: components(), securitySchemes: SECURITY },
  };
};

/** How each kind of caller says who it is, where anybody is asked. */
const SECURITY = {
  sessionToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The `sessionToken` that a start was answered: good for the beats and the stop of that session.',
  },
  playerToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Scope `playbeat:player`.' },
  serviceToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Scope `playbeat:service`.' },
  adminToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Scope `playbeat:admin`.' },
} as const;
const SCHEMES = {
  session: 'sessionToken',
  player: 'playerToken',
  service: 'serviceToken',
  admin: 'adminToken',
} as const satisfies Record<Exclude<CallerKind, 'anybody'>, keyof typeof SECURITY>;

const reference = (name: HttpSchemaName): unknown => ({ $ref: `#/components/schemas/${name}` });
const jsonOf = (schema: unknown): unknown => ({ 'application/json': { schema } });

const operation = (route: Route): unknown => ({
  operationId: route.operationId,
  summary: route.summary,
  tags: [route.port === 'admin' ? 'admin' : (route.path.split('/')[2] ?? 'health')],
  parameters: [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', minLength: 1, maxLength: 128 },
    })),
    ...[...(route.query ?? []), ...(isAudited(route) ? [REASON_QUERY] : [])].map(
      ({ name, description, required = false, ...held }: QueryParameter) => ({
        name,
        in: 'query',
        required,
        description,
        schema: schemaOf(held),
      }),
    ),
  ],
  'x-touches': route.touches,
  security: route.callers.map((kind) => (kind === 'anybody' ? {} : { [SCHEMES[kind]]: [] })),
  ...(route.request === undefined
    ? {}
    : { requestBody: { required: route.request !== 'stop-request', content: requestContent(route.request) } }),
  responses: {
    ...Object.fromEntries(
      Object.entries(route.responses).map(([status, schema]) => [
        status,
        {
          description: 'As asked.',
          ...(schema === null ? {} : { content: jsonOf(schema === 'object' ? { type: 'object' } : reference(schema)) }),
        },
      ]),
    ),
    ...problemResponses(route),
  },
});

const schemaOf = ({ values, range }: Omit<QueryParameter, 'name' | 'description'>): unknown => {
  if (range !== undefined) return { type: 'integer', minimum: range[0], maximum: range[1] };
  return values === undefined ? { type: 'string' } : { type: 'string', enum: values };
};

/** The heartbeat route takes one beat or a batch. */
const requestContent = (name: HttpSchemaName): unknown => {
  const schema =
    name === 'heartbeat-batch' ? { anyOf: [reference('heartbeat-request'), reference(name)] } : reference(name);
  return { 'application/json': { schema }, 'text/plain': { schema } };
};

const problemResponses = (route: Route): Record<string, unknown> => {
  const { problems, responses } = route;
  const byStatus = new Map<number, string[]>();
  for (const code of new Set([...problems, ...guardProblems(route)])) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${PROBLEMS[code].title}`]);
  }
  const content = { 'application/problem+json': { schema: reference('problem') } };
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => responses[status] === undefined)
      .map(([status, lines]) => [status, { description: lines.join('\n\n'), content }]),
  );
};

/** Every schema under its own name, with references within the document. */
const components = (): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(HTTP_SCHEMAS).map(([name, { $schema: _schema, $id: _id, ...schema }]) => [
      name,
      relinked(schema, name),
    ]),
  );

const relinked = (value: unknown, home: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => relinked(item, home));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name,
      name === '$ref' && typeof child === 'string' ? relink(child, home) : relinked(child, home),
    ]),
  );
};

/** `common.schema.json#/$defs/Id` and `#/$defs/Id` become paths below `components`. */
const relink = (ref: string, home: string): string => {
  const [file = '', pointer = ''] = ref.split('#');
  const name = file === '' ? home : file.replace(/\.schema\.json$/, '');
  return `#/components/schemas/${name}${pointer}`;
};
