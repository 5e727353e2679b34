import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { REASONS } from '../schemas/reasons.ts';
import { pages } from './reference.ts';

describe('docs/reference', () => {
  it('says what the catalogues of errors, configuration, metrics and retention say, and the lockfile of licences; `node tools/reference.ts` makes it so', async () => {
    for (const { file, text } of await pages()) expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('has every reason with its sentence, in the order of the catalogue', async () => {
    const page = await readFile(new URL('../docs/reference/reasons.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows.map(([, reason, , , , sentence]) => [reason, sentence])).toEqual(
      Object.entries(REASONS).map(([reason, sentence]) => [`\`${reason}\``, sentence]),
    );
    for (const [, , decision, meaning, when] of rows) {
      expect(decision).toMatch(/^(allow|stop)/);
      expect(meaning).not.toBe('');
      expect(when).not.toBe('');
    }
  });
});
