import { byId, element } from './element.js';
import { lineChart } from './charts.js';

/** An hour, a point every 10 s; the newest moves with the figures. */
const STEP_MS = 10_000;
const MAX_POINTS = 360;

/** Who watches, over time, and what most of them watch. */
export const audience = () => {
  const chart = lineChart({
    place: byId('viewers'),
    legend: byId('viewers-legend'),
    title: 'Concurrent viewers',
    lines: [
      { name: 'live', label: 'live' },
      { name: 'vod', label: 'on demand', dash: [6, 4] },
    ],
  });
  const points = new Map();
  let ranks = { live: [], vod: [] };
  return {
    onHello: ({ countsAudience }) => {
      for (const note of ['viewers-note', 'trending-note'])
        byId(note).textContent = countsAudience ? 'Waiting for the first figures.' : 'Not running here.';
      for (const figures of ['viewers-legend', 'viewers', 'trending']) byId(figures).hidden = !countsAudience;
    },
    onAudience: (told) => {
      for (const point of told.points) points.set(Math.floor(point.atMs / STEP_MS), point);
      for (const step of [...points.keys()].sort((a, b) => a - b).slice(0, -MAX_POINTS)) points.delete(step);
    },
    onTrending: (told) => {
      ranks = told;
    },
    draw: () => {
      showRanks(byId('trending-live'), ranks.live);
      showRanks(byId('trending-vod'), ranks.vod);
      byId('trending-note').hidden = ranks.live.length + ranks.vod.length > 0;
      byId('viewers-note').hidden = points.size > 0;
      const sorted = [...points.values()].sort((a, b) => a.atMs - b.atMs);
      chart.show([sorted.map((p) => p.atMs / 1_000), sorted.map((p) => p.live), sorted.map((p) => p.vod)]);
    },
  };
};

const showRanks = (list, ranked) =>
  list.replaceChildren(
    ...ranked.map((content) => {
      const { rank, contentId, audience: viewers } = content;
      return element(
        'li',
        'row',
        element('b', '', String(rank)),
        element('span', 'grow', contentId),
        moved(content),
        element('span', 'quiet', `${viewers.toLocaleString()} viewers`),
      );
    }),
  );

const moved = ({ rank, previousRank }) => {
  if (previousRank === null) return element('span', 'vod', 'new');
  const by = previousRank - rank;
  if (by === 0) return element('span', 'quiet', 'same');
  return by > 0 ? element('span', 'admitted', `▲ up ${by}`) : element('span', 'refused', `▼ down ${-by}`);
};
