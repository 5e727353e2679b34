import { byId, element, timeOf } from './element.js';
import { lineChart } from './charts.js';
import { MAX_ROWS, showNewest } from './newest.js';

/** What an outcome is, in a word, and the line of the chart that counts it. */
const OUTCOMES = {
  admitted: { word: 'admitted', line: 'admitted' },
  denied: { word: 'refused', line: 'refused' },
  evicted: { word: 'evicted', line: 'taken' },
  replaced: { word: 'replaced', line: 'taken' },
  displaced: { word: 'displaced', line: 'taken' },
  stopped: { word: 'stopped', line: 'ended' },
  expired: { word: 'expired', line: 'ended' },
};
const LINES = [
  { name: 'admitted', label: 'admitted' },
  { name: 'refused', label: 'refused', dash: [6, 4] },
  { name: 'taken', label: 'slot taken', dash: [2, 3] },
  { name: 'ended', label: 'ended', dash: [10, 3, 2, 3] },
];
const WINDOW_SECONDS = 120;

/** Decisions as they happen, and how many there are in a second. `reasons`: the sentence of each reason. */
export const decisions = (reasons) => {
  const chart = lineChart({
    place: byId('rate'),
    legend: byId('rate-legend'),
    title: 'Decisions per second',
    lines: LINES,
  });
  /** Counts by the second in which they came. */
  const seconds = new Map();
  let waiting = [];

  return {
    onDecisions: ({ counts, items }) => {
      const second = Math.floor(Date.now() / 1_000);
      const sums = seconds.get(second) ?? {};
      for (const [outcome, count] of Object.entries(counts)) {
        const line = OUTCOMES[outcome]?.line ?? 'ended';
        sums[line] = (sums[line] ?? 0) + count;
      }
      seconds.set(second, sums);
      waiting = [...waiting, ...items].slice(-MAX_ROWS);
    },
    draw: () => {
      // The second that runs is not whole yet.
      const last = Math.floor(Date.now() / 1_000) - 1;
      for (const second of seconds.keys()) if (second <= last - WINDOW_SECONDS) seconds.delete(second);
      const shown = Array.from({ length: WINDOW_SECONDS }, (_, i) => last - WINDOW_SECONDS + 1 + i);
      chart.show([shown, ...LINES.map(({ name }) => shown.map((second) => seconds.get(second)?.[name] ?? 0))]);

      const newest = waiting.splice(0).reverse();
      showNewest(
        'decisions',
        newest.map((one) => row(one, reasons())),
      );
    },
  };
};

const row = ({ atMs, outcome, reason, observed, account, contentId, contentType, deviceType }, reasons) => {
  const { word, line } = OUTCOMES[outcome] ?? { word: outcome, line: 'ended' };
  const made = element(
    'li',
    'new',
    element(
      'div',
      'row',
      timeOf(atMs),
      element('b', line, observed ? `would be ${word}` : word),
      element('span', 'grow', `${contentId}, ${contentType}, ${deviceType}`),
      element('span', 'quiet', `household ${account}…`),
    ),
  );
  if (reason !== 'OK') made.append(element('div', 'quiet', `${reason}: ${reasons[reason] ?? ''}`));
  return made;
};
