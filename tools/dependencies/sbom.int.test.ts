import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fenceWith, readPage } from '../../docs/testing/fences.ts';
import { root } from '../steps.ts';
import { inProduction, type Lockfile } from './lockfile.ts';

type Bom = {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes?: readonly { readonly alg: string }[];
    readonly properties?: readonly { readonly name: string; readonly value: string }[];
  }[];
};

describe('the bill of materials', () => {
  it('is made by the command of the page, in CycloneDX: each package of production with its version, those of development marked, over 500 with their SHA-512', async () => {
    const command = fenceWith(await readPage('docs/how-to/check-dependencies.md'), 'sh', 'npm sbom');
    const [npm = '', ...args] = command.replace(/ > .*$/, '').split(' ');
    const { stdout } = await promisify(execFile)(npm, args, { cwd: root, maxBuffer: 32 * 1024 * 1024 });
    const { bomFormat, components } = JSON.parse(stdout) as Bom;
    expect(bomFormat).toBe('CycloneDX');
    const known = new Set(components.map(({ name, version }) => `${name} ${version}`));
    const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
    // Optional ones are there where the machine is one that they are for.
    const wanted = inProduction(lockfile).filter(({ optional, inBundle }) => optional !== true && inBundle !== true);
    expect(wanted.map(({ name, version }) => `${name} ${version}`).filter((one) => !known.has(one))).toEqual([]);
    const hashed = components.filter(({ hashes }) => hashes?.some(({ alg }) => alg === 'SHA-512'));
    expect(hashed.length).toBeGreaterThan(100);
    expect(components.filter(({ purl }) => !purl.startsWith('pkg:npm/'))).toEqual([]);
  }, 300_000);
});
