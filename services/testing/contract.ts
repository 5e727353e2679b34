import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { pathMatches } from '../../shared/http/front.ts';
import { type Request, type Response, send } from './http.ts';

/**
 * Calls whose answers are held against the published document: an answer with a status that the document does not have,
 * or with a body that does not fit its schema, throws. So every test that calls is a test of the document, too.
 */
export type Api = {
  readonly document: Document;
  url(): string;
  call(request: Request): Promise<Response>;
  admin(request: Request): Promise<Response>;
};

export type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [name: string]: unknown;
};
export type Operation = {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
  readonly [name: string]: unknown;
};

/** What any path may answer: the request did not get as far as an operation. */
const ANYWHERE = [408, 431];
const PROBLEM = 'application/problem+json';

export const openApi = async (server: { url(): string; adminUrl(): string }): Promise<Api> => {
  const { json } = await send(server.url(), { path: '/openapi.json' });
  const document = json as Document;
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ ...document, $id: 'playbeat' });
  const compiled = new Map<string, ValidateFunction>();
  const matches = (pointer: string, value: unknown): string | null => {
    let check = compiled.get(pointer);
    if (check === undefined) {
      check = ajv.compile({ $ref: `playbeat#${pointer}` });
      compiled.set(pointer, check);
    }
    return check(value) ? null : ajv.errorsText(check.errors);
  };

  const verify = (request: Request, { method, port, response }: Answered): void => {
    const refuse = (why: string): never => {
      throw new Error(`${method} ${request.path} answered ${response.status}, ${why}: ${response.text}`);
    };
    const type = response.headers['content-type']?.split(';')[0] ?? '';
    if (response.status >= 400 && type === PROBLEM) {
      const wrong = matches('/components/schemas/problem', response.json);
      if (wrong !== null) refuse(wrong);
    }
    const path = Object.keys(document.paths).find((one) => port.has(one) && matchesPath(one, request.path));
    const operation = path === undefined ? undefined : document.paths[path]?.[method.toLowerCase()];
    const answer = operation?.responses[response.status];
    if (answer === undefined || path === undefined) {
      const expected = [
        ...ANYWHERE,
        ...(operation !== undefined ? [] : [path === undefined ? 404 : 405]),
        ...(isEncoded(request.path) ? [] : [400]),
      ];
      if (!expected.includes(response.status) || type !== PROBLEM) refuse('which the document does not have');
      return;
    }
    if (answer.content === undefined) return;
    if (answer.content[type] === undefined) refuse(`as ${type}, not as ${Object.keys(answer.content).join(', ')}`);
    const at = ['paths', path, method.toLowerCase(), 'responses', String(response.status), 'content', type, 'schema'];
    const wrong = matches(
      at.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      response.json,
    );
    if (wrong !== null) refuse(wrong);
  };
  const paths = Object.keys(document.paths);
  const to = (url: () => string, isHere: (path: string) => boolean): Api['call'] => {
    const port = new Set(paths.filter(isHere));
    return async (request) => {
      const response = await send(url(), request);
      const method = request.method ?? (request.body === undefined ? 'GET' : 'POST');
      if (method !== 'OPTIONS' && method !== 'HEAD') verify(request, { method, port, response });
      return response;
    };
  };
  return {
    document,
    url: () => server.url(),
    call: to(
      () => server.url(),
      (path) => !isOfAdmins(path),
    ),
    admin: to(
      () => server.adminUrl(),
      (path) => isOfAdmins(path) || ON_BOTH.includes(path),
    ),
  };
};

type Answered = { readonly method: string; readonly port: ReadonlySet<string>; readonly response: Response };

/** Whether an operation is served on the admin port. */
export const isOfAdmins = (path: string): boolean => path.startsWith('/admin') || path === '/metrics';
const ON_BOTH = ['/healthz', '/readyz'];

const isEncoded = (path: string): boolean => {
  try {
    return decodeURIComponent(path.split('?')[0] ?? '') !== null;
  } catch {
    return false;
  }
};

/** Whether a path of a call is meant by a path of the document. */
export const matchesPath = (pattern: string, path: string): boolean => pathMatches(pattern, path.split('?')[0] ?? '');
