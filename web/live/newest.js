import { byId } from './element.js';

/** What a list shows, and what may wait to be shown. */
export const MAX_ROWS = 50;

/** Puts rows, the newest first, before those that the list has, and lets go of the oldest. Its note stands while it is empty. */
export const showNewest = (name, rows) => {
  const list = byId(name);
  list.prepend(...rows);
  while (list.children.length > MAX_ROWS) list.lastChild.remove();
  byId(`${name}-note`).hidden = list.children.length > 0;
};
