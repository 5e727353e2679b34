import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HTTP_SCHEMAS } from '../../schemas/http-schemas.ts';

const page = readFileSync(new URL('../../docs/reference/views.md', import.meta.url), 'utf8');

describe('docs/reference/views.md', () => {
  it('has a row for each field of a view, and no other', () => {
    const named = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(Object.keys(HTTP_SCHEMAS.view['properties'] as object).sort());
  });

  it('has each reason', () => {
    const { reason } = HTTP_SCHEMAS.view['properties'] as { reason: { enum: readonly (string | null)[] } };
    for (const one of reason.enum) if (one !== null) expect(page).toContain(`- \`${one}\`: `);
  });
});
