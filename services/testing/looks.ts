import type { Page } from 'playwright-core';

/** Text for the browser: how far each text that is shown stands out from what is behind it (WCAG 2.2, 1.4.3), the least first. */
const CONTRASTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== ''))
    .map((element) => {
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
      return { text: element.textContent.trim(), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    })
    .sort((a, b) => a.ratio - b.ratio);
})()`;

export const contrasts = (page: Page): Promise<readonly { readonly text: string; readonly ratio: number }[]> =>
  page.evaluate(CONTRASTS);

/** All that can be read in the document, what is typed into fields left out. */
export const documentText = (page: Page): Promise<string> => page.evaluate('document.documentElement.outerHTML');
