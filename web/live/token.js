import { byId } from './element.js';

/** The token that a viewer of this page gave, where callers are asked who they are. It is in this page's memory and nowhere else. */
export const createToken = () => {
  let token = null;
  return {
    headers: () => (token === null ? {} : { authorization: `Bearer ${token}` }),
    /** Resolves when one was given; says what was wrong with the one before. */
    ask: ({ title }) =>
      new Promise((resolve) => {
        const form = byId('identify');
        byId('identify-note').textContent = token === null ? '' : title;
        form.hidden = false;
        form.onsubmit = (event) => {
          event.preventDefault();
          token = byId('token').value.trim();
          byId('token').value = '';
          form.hidden = true;
          resolve();
        };
      }),
  };
};
