import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { FieldError } from './generated/http.ts';
import { HTTP_SCHEMAS } from './http-schemas.ts';

const ajvWith = (options: { allErrors: boolean }): Ajv2020 =>
  // The two that are off forbid `if` and `then` that speak of properties declared beside them.
  new Ajv2020({
    ...options,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    schemas: Object.values(HTTP_SCHEMAS),
  });

/** Stops at the first error: the hot path. */
export const firstErrorAjv = ajvWith({ allErrors: false });
/** Finds every error: only for bodies that are known to be invalid. Bodies are small, so this is bounded. */
export const allErrorsAjv = ajvWith({ allErrors: true });

export const MAX_FIELD_ERRORS = 20;

/** One part of a JSON pointer. */
export const escapePointer = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');
export const pointerParts = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

const valueAt = (root: unknown, path: string): unknown => {
  let value = root;
  for (const part of pointerParts(path)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return value;
};

const RANGE_KEYWORDS = new Set([
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
]);

/** What a pattern asks for, in words. */
const patternInWords = (pattern: string): string => {
  const text = /^\^\[\^\\u0000.*\{(\d+),(\d+)\}\$$/.exec(pattern);
  if (text !== null) return `must be ${text[1]} to ${text[2]} characters, none of them a control character`;
  if (pattern === '^[A-Z]{2}$') return 'must be two capital letters, as in ISO 3166-1';
  return `must match ${pattern}`;
};

const listed = (values: unknown): string => (Array.isArray(values) ? values.map(String).join(', ') : String(values));

const toFieldError = (error: ErrorObject, root: unknown): FieldError | undefined => {
  const { keyword, instancePath, params } = error;
  const below = (name: unknown): string => `${instancePath}/${escapePointer(String(name))}`;
  // `if` and `propertyNames` come with the errors that they wrap; those within `anyOf` are about each way at once.
  if (keyword === 'if' || error.propertyName !== undefined || error.schemaPath.includes('/anyOf/')) return undefined;
  if (keyword === 'required')
    return { path: below(params['missingProperty']), code: 'REQUIRED', detail: 'is required' };
  if (keyword === 'additionalProperties') {
    return { path: below(params['additionalProperty']), code: 'UNKNOWN', detail: 'is not a known field' };
  }
  if (keyword === 'propertyNames') {
    return { path: below(params['propertyName']), code: 'FORMAT', detail: 'is not a valid name' };
  }
  if (keyword === 'type') {
    // Serializers write NaN and Infinity as null: for the caller the value is missing.
    if (valueAt(root, instancePath) === null) return { path: instancePath, code: 'REQUIRED', detail: 'is required' };
    return {
      path: instancePath,
      code: 'TYPE',
      detail: `must be ${listed(params['type']).replace('integer', 'a whole number')}`,
    };
  }
  if (keyword === 'enum')
    return { path: instancePath, code: 'ENUM', detail: `must be one of ${listed(params['allowedValues'])}` };
  if (keyword === 'pattern')
    return { path: instancePath, code: 'FORMAT', detail: patternInWords(String(params['pattern'])) };
  if (keyword === 'anyOf')
    return { path: instancePath, code: 'ENUM', detail: 'is none of the values that are allowed here' };
  if (RANGE_KEYWORDS.has(keyword))
    return { path: instancePath, code: 'RANGE', detail: error.message ?? 'is out of range' };
  return { path: instancePath, code: 'FORMAT', detail: error.message ?? 'is not valid' };
};

/** One error per path, in the order of the schema. */
export const toFieldErrors = (
  errors: readonly ErrorObject[] | null | undefined,
  root: unknown,
): readonly FieldError[] => {
  const byPath = new Map<string, FieldError>();
  for (const error of errors ?? []) {
    const field = toFieldError(error, root);
    if (field !== undefined && !byPath.has(field.path)) byPath.set(field.path, field);
  }
  return [...byPath.values()];
};
