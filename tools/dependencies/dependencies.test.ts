import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ALLOWED, licenceOf, licenceProblems, licencesOf } from './licences.ts';
import { inProduction, type Lockfile, lockProblems, packagesIn, scriptProblems } from './lockfile.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const lockfile = JSON.parse(read('package-lock.json')) as Lockfile;
const { allowScripts } = JSON.parse(read('package.json')) as {
  readonly allowScripts: Readonly<Record<string, boolean>>;
};

describe('package-lock.json', () => {
  it('has a SHA-512 of every package, and none from elsewhere than the registry', () => {
    expect(packagesIn(lockfile).length).toBeGreaterThan(500);
    expect(lockProblems(lockfile)).toEqual([]);
  });

  it('would be found out with a package without a hash, with a weak one, and with one from elsewhere', () => {
    const careless = {
      'node_modules/a': {},
      'node_modules/b': { integrity: 'sha1-x' },
      'node_modules/c': { integrity: 'sha512-x', resolved: 'https://elsewhere.example/c.tgz' },
      'node_modules/d': { integrity: 'sha512-x', resolved: 'https://registry.npmjs.org/d/-/d-1.0.0.tgz' },
      'node_modules/d/node_modules/e': { inBundle: true },
    };
    expect(lockProblems({ packages: careless })).toEqual([
      'node_modules/a has no SHA-512',
      'node_modules/b has no SHA-512',
      'node_modules/c comes from https://elsewhere.example/c.tgz',
    ]);
  });
});

describe('install scripts', () => {
  it('run for one package alone, which brings Node; every other that has one is named, and refused', () => {
    expect(scriptProblems(lockfile, allowScripts)).toEqual([]);
    expect(Object.keys(allowScripts).filter((name) => allowScripts[name])).toEqual(['node']);
  });

  it('of a package that nobody has judged end the installation, here and in the image', () => {
    expect(read('.npmrc')).toMatch(/^strict-allow-scripts=true$/m);
    expect(read('Dockerfile')).toMatch(/^RUN npm ci --omit=dev --strict-allow-scripts /m);
  });

  it('would be found out where a new one comes, or one that is named goes', () => {
    const packages = { 'node_modules/@a/new': { hasInstallScript: true }, 'node_modules/b': {} };
    expect(scriptProblems({ packages }, { b: false })).toEqual([
      '@a/new has an install script that nobody judged',
      'b has no install script',
    ]);
  });
});

describe('licences', () => {
  it('of all that runs in production are on a list of 7', () => {
    expect(licencesOf(lockfile).length).toBeGreaterThan(100);
    expect([ALLOWED.length, licenceProblems(lockfile)]).toEqual([7, []]);
  });

  it('are read from the package where it names none, and of a choice the one that is allowed is taken', () => {
    expect(licenceOf({ name: 'x', license: '(GPL-3.0-or-later OR MIT)' })).toBe('MIT');
    expect(licenceOf({ name: 'x', license: 'GPL-3.0-or-later' })).toBe('GPL-3.0-or-later');
    expect(licenceOf({ name: 'x' })).toBeNull();
    const named = inProduction(lockfile).filter(({ license }) => license === undefined);
    for (const { path } of named)
      expect([path, read(`${path}/LICENSE`)]).toEqual([path, expect.stringMatching(/^MIT License/)]);
  });

  it('would be found out where there is none, or another, and not for what is there for development alone', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', license: 'AGPL-3.0-only' },
      'node_modules/c': { version: '3.0.0', license: 'AGPL-3.0-only', dev: true },
    };
    expect(licenceProblems({ packages })).toEqual([
      'a 1.0.0 has the licence none, which is not on the list',
      'b 2.0.0 has the licence AGPL-3.0-only, which is not on the list',
    ]);
  });
});
