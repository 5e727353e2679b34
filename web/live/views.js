import { durationText, element, timeOf } from './element.js';
import { MAX_ROWS, showNewest } from './newest.js';

/** The words for how a view ended; those that are not here are words already. */
const REASONS = { paused_out: 'paused too long', evicted: 'slot taken', replaced: 'something else was started' };
const STATES = { open: 'came back', provisional: 'seems over', final: 'over' };

export const reasonOfView = ({ status, reason }) =>
  reason === null ? STATES[status] : `${STATES[status]}: ${REASONS[reason] ?? reason}`;

/** Views as they end, are corrected, or go on. */
export const views = () => {
  let waiting = [];
  return {
    onViews: ({ items }) => {
      waiting = [...waiting, ...items].slice(-MAX_ROWS);
    },
    draw: () => {
      const newest = waiting.splice(0).sort((a, b) => b.atMs - a.atMs);
      showNewest('views', newest.map(row));
    },
  };
};

const row = (view) => {
  const made = element(
    'li',
    'new row',
    timeOf(view.atMs),
    element('b', view.status === 'open' ? 'admitted' : 'ended', reasonOfView(view)),
    element('span', 'grow', `${view.contentId}, watched ${durationText(view.watchedSeconds)}`),
    element('span', 'quiet', `household ${view.account}…`),
  );
  made.title = `revision ${view.revision}`;
  return made;
};
