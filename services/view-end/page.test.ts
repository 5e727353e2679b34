import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HTTP_SCHEMAS } from '../../schemas/http-schemas.ts';
import { TABLES } from '../../schemas/tables.ts';
import { DAY_MS } from '../../schemas/time.ts';

const page = readFileSync(new URL('../../docs/reference/views.md', import.meta.url), 'utf8');

describe('docs/reference/views.md', () => {
  it('has a row for each field of a view, and no other', () => {
    const named = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(Object.keys(HTTP_SCHEMAS.view['properties'] as object).sort());
  });

  it('says for how long a late beat corrects a view, and so does the API: as long as its row is kept', () => {
    const days = TABLES.views.retentionMs / DAY_MS;
    expect(page).toContain(`as long as its row is there: ${days} days`);
    const { corrected } = HTTP_SCHEMAS.view['properties'] as { corrected: { description: string } };
    expect(corrected.description).toContain(`for ${days} days`);
  });

  it('has each reason', () => {
    const { reason } = HTTP_SCHEMAS.view['properties'] as { reason: { enum: readonly (string | null)[] } };
    for (const one of reason.enum) if (one !== null) expect(page).toContain(`- \`${one}\`: `);
  });
});
