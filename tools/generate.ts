/**
 * Writes what follows from the schemas: `schemas/generated/records.ts` (types) and `schemas/generated/avro.ts` (readers
 * and writers) from Avro, `schemas/generated/http.ts` (types) and `http-schema-names.ts` from JSON Schema. A test builds all of
 * them again and compares, so that none can fall behind its source.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';

const root = new URL('../', import.meta.url);
export const RECORDS_FILE = new URL('schemas/generated/records.ts', root);
export const AVRO_FILE = new URL('schemas/generated/avro.ts', root);
export const HTTP_FILE = new URL('schemas/generated/http.ts', root);
export const HTTP_NAMES_FILE = new URL('schemas/generated/http-schema-names.ts', root);

const banner = (from: string): string =>
  `// Made by \`npm run generate\` from ${from}. Change those, not this file.\n\n`;

const tidy = async (source: string, file: URL): Promise<string> => {
  const filepath = fileURLToPath(file);
  return format(source, { ...(await resolveConfig(filepath)), parser: 'typescript' });
};

const filesIn = (folder: string, ending: string): readonly { name: string; text: string }[] => {
  const url = new URL(folder, root);
  return readdirSync(url)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(name, url), 'utf8') }));
};

// --- Avro -----------------------------------------------------------------------------------------------------------

type AvroType =
  | string
  | readonly AvroType[]
  | { type: 'record'; name: string; doc?: string; fields: readonly AvroField[] }
  | { type: 'enum'; name: string; doc?: string; symbols: readonly string[] }
  | { type: 'array'; items: AvroType }
  | { type: 'map'; values: AvroType }
  | { type: 'fixed'; name: string; size: number };
type AvroField = {
  readonly name: string;
  readonly type: AvroType;
  readonly doc?: string;
  readonly default?: unknown;
  /** Not there in what earlier releases wrote: behind all others, and null by default. */
  readonly added?: true;
};

/** The number of the schema, where the field is the mark. It is no part of the value: what it says, its type says. */
const markOf = ({ name, default: mark }: AvroField): number | null => {
  if (name !== 'mark') return null;
  const [, digits] = /^PB(\d{3})$/.exec(String(mark)) ?? [];
  if (digits === undefined) throw new Error(`the mark ${String(mark)} is not PB and three digits`);
  return Number(digits);
};

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Uint8Array',
};

const docComment = (doc: string | undefined): string =>
  doc === undefined ? '' : `/** ${doc.replaceAll('*/', '* /')} */\n`;

/** The type's expression; declarations of the named types that it contains are added to `declared`. */
const avroExpression = (type: AvroType, declared: Map<string, string>): string => {
  if (typeof type === 'string') return PRIMITIVES[type] ?? type.slice(type.lastIndexOf('.') + 1);
  if (isUnion(type)) {
    const members = type.map((member) => avroExpression(member, declared));
    // `T | null` reads better than Avro's own order, which only says which branch a default belongs to.
    return [...members.filter((member) => member !== 'null'), ...members.filter((member) => member === 'null')].join(
      ' | ',
    );
  }
  switch (type.type) {
    case 'record': {
      const fields = type.fields
        .filter((field) => markOf(field) === null)
        .map((field) => {
          const type = avroExpression(field.type, declared);
          const { name } = field;
          const typed =
            field.added === true ? `${name}?: ${type.replace(' | null', ' | undefined')}` : `${name}: ${type}`;
          return `${docComment(field.doc)}readonly ${typed};`;
        });
      declared.set(type.name, `${docComment(type.doc)}export type ${type.name} = {\n${fields.join('\n')}\n};`);
      return type.name;
    }
    case 'enum':
      declared.set(
        type.name,
        `${docComment(type.doc)}export type ${type.name} = ${type.symbols.map((symbol) => `'${symbol}'`).join(' | ')};`,
      );
      return type.name;
    case 'array':
      return `readonly (${avroExpression(type.items, declared)})[]`;
    case 'map':
      return `Readonly<Record<string, ${avroExpression(type.values, declared)}>>`;
    case 'fixed':
      throw new Error(`no type for ${type.name}`);
  }
};

const isUnion = (type: AvroType): type is readonly AvroType[] => Array.isArray(type);

export const generateRecords = async (): Promise<string> => {
  const declared = new Map<string, string>();
  for (const { text } of filesIn('schemas/records/', '.avsc')) {
    const schema: AvroType = JSON.parse(text);
    avroExpression(schema, declared);
  }
  return tidy(`${banner('schemas/records/*.avsc')}${[...declared.values()].join('\n\n')}\n`, RECORDS_FILE);
};

/** The code of a reader or a writer of one type. */
type AvroCode = { readonly read: string; readonly write: (value: string) => string };

const simpleCode = (name: string): AvroCode => ({ read: `read${name}()`, write: (value) => `write${name}(${value})` });

const PRIMITIVE_CODE: Readonly<Record<string, AvroCode>> = {
  boolean: simpleCode('Boolean'),
  int: simpleCode('Long'),
  long: simpleCode('Long'),
  double: simpleCode('Double'),
  string: simpleCode('String'),
  bytes: simpleCode('Bytes'),
};

const constantOf = (name: string): string => name.replaceAll(/(?<!^)([A-Z])/g, '_$1').toUpperCase();

const avroCode = (type: AvroType, declared: Map<string, string>): AvroCode => {
  if (typeof type === 'string') return PRIMITIVE_CODE[type] ?? simpleCode(type.slice(type.lastIndexOf('.') + 1));
  if (isUnion(type)) return unionCode(type, declared);
  switch (type.type) {
    case 'record': {
      const [first] = type.fields;
      const mark = first === undefined ? null : markOf(first);
      const fields = type.fields
        .filter((field) => markOf(field) === null)
        .map((field) => ({
          name: field.name,
          code: field.added === true ? addedCode(field, declared) : avroCode(field.type, declared),
        }));
      const writes = fields.map(({ name, code }) => `${code.write(`value.${name}`)};`);
      const value = `{\n${fields.map(({ name, code }) => `${name}: ${code.read},`).join('\n')}\n}`;
      declared.set(
        type.name,
        `export const write${type.name} = (value: ${type.name}): void => {\n` +
          `${mark === null ? '' : `writeMark(${mark});\n`}${writes.join('\n')}\n};\n\n` +
          `export const read${type.name} = (): ${type.name} => ` +
          (mark === null ? `(${value});` : `{\nreadMark(${mark});\nreturn ${value};\n};`),
      );
      return simpleCode(type.name);
    }
    case 'enum': {
      const symbols = type.symbols.map((symbol) => `'${symbol}'`).join(', ');
      const constant = constantOf(type.name);
      declared.set(
        type.name,
        `const ${constant} = [${symbols}] as const;\n` +
          `const write${type.name} = (value: ${type.name}): void => writeEnum(${constant}, value);\n` +
          `const read${type.name} = (): ${type.name} => readEnum(${constant});`,
      );
      return simpleCode(type.name);
    }
    case 'array': {
      const items = avroCode(type.items, declared);
      return {
        read: `readArray(() => ${items.read})`,
        write: (value) => `writeArray(${value}, (item) => ${items.write('item')})`,
      };
    }
    case 'map': {
      const values = avroCode(type.values, declared);
      return {
        read: `readMap(() => ${values.read})`,
        write: (value) => `writeMap(${value}, (item) => ${values.write('item')})`,
      };
    }
    case 'fixed':
      throw new Error(`no code for ${type.name}`);
  }
};

/** Bytes that end before the field are of an earlier release, and mean that it is absent. */
const addedCode = ({ name, type }: AvroField, declared: Map<string, string>): AvroCode => {
  const [absent, present] = isUnion(type) ? type : [];
  if (absent !== 'null' || present === undefined)
    throw new Error(`${name} was added: its type must be null or another`);
  const code = avroCode(present, declared);
  return {
    read: `readToEnd() || readNull() ? undefined : ${code.read}`,
    write: (value) => `if (${value} == null) writeNull(true); else { writeNull(false); ${code.write(value)}; }`,
  };
};

/** The two unions that the records use: null and another type, and number or string. */
const unionCode = (type: readonly AvroType[], declared: Map<string, string>): AvroCode => {
  const [first, second] = type;
  if (type.length === 2 && first === 'null' && second !== undefined) {
    const code = avroCode(second, declared);
    return {
      read: `readNull() ? null : ${code.read}`,
      write: (value) => `if (${value} === null) writeNull(true); else { writeNull(false); ${code.write(value)}; }`,
    };
  }
  if (type.length === 2 && first === 'double' && second === 'string') {
    return {
      read: 'readBranch(2) === 0 ? readDouble() : readString()',
      write: (value) =>
        `{ if (typeof ${value} === 'number') { writeLong(0); writeDouble(${value}); } else { writeLong(1); writeString(${value}); } }`,
    };
  }
  throw new Error(`no code for the union ${JSON.stringify(type)}`);
};

const importsFrom = (file: string, body: string, prefix: string): string => {
  const names = [...new Set(body.match(/\b(?:read|write)[A-Z]\w*/g))].filter(
    (name) => !body.includes(`const ${name} =`),
  );
  return `import { ${names.sort().join(', ')} } from '${prefix}${file}';`;
};

export const generateAvro = async (): Promise<string> => {
  const declared = new Map<string, string>();
  for (const { text } of filesIn('schemas/records/', '.avsc')) {
    const schema: AvroType = JSON.parse(text);
    avroCode(schema, declared);
  }
  const body = [...declared.values()]
    .join('\n\n')
    .replaceAll(/\};;/g, '}')
    .replaceAll(/(if \([^\n]*\}\s*);\n/g, '$1\n');
  const types = `import type { ${[...declared.keys()].sort().join(', ')} } from './records.ts';`;
  return tidy(
    `${banner('schemas/records/*.avsc')}${importsFrom('avro.ts', body, '../')}\n${types}\n\n${body}\n`,
    AVRO_FILE,
  );
};

// --- JSON Schema ----------------------------------------------------------------------------------------------------

type JsonObject = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keywords that say nothing to a type, and that the type generator would trip over. */
const SILENT = new Set(['$id', '$schema', '$defs', 'if', 'then', 'else', 'examples', 'minItems', 'maxItems']);

const REFERENCE = /^(?:([a-z-]+)\.schema\.json)?(?:#\/\$defs\/(\w+))?$/;

const titleOf = (stem: string): string =>
  stem.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/**
 * One schema per name, whatever file it came from: references become names, and `allOf` with one reference becomes
 * `extends`. A reference that says more than its name is copied, so that what it says stays.
 */
const generalised = (value: unknown, owner: string, named: ReadonlyMap<string, JsonObject>): unknown => {
  if (Array.isArray(value)) return value.map((item) => generalised(item, owner, named));
  if (!isObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === '$ref' && typeof item === 'string') {
      const [, file, definition] = REFERENCE.exec(item) ?? [];
      const name = definition ?? titleOf(file ?? owner);
      if (Object.keys(value).length === 1) return { $ref: `#/$defs/${name}` };
      Object.assign(out, generalised({ ...named.get(name) }, owner, named));
    } else if (key === 'properties' && isObject(item)) {
      out[key] = Object.fromEntries(
        Object.entries(item).map(([name, property]) => [name, generalised(property, owner, named)]),
      );
    } else if (key === 'allOf' && Array.isArray(item)) {
      out['extends'] = generalised(item[0], owner, named);
    } else if (!SILENT.has(key)) {
      out[key] = generalised(item, owner, named);
    }
  }
  return out;
};

export const generateHttp = async (): Promise<string> => {
  const named = new Map<string, JsonObject>();
  const owners = new Map<string, string>();
  const declare = (name: string, schema: unknown, owner: string): void => {
    if (named.has(name) || !isObject(schema)) throw new Error(`${owner} defines ${name} a second time, or not at all`);
    named.set(name, schema);
    owners.set(name, owner);
  };
  for (const { name, text } of filesIn('schemas/http/', '.schema.json')) {
    const owner = name.replace('.schema.json', '');
    const schema: unknown = JSON.parse(text);
    if (!isObject(schema)) throw new Error(`${name} is not an object`);
    const definitions = schema['$defs'];
    if (isObject(definitions))
      for (const [key, definition] of Object.entries(definitions)) declare(key, definition, owner);
    if (schema['type'] !== undefined) declare(titleOf(owner), schema, owner);
  }
  const $defs = Object.fromEntries(
    [...named].map(([name, schema]) => [name, generalised(schema, owners.get(name) ?? '', named)]),
  );
  const source = await compile({ title: 'Everything', type: 'object', $defs }, 'Everything', {
    additionalProperties: false,
    bannerComment: '',
    format: false,
    unreachableDefinitions: true,
  });
  const types = source
    .replace(/export interface Everything \{\s*\}/, '')
    // The type generator tells of definitions that nothing refers to; here that says nothing.
    .replaceAll(/\n \* This interface was referenced by [^\n]*\n \* via the [^\n]*/g, '')
    .replaceAll(/(?:\n\s*\* *)+\n\s*\*\//g, '\n */')
    .replaceAll(/\/\*\*\n\s*\*\/\n/g, '')
    .replaceAll(/\/\*\*\n\s*\* ([^\n]*)\n\s*\*\//g, '/** $1 */')
    .replaceAll(/\n(\/\*\*|export )/g, '\n\n$1')
    .replaceAll(/\*\/\n\nexport/g, '*/\nexport');
  const readonly = (await tidy(types, HTTP_FILE))
    .replaceAll(/^( +)(\w+\??: |\[k: string\]: )/gm, '$1readonly $2')
    .replaceAll(/(\w+|\([^()]*\))\[\]/g, 'readonly $1[]');
  return tidy(`${banner('schemas/http/*.schema.json')}${readonly}`, HTTP_FILE);
};

/** Which schemas there are, so that a new one is known by its file. */
export const generateHttpNames = (): Promise<string> => {
  const names = filesIn('schemas/http/', '.schema.json').map(({ name }) => `'${name.replace('.schema.json', '')}'`);
  const list = `export const HTTP_SCHEMA_NAMES = [${names.join(', ')}] as const;\n`;
  return tidy(`${banner('schemas/http/*.schema.json')}${list}`, HTTP_NAMES_FILE);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(RECORDS_FILE, await generateRecords());
  writeFileSync(AVRO_FILE, await generateAvro());
  writeFileSync(HTTP_FILE, await generateHttp());
  writeFileSync(HTTP_NAMES_FILE, await generateHttpNames());
}
