import fc from 'fast-check';
import type { JsonSchema } from '../../schemas/http-schemas.ts';

/** How values are made from a JSON schema. */
export type Making = {
  /** The schema that a reference names. */
  readonly resolve: (ref: string) => JsonSchema;
  /** What a field of this name holds most of the time, so that calls meet what others left. */
  readonly known: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  /** Of 100 places, at how many the value breaks its schema. With 0 all values fit, and stand at every limit, too. */
  readonly stray: number;
};

type Values = fc.Arbitrary<unknown>;

/** Values of a schema, from its keywords. Throws where it has one that nothing is made from: it would go untested. */
export const valuesOf = (schema: JsonSchema, making: Making): Values => {
  const whole = merged(schema, making);
  const fits = fitting(whole, making);
  if (making.stray === 0) return fits;
  const strays = fc.oneof(...beyond(whole, making), nasty());
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 100 - making.stray, arbitrary: fits },
    { weight: making.stray, arbitrary: strays },
  );
};

/** What breaks parsers, databases, encodings, prototypes and numbers, as a value of any field. */
export const nasty = (): Values =>
  fc.oneof(
    fc.constantFrom<unknown>(
      ...[null, true, '', ' ', 0, -0, -1, 0.5, 1e308, -1e308, 2 ** 53, -(2 ** 53), 5e-324, 9_007_199_254_740_991],
      ...['NaN', 'Infinity', '\ud800', 'a\udfffb', '\u0000', '\u001b[2J', '\u202e', '\ufeff', '１２３', '%00'],
      ...["'; drop table batches; --", '../../etc/passwd', '${jndi:ldap://x}', '<script>', '__proto__', 'constructor'],
      ...['a'.repeat(129), '😀'.repeat(128), [], {}, [[]], [null]],
      ...[{ toString: 1 }, { then: 1 }, { length: 1e9 }, { $ref: '#' }],
    ),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.double(),
    fc.bigInt().map(Number),
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 20 }),
    fc.jsonValue({ maxDepth: 6 }),
    fc.dictionary(
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'sessionId', '', '0'),
      fc.jsonValue(),
    ),
  );

// --- Keywords -----------------------------------------------------------------------------------------------------------

const SAY_NOTHING = ['title', 'description', 'examples', '$defs'];
const KEYWORDS: readonly string[] = [
  ...[...SAY_NOTHING, '$ref', 'allOf', 'anyOf', 'if', 'then', 'type', 'const', 'enum', 'pattern', 'minLength'],
  ...['maxLength', 'minimum', 'maximum', 'items', 'minItems', 'maxItems', 'properties', 'required'],
  ...['additionalProperties', 'propertyNames', 'maxProperties'],
];

type Named = Readonly<Record<string, JsonSchema>>;
const schemasIn = (schema: JsonSchema, keyword: string): readonly JsonSchema[] =>
  (schema[keyword] as readonly JsonSchema[] | undefined) ?? [];
const propertiesOf = (schema: JsonSchema): Named => (schema['properties'] as Named | undefined) ?? {};
const requiredIn = (schema: JsonSchema): readonly string[] => (schema['required'] as string[] | undefined) ?? [];
const numberIn = (schema: JsonSchema, keyword: string): number | undefined => schema[keyword] as number | undefined;

/** With what it refers to in it. Of `if` and `then` the second: what fits both fits either way. */
const merged = (schema: JsonSchema, making: Making): JsonSchema => {
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.includes(keyword)) throw new Error(`no values are made from the keyword ${keyword}`);
  const { $ref: ref, allOf: _allOf, if: _if, then, ...own } = schema;
  const parts = [
    ...(ref === undefined ? [] : [merged(making.resolve(String(ref)), making)]),
    ...schemasIn(schema, 'allOf').map((part) => merged(part, making)),
    own,
    ...(then === undefined || making.stray > 0 ? [] : [then as JsonSchema]),
  ];
  return parts.reduce(both);
};

const both = (a: JsonSchema, b: JsonSchema): JsonSchema => {
  const properties: Record<string, JsonSchema> = { ...propertiesOf(a) };
  for (const [name, property] of Object.entries(propertiesOf(b)))
    properties[name] = { ...properties[name], ...property };
  return { ...a, ...b, properties, required: [...new Set([...requiredIn(a), ...requiredIn(b)])] };
};

const typesOf = ({ type }: JsonSchema): readonly string[] => (Array.isArray(type) ? type.map(String) : [String(type)]);

const fitting = (schema: JsonSchema, making: Making): Values => {
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom<unknown>(...schema['enum']);
  if ('anyOf' in schema) return fc.oneof(...schemasIn(schema, 'anyOf').map((one) => valuesOf(one, making)));
  return fc.oneof(...typesOf(schema).map((type) => ofType(type, schema, making)));
};

const ofType = (type: string, schema: JsonSchema, making: Making): Values => {
  switch (type) {
    case 'integer':
    case 'number':
      return ofNumbers(schema, type);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return listOf(schema, making);
    case 'object':
      return objectOf(schema, making);
    case 'string':
      return textOf(schema);
    default:
      throw new Error(`no values are made of the type ${type}`);
  }
};

// --- Numbers and texts ----------------------------------------------------------------------------------------------------

/** Of one value in so many the place is a limit. */
const atLimits = (plain: Values, limits: readonly Values[]): Values =>
  limits.length === 0
    ? plain
    : fc.oneof({ weight: 12, arbitrary: plain }, { weight: 1, arbitrary: fc.oneof(...limits) });

const ofNumbers = (schema: JsonSchema, type: string): Values => {
  const [min, max] = [numberIn(schema, 'minimum'), numberIn(schema, 'maximum')];
  const limits = [min, max].flatMap((limit) => (limit === undefined ? [] : [fc.constant(limit)]));
  const within = { min: min ?? 0, max: Math.min(max ?? 1e9, 2 ** 31 - 1) };
  const plain = type === 'integer' ? fc.integer(within) : fc.double({ ...within, noNaN: true });
  return atLimits(plain, limits);
};

/** One set of characters, so many times: nearly every pattern of ours. */
const REPEATED = /^\^(\[[^\]]*\])\{(\d+),(\d+)\}\$$/;

type Text = { readonly unit: fc.Arbitrary<string>; readonly min: number; readonly max: number };

const repeatedIn = ({ pattern }: JsonSchema): Text | null => {
  const [, set, min, max] = REPEATED.exec(String(pattern)) ?? [];
  return set === undefined ? null : { unit: characterOf(set), min: Number(min), max: Number(max) };
};

const characterOf = (set: string): fc.Arbitrary<string> => {
  const allowed = new RegExp(`^${set}$`, 'u');
  const plain = fc.constantFrom(...'abcxyzABC012').filter((one) => allowed.test(one));
  if (!allowed.test('é')) return plain;
  const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((one) => allowed.test(one));
  return fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: any });
};

const textOf = (schema: JsonSchema): Values => {
  const repeated = repeatedIn(schema);
  const [min, max] = [numberIn(schema, 'minLength') ?? 0, numberIn(schema, 'maxLength') ?? 64];
  if (repeated === null && typeof schema['pattern'] === 'string')
    return fc.stringMatching(new RegExp(schema['pattern'], 'u')).filter((text) => text.length <= max);
  const text = repeated ?? { unit: fc.constantFrom(...'abcxyz-012 é'), min, max };
  return atLimits(fc.string({ unit: text.unit, minLength: text.min, maxLength: Math.min(text.max, text.min + 24) }), [
    text.unit.map((one) => one.repeat(text.min)),
    text.unit.map((one) => one.repeat(text.max)),
  ]);
};

// --- Lists and objects ------------------------------------------------------------------------------------------------------

const MOST_ITEMS = 4;

const listOf = (schema: JsonSchema, making: Making): Values => {
  const item = valuesOf(schema['items'] as JsonSchema, making);
  const [min, max] = [numberIn(schema, 'minItems') ?? 0, numberIn(schema, 'maxItems') ?? MOST_ITEMS];
  const few = fc.array(item, { minLength: min, maxLength: Math.max(min, Math.min(max, MOST_ITEMS)) });
  // As many as may be, but of one kind: they are to be counted, and not to be read.
  return atLimits(few, [item.map((one) => Array.from({ length: max }, () => one))]);
};

const objectOf = (schema: JsonSchema, making: Making): Values => {
  const required = requiredIn(schema);
  const fields = Object.entries(propertiesOf(schema)).map(([name, property]) => {
    const values = fieldOf(name, property, making);
    const present = required.includes(name) ? values : fc.option(values, { nil: ABSENT, freq: 2 });
    return [name, present] as const;
  });
  const named = fc.record(Object.fromEntries(fields)).map(present);
  const { additionalProperties: others } = schema;
  const open =
    typeof others !== 'object' || others === null ? named : fc.tuple(named, othersOf(schema, making)).map(joined);
  if (making.stray === 0) return open;
  const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
    fc.oneof({ weight: 100 - making.stray, arbitrary: fc.constant(null) }, { weight: making.stray, arbitrary });
  const lost = required.length === 0 ? fc.constant(null) : seldom(fc.constantFrom(...required));
  const added = seldom(fc.tuple(fc.constantFrom('extra', 'Version', ' ', '__proto__', '\u0000'), nasty()));
  return fc.tuple(open, lost, added).map(([value, without, extra]) => {
    const entries = Object.entries(value).filter(([name]) => name !== without);
    return Object.fromEntries(extra === null ? entries : [...entries, extra]);
  });
};

const ABSENT = Symbol('absent');
type Fields = Readonly<Record<string, unknown>>;
const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ABSENT));
const joined = ([a, b]: readonly [Fields, Fields]): Fields => ({ ...b, ...a });

const fieldOf = (name: string, property: JsonSchema, making: Making): Values => {
  const values = valuesOf(property, making);
  const known = making.known[name];
  return known === undefined
    ? values
    : fc.oneof({ withCrossShrink: true }, { weight: 9, arbitrary: known }, { weight: 1, arbitrary: values });
};

const othersOf = (schema: JsonSchema, making: Making): fc.Arbitrary<Fields> => {
  const names = textOf((schema['propertyNames'] as JsonSchema | undefined) ?? { minLength: 1 }) as fc.Arbitrary<string>;
  const maxKeys = numberIn(schema, 'maxProperties') ?? MOST_ITEMS;
  return fc.dictionary(names, valuesOf(schema['additionalProperties'] as JsonSchema, making), { maxKeys });
};

// --- One beyond -----------------------------------------------------------------------------------------------------------

/** What stands one beyond each limit of the schema. */
const beyond = (schema: JsonSchema, making: Making): readonly Values[] => {
  const limit = (keyword: string): readonly number[] => {
    const value = numberIn(schema, keyword);
    return value === undefined ? [] : [value];
  };
  const text = repeatedIn(schema);
  const lengths = text === null ? limit('maxLength') : [text.max];
  const items = schema['items'] as JsonSchema | undefined;
  const many = (count: number): Values =>
    valuesOf(items ?? {}, { ...making, stray: 0 }).map((one) => Array.from({ length: count + 1 }, () => one));
  return [
    ...limit('minimum').map((min) => fc.constant(min - 1)),
    ...limit('maximum').map((max) => fc.constant(max + 1)),
    ...(typesOf(schema).includes('integer') ? [fc.constant(1.5)] : []),
    ...lengths.map((max) => fc.constant('a'.repeat(max + 1))),
    ...(text === null ? limit('minLength') : [text.min]).map((min) => fc.constant('a'.repeat(Math.max(0, min - 1)))),
    ...limit('minItems').map(() => fc.constant([])),
    ...limit('maxItems').map(many),
    ...limit('maxProperties').map((max) =>
      fc.constant(Object.fromEntries(Array.from({ length: max + 1 }, (_, i) => [`k${i}`, 'v']))),
    ),
  ];
};
