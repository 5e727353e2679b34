import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { JsonSchema } from '../../schemas/http-schemas.ts';
import { openApi } from '../../shared/http/openapi.ts';
import { type Making, valuesOf } from './schema-values.ts';

const document = openApi([]);
const resolve = (ref: string): JsonSchema =>
  ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => (at as JsonSchema)[part], document) as JsonSchema;
const strict: Making = { resolve, known: {}, stray: 0 };
const ajv = new Ajv2020({ strict: false });
ajv.addSchema({ ...document, $id: 'playbeat' });
const checkOf = (name: string) => ajv.compile({ $ref: `playbeat#/components/schemas/${name}` });
const sample = (schema: JsonSchema, making: Making, numRuns = 300): readonly unknown[] =>
  fc.sample(valuesOf(schema, making), { numRuns, seed: 7 });

const BODIES = [
  ...['heartbeat-request', 'heartbeat-batch', 'start-request', 'stop-request', 'signal-request'],
  ...['block-check-request', 'mode-request', 'policy-document'],
];

describe('values of a schema', () => {
  it.each(BODIES)('fit it, for %s', (name) => {
    const check = checkOf(name);
    for (const value of sample({ $ref: `#/components/schemas/${name}` }, strict))
      expect([check(value), value]).toEqual([true, value]);
  });

  it.each(BODIES)('break it here and there where they may stray, and not everywhere, for %s', (name) => {
    const check = checkOf(name);
    const values = sample({ $ref: `#/components/schemas/${name}` }, { ...strict, stray: 10 });
    const broken = values.filter((value) => !check(value)).length;
    expect([broken > 10, broken < values.length]).toEqual([true, true]);
  });

  it('stand at each limit, and where they may stray one beyond', () => {
    const schema = { type: 'integer', minimum: 3, maximum: 70 };
    expect(sample(schema, strict)).toEqual(expect.arrayContaining([3, 70]));
    expect(sample(schema, { ...strict, stray: 50 })).toEqual(expect.arrayContaining([2, 71, 1.5]));
    const lengths = (making: Making) =>
      sample({ type: 'string', pattern: '^[a-z]{2,50}$' }, making).flatMap((text) =>
        typeof text === 'string' ? text.length : [],
      );
    expect(lengths(strict)).toEqual(expect.arrayContaining([2, 50]));
    expect(lengths({ ...strict, stray: 50 })).toEqual(expect.arrayContaining([1, 51]));
  });

  it('are not made from a keyword that is not known', () => {
    expect(() => valuesOf({ type: 'string', format: 'email' }, strict)).toThrow('the keyword format');
    expect(() => valuesOf({ type: 'object', properties: { a: { multipleOf: 2 } } }, strict)).toThrow('multipleOf');
  });
});
