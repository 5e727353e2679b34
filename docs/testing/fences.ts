import { readFile } from 'node:fs/promises';

/** A fenced block of a page: what stands after the three marks, and what stands in it. */
export type Fence = { readonly lang: string; readonly text: string; readonly line: number };

/** The fenced blocks of a page in order. */
export const fencesOf = (page: string): readonly Fence[] => {
  const fences: Fence[] = [];
  let open: { lang: string; line: number; text: string[] } | null = null;
  page.split('\n').forEach((row, index) => {
    const mark = /^```(.*)$/.exec(row);
    if (mark === null) open?.text.push(row);
    else if (open === null) open = { lang: (mark[1] ?? '').trim(), line: index + 1, text: [] };
    else {
      fences.push({ lang: open.lang, line: open.line, text: open.text.join('\n') });
      open = null;
    }
  });
  return fences;
};

export const readPage = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The only block of a kind whose text begins like this; a page that has none, or two, fails its test. */
export const fenceWith = (page: string, lang: string, start: string): string => {
  const found = fencesOf(page).filter((fence) => fence.lang === lang && fence.text.startsWith(start));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} blocks of ${lang} begin with ${start}`);
  return only.text;
};
