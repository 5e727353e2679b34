import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';
import { arrows, noBarrels } from './tools/lint/arrows.ts';

/**
 * What the compiler cannot say: who may import whom, what stays at the edge, and which parts of the language stay out.
 * Nothing here is type-checked (`npm run types` does that), so the whole tree is linted in seconds.
 * `tools/lint/lint.test.ts` shows each rule fire.
 */

const TESTS = ['**/*.test.ts', '**/*.contract.ts'];

/** Folds, ports and rules: the same input gives the same output, on the log, in the simulator and in a replay. */
const BELOW_THE_EDGE = ['schemas/**/*.ts', 'shared/**/*.ts', 'services/**/*.ts'];
/** Where the process meets the world. */
const EDGE = [
  'services/main.ts',
  'services/run.ts',
  'services/wiring.ts',
  'services/identity.ts',
  'services/engines.ts',
  'services/policy-file.ts',
  'services/household.ts',
  'services/testing/**/*.ts',
  'shared/{log,state,table}/{embedded,kafka,redis,dynamo,sqlite}*.ts',
  'shared/**/embedded-*.ts',
  'shared/**/data-folder.ts',
  'shared/log/revocation.ts',
  'shared/identity/client-credentials.ts',
  'shared/state/real-timer.ts',
  'shared/telemetry/**/*.ts',
  'shared/http/server.ts',
  ...TESTS,
];

const EDGE_ONLY = 'stays at the edge: take it as an argument (a clock, a timer, an id) from services/wiring.ts';
const edgeGlobals = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'console',
  'fetch',
  'performance',
].map((name) => ({ name, message: `${name} ${EDGE_ONLY}` }));

const edgeProperties = [
  { object: 'Math', property: 'random' },
  { object: 'AbortSignal', property: 'timeout' },
  ...['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'].map((property) => ({
    object: 'crypto',
    property,
  })),
].map((one) => ({ ...one, message: EDGE_ONLY }));

const edgeImports = {
  paths: [
    {
      name: 'node:crypto',
      importNames: [
        'randomUUID',
        'randomBytes',
        'randomInt',
        'randomFill',
        'randomFillSync',
        'getRandomValues',
        'webcrypto',
      ],
      message: EDGE_ONLY,
    },
  ],
  patterns: [
    {
      regex: '^(node:)?(timers|timers/promises|process|console|perf_hooks|child_process|worker_threads|cluster)$',
      message: EDGE_ONLY,
    },
    { regex: '^crypto$', message: 'write node:crypto' },
  ],
};

const noMocks = [
  'mock',
  'doMock',
  'unmock',
  'unstable_mockModule',
  'spyOn',
  'replaceProperty',
  'createMockFromModule',
].map((property) => ({
  object: 'jest',
  property,
  message: 'no mock of our own modules: hand in a value, or run the real program',
}));

const language = [
  {
    selector: 'ClassDeclaration:not([superClass.name="Error"])',
    message: 'plain functions; a class only extends Error',
  },
  { selector: 'ClassExpression', message: 'plain functions; a class only extends Error, and has a name' },
  { selector: 'TSEnumDeclaration', message: 'a union of texts, or a catalogue `as const`' },
  { selector: 'TSModuleDeclaration[kind!="global"]', message: 'a file is the module' },
  { selector: 'Decorator', message: 'no decorators: wire by hand' },
];
const noDefault = {
  selector: 'ExportDefaultDeclaration',
  message: 'a name that can be searched for: no default exports',
};
const wholeSuites = [
  {
    selector:
      'MemberExpression[property.name=/^(only|skip|todo|failing)$/]:matches([object.name=/^(it|test|describe)$/], [object.object.name=/^(it|test|describe)$/])',
    message: 'every test runs, on every machine',
  },
  {
    selector: 'MemberExpression[computed=true][object.name=/^(it|test|describe)$/]',
    message: 'every test runs, on every machine',
  },
  {
    selector: 'CallExpression > Identifier.callee[name=/^(fit|xit|xtest|fdescribe|xdescribe|pending)$/]',
    message: 'every test runs, on every machine',
  },
];

export default defineConfig(
  globalIgnores(['node_modules/', '.data/', '.stack/', 'coverage/', 'schemas/generated/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strict],
    plugins: { house: { rules: { arrows, 'no-barrels': noBarrels } } },
    rules: {
      'house/arrows': 'error',
      'house/no-barrels': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': ['error', ...language, noDefault],
      'no-restricted-properties': ['error', ...noMocks],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        {
          'ts-ignore': true,
          'ts-nocheck': true,
          'ts-expect-error': 'allow-with-description',
          minimumDescriptionLength: 10,
        },
      ],
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Indexed access is `| undefined` here; where a loop's bound proves the element, `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: BELOW_THE_EDGE,
    ignores: EDGE,
    rules: {
      'no-restricted-globals': ['error', { globals: edgeGlobals, checkGlobalObject: true }],
      'no-restricted-properties': ['error', ...noMocks, ...edgeProperties],
      'no-restricted-imports': ['error', edgeImports],
    },
  },
  { files: TESTS, rules: { 'no-restricted-syntax': ['error', ...language, noDefault, ...wholeSuites] } },
  {
    files: ['web/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'document',
          'TextDecoderStream',
          'fetch',
          'getComputedStyle',
          'matchMedia',
          'ResizeObserver',
          'setInterval',
          'setTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
          property,
          message: 'what is shown is text: take web/live/element.js',
        })),
      ],
    },
  },
  // Tools find their configuration by its default export.
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': ['error', ...language] } },
);
