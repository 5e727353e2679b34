import type { Config } from 'jest';

/** Tests are ES modules run by Jest's module loader; TypeScript is stripped by swc. `npm test` sets the Node flags. */
const config: Config = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['**/*.test.ts'],
  testTimeout: 30_000,
  passWithNoTests: false,
};

export default config;
