import { readFileSync } from 'node:fs';
import { HTTP_SCHEMA_NAMES } from './generated/http-schema-names.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

export type HttpSchemaName = (typeof HTTP_SCHEMA_NAMES)[number];

const read = (name: HttpSchemaName): JsonSchema =>
  JSON.parse(readFileSync(new URL(`http/${name}.schema.json`, import.meta.url), 'utf8'));

/** What enters and leaves over HTTP: the source of the validators, the types and the OpenAPI document. */
export const HTTP_SCHEMAS = Object.fromEntries(HTTP_SCHEMA_NAMES.map((name) => [name, read(name)])) as Readonly<
  Record<HttpSchemaName, JsonSchema>
>;

/** The `$id` under which a schema is referred to by the others. */
export const schemaId = (name: HttpSchemaName): string => `${name}.schema.json`;
