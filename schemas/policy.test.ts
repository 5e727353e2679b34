import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePolicy, policyFromJson, type ParsedPolicy } from './policy.ts';

const parse = (yaml: string, metadataKeys: readonly string[] = []): ParsedPolicy => parsePolicy(yaml, { metadataKeys });
const errorsOf = (yaml: string, metadataKeys: readonly string[] = []): readonly string[] => {
  const result = parse(yaml, metadataKeys);
  return result.ok ? [] : result.errors.map(({ path, code, line }) => `${path} ${code} line ${line ?? '?'}`);
};
const withRule = (...lines: readonly string[]): string =>
  `version: 1\nrules:\n  - id: a\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('the default policy', () => {
  const text = readFileSync(new URL('policies/default.yaml', import.meta.url), 'utf8');

  it('gives an account two streams, and a newcomer its silent slots after 22 s', () => {
    const result = parse(text);
    expect(result).toEqual({
      ok: true,
      policy: {
        version: 1,
        description: 'Two streams per account.',
        defaults: { leaseMs: 35_000, lateMs: 22_000, pausedHoldsMs: 300_000 },
        rules: [
          {
            id: 'two-streams',
            mode: 'enforce',
            match: {},
            countBy: 'sessions',
            limit: 2,
            onExceed: 'deny-newest',
            sameDevice: 'replace',
            leaseMs: 35_000,
            lateMs: 22_000,
            pausedHoldsMs: 300_000,
            failMode: 'open',
          },
        ],
      },
    });
  });

  it('comes back from a control record', () => {
    const result = parse(text);
    expect(result.ok && policyFromJson(JSON.stringify(result.policy))).toEqual(result.ok && result.policy);
  });
});

describe('defaults', () => {
  it('of the policy go before those of the product, and a rule before both', () => {
    const yaml =
      'version: 2\ndefaults: {leaseMs: 60000, lateMs: 30000}\nrules: [{id: a, limit: 1, lateMs: 40000}, {id: b, limit: none}]';
    expect(parse(yaml)).toMatchObject({
      ok: true,
      policy: {
        rules: [
          { leaseMs: 60_000, lateMs: 40_000, pausedHoldsMs: 300_000 },
          { leaseMs: 60_000, lateMs: 30_000, limit: 'none' },
        ],
      },
    });
  });

  it('make lists of single values', () => {
    const yaml = withRule(
      'limit: 1',
      'match: {contentType: live, country: [NO, SE], plan: gold, metadata: {package: sports}}',
    );
    expect(parse(yaml, ['package'])).toMatchObject({
      ok: true,
      policy: {
        rules: [
          {
            match: { contentType: ['live'], country: ['NO', 'SE'], plan: ['gold'], metadata: { package: ['sports'] } },
          },
        ],
      },
    });
  });
});

describe('errors', () => {
  it.each([
    ['a typo in a rule', withRule('limit: 1', 'onExeed: ask'), '/rules/0/onExeed UNKNOWN line 5'],
    [
      'a typo in a match',
      withRule('limit: 1', 'match:', '  contentTyp: live'),
      '/rules/0/match/contentTyp UNKNOWN line 6',
    ],
    ['a typo beside the rules', 'version: 1\nrule: []\nrules: []', '/rule UNKNOWN line 2'],
    ['a value off the list', withRule('limit: 1', 'countBy: session'), '/rules/0/countBy ENUM line 5'],
    ['no limit', withRule('mode: observe'), '/rules/0/limit REQUIRED line 3'],
    ['a negative limit', withRule('limit: -1'), '/rules/0/limit RANGE line 4'],
    ['a limit of one and a half', withRule('limit: 1.5'), '/rules/0/limit TYPE line 4'],
    [
      'a claim without a limit for tokens that lack it',
      withRule('limit: plan.streams'),
      '/rules/0/limitWithoutClaim REQUIRED line 3',
    ],
    [
      'a limit for lacking claims without a claim',
      withRule('limit: 2', 'limitWithoutClaim: 1'),
      '/rules/0/limitWithoutClaim UNKNOWN line 5',
    ],
    ['a lease not longer than lateness', withRule('limit: 1', 'leaseMs: 22000'), '/rules/0/lateMs RANGE line 3'],
    [
      'a default lease not longer than default lateness',
      'version: 1\ndefaults: {leaseMs: 9000}\nrules: [{id: a, limit: 1}]',
      '/defaults/lateMs RANGE line 2',
    ],
    [
      'a key that is not declared',
      withRule('limit: 1', 'match: {metadata: {packge: sports}}'),
      '/rules/0/match/metadata/packge UNKNOWN line 5',
    ],
    [
      'a content type that is none',
      withRule('limit: 1', 'match: {contentType: film}'),
      '/rules/0/match/contentType ENUM line 5',
    ],
    [
      'a country in small letters',
      withRule('limit: 1', 'match: {country: de}'),
      '/rules/0/match/country FORMAT line 5',
    ],
    ['no version', 'rules: []', '/version REQUIRED line 1'],
    ['version 0', 'version: 0\nrules: []', '/version RANGE line 1'],
    ['a second rule of the same name', `${withRule('limit: 1')}  - {id: a, limit: 2}`, '/rules/1/id DUPLICATE line 5'],
    ['no mapping', '- 1', ' TYPE line 1'],
  ])('name %s', (_name, yaml, error) => {
    expect(errorsOf(yaml, ['package'])).toEqual([error]);
  });

  it('name a field that is written twice, and what is no YAML', () => {
    expect(errorsOf('version: 1\nversion: 2\nrules: []')).toEqual([' FORMAT line 2']);
    expect(errorsOf('version: [1')).not.toEqual([]);
  });

  it('name 65 rules', () => {
    const rules = Array.from({ length: 65 }, (_, index) => ({ id: `r${index}`, limit: 1 }));
    expect(errorsOf(JSON.stringify({ version: 1, rules }))).toEqual(['/rules RANGE line 1']);
  });

  it('stop aliases that multiply', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h']
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`)
      .join('\n')}`;
    expect(errorsOf(bomb)).toEqual([' RANGE line ?']);
  });

  it('never throw, whatever is written', () => {
    fc.assert(fc.property(fc.string(), (text) => void parse(text)));
    fc.assert(fc.property(fc.jsonValue(), (rule) => void parse(JSON.stringify({ version: 1, rules: [rule] }))));
  });
});

it('a control record that holds no policy throws', () => {
  expect(() =>
    policyFromJson('{"version":1,"defaults":{"leaseMs":35000,"lateMs":22000,"pausedHoldsMs":0},"rules":[{"id":"a"}]}'),
  ).toThrow('not a policy: /rules/0/mode is required');
  expect(() => policyFromJson('no')).toThrow();
});
