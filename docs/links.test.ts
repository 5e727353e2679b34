import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => join('docs', path)),
].filter((path) => path.endsWith('.md'));

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\]\([^)]*\)/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string): readonly string[] =>
  [...page.replaceAll(/^ *```.*?^ *```/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the links of the pages', () => {
  it('lead to files that are there, and to headings in them', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, to = '']) => to)
        .filter((to) => !/^[a-z]+:/.test(to))
        .filter((to) => {
          const [file = '', anchor] = to.split('#');
          const path = file === '' ? page : join(dirname(page), file);
          if (!existsSync(join(root, path))) return true;
          return anchor !== undefined && path.endsWith('.md') && !anchorsOf(read(path)).includes(anchor);
        })
        .map((to) => `${page}: ${to}`),
    );
    expect(broken).toEqual([]);
  });
});
