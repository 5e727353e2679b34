import { readFileSync } from 'node:fs';

export type JsonSchema = { readonly [keyword: string]: unknown };

const NAMES = [
  'block-check-request',
  'common',
  'content-audience',
  'decision',
  'health',
  'heartbeat-batch',
  'heartbeat-request',
  'ingest-response',
  'mode-request',
  'policy',
  'policy-document',
  'problem',
  'resume-position',
  'resume-position-list',
  'session-list',
  'signal-request',
  'start-request',
  'start-response',
  'stop-request',
  'trending-list',
  'view',
  'view-list',
] as const;

export type HttpSchemaName = (typeof NAMES)[number];

const read = (name: HttpSchemaName): JsonSchema =>
  JSON.parse(readFileSync(new URL(`http/${name}.schema.json`, import.meta.url), 'utf8'));

/** What enters and leaves over HTTP: the source of the validators, the types and the OpenAPI document. */
export const HTTP_SCHEMAS = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Readonly<
  Record<HttpSchemaName, JsonSchema>
>;

/** The `$id` under which a schema is referred to by the others. */
export const schemaId = (name: HttpSchemaName): string => `${name}.schema.json`;
