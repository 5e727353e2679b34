import { byId, element, timeOf } from './element.js';
import { reasonOfView } from './views.js';

const RECENT = 10;
/** The reasons for which a stream is not begun; for all others it had a slot once. */
const REFUSALS = ['LIMIT_REACHED', 'SESSION_CAP'];

/**
 * One account: the streams that hold its slots, and of those that it began lately and that do not, why. What was typed
 * goes to the interface and is shown nowhere.
 */
export const lookup = ({ baseUrl, token, reasons }) => {
  const ask = async (path, body) => {
    const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${baseUrl}${path}`, { ...options, headers: token.headers() });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.title ?? `It answered ${response.status}.`);
    return answer;
  };
  const recentOf = async (path, held) => {
    // Where no view-end runs, there is no list of what was begun.
    const { items } = await ask(`${path}/views?limit=${RECENT}`).catch(() => ({ items: [] }));
    return items.filter(({ sessionId }) => !held.has(sessionId));
  };
  const show = async (accountId) => {
    const path = `v1/accounts/${encodeURIComponent(accountId)}`;
    const { sessions, limit } = await ask(`${path}/sessions`);
    const recent = await recentOf(path, new Set(sessions.map(({ sessionId }) => sessionId)));
    const told = await Promise.all(recent.map(({ sessionId }) => ask('v1/block-check', { accountId, sessionId })));
    return [
      heading(`Streams that hold a slot: ${sessions.length}${limit === null ? '' : ` of ${limit}`}`),
      element('ul', 'rows', ...sessions.map(heldRow)),
      heading('Begun lately, and not playing'),
      recent.length === 0 ? element('p', 'note', 'None.') : '',
      element('ul', 'rows', ...recent.map((view, i) => recentRow(view, told[i], reasons()))),
    ];
  };
  byId('lookup').addEventListener('submit', (event) => {
    event.preventDefault();
    show(byId('account').value).then(
      (parts) => byId('found').replaceChildren(...parts),
      (error) => byId('found').replaceChildren(element('p', 'refused', error.message)),
    );
  });
};

const heading = (text) => element('h3', '', text);

const heldRow = ({ deviceName, deviceType, contentId, status, startedAtMs }) =>
  element(
    'li',
    'row',
    element('b', status === 'late' ? 'taken' : 'admitted', status),
    element('span', 'grow', [contentId, deviceName, deviceType].filter((text) => text !== undefined).join(', ')),
    element('span', 'quiet', 'since ', timeOf(startedAtMs)),
  );

/** After ten minutes nobody knows any more why a stream was stopped; its view says how it ended. */
const recentRow = (view, { decision, reason }, reasons) => {
  const refused = decision === 'stop' && REFUSALS.includes(reason);
  const why = decision === 'stop' ? `${reason}: ${reasons[reason] ?? ''}` : reasonOfView(view);
  return element(
    'li',
    '',
    element(
      'div',
      'row',
      element('b', refused ? 'refused' : 'ended', refused ? 'refused' : 'over'),
      element('span', 'grow', `${view.contentId}, ${view.deviceType}`),
      timeOf(view.endedAtMs ?? view.startedAtMs),
    ),
    element('div', 'quiet', why),
  );
};
