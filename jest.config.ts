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
  // Most of the time a test waits for another program: two at a time use two cores, and more would be in each other's way.
  maxWorkers: 2,
  testTimeout: 60_000,
  passWithNoTests: false,
};

export default config;
