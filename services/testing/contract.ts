import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
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

/** What any path may answer, whatever the operation: the request did not get as far as one, or there is none. */
const ANYWHERE = [400, 404, 405, 408, 431];
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

  const verify = (request: Request, method: string, response: Response): void => {
    const refuse = (why: string): never => {
      throw new Error(`${method} ${request.path} answered ${response.status}, ${why}: ${response.text}`);
    };
    const type = response.headers['content-type']?.split(';')[0] ?? '';
    if (response.status >= 400 && type === PROBLEM) {
      const wrong = matches('/components/schemas/problem', response.json);
      if (wrong !== null) refuse(wrong);
    }
    const path = Object.keys(document.paths).find((pattern) => matchesPath(pattern, request.path));
    const operation = path === undefined ? undefined : document.paths[path]?.[method.toLowerCase()];
    const answer = operation?.responses[response.status];
    if (answer === undefined || path === undefined) {
      if (!ANYWHERE.includes(response.status) || type !== PROBLEM) refuse('which the document does not have');
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
  const to =
    (url: () => string) =>
    async (request: Request): Promise<Response> => {
      const response = await send(url(), request);
      const method = request.method ?? (request.body === undefined ? 'GET' : 'POST');
      if (method !== 'OPTIONS' && method !== 'HEAD') verify(request, method, response);
      return response;
    };
  return { document, url: () => server.url(), call: to(() => server.url()), admin: to(() => server.adminUrl()) };
};

/** Whether a path of a call is meant by a path of the document. */
export const matchesPath = (pattern: string, path: string): boolean => {
  const parts = pattern.split('/');
  const given = (path.split('?')[0] ?? '').split('/');
  return parts.length === given.length && parts.every((part, i) => part.startsWith('{') || part === given[i]);
};
