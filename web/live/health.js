import { byId, element } from './element.js';

/** Each processor with its partitions: which wait, warm up or stand still. */
export const showHealth = ({ processors }) =>
  byId('health').replaceChildren(
    ...processors.map(({ name, partitions }) => {
      const lag = partitions.reduce((sum, one) => sum + one.lag, 0);
      const [word, line] = stateOf(partitions);
      return element(
        'li',
        '',
        element(
          'div',
          'row',
          element('b', 'grow', name),
          element('span', line, word),
          element('span', 'quiet', `lag ${lag.toLocaleString()}`),
        ),
        element('div', 'row quiet', ...partitions.map((one) => element('span', '', partitionText(one)))),
      );
    }),
  );

const stateOf = (partitions) => {
  if (partitions.length === 0) return ['folds nothing here', 'ended'];
  if (partitions.some(({ state }) => state === 'failed')) return ['a partition stands still', 'refused'];
  const warming = partitions.filter(({ state }) => state === 'warming');
  if (warming.length === 0) return ['running', 'admitted'];
  const least = Math.min(...warming.map(({ progress }) => progress));
  return [`warming up, ${Math.floor(least * 100)} %`, 'taken'];
};

const partitionText = ({ partition, state, progress, lag }) => {
  const words = { running: '', warming: ` warming ${Math.floor(progress * 100)} %`, failed: ' stands still' };
  return `p${partition}:${words[state] ?? ''} ${lag.toLocaleString()}`;
};
