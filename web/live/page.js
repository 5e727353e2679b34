import { audience } from './audience.js';
import { decisions } from './decisions.js';
import { byId } from './element.js';
import { showHealth } from './health.js';
import { lookup } from './lookup.js';
import { watch } from './stream.js';
import { createToken } from './token.js';
import { views } from './views.js';

/** With a slash at the end; empty where the page comes from the same place as the interface. */
const given = document.querySelector('meta[name="playbeat-url"]').content;
const baseUrl = given === '' ? '' : `${given.replace(/\/$/, '')}/`;
for (const id of ['docs', 'openapi']) byId(id).href = `${baseUrl}${byId(id).getAttribute('href')}`;

let sentences = {};
let health = { processors: [] };
let held = false;
const people = audience();
const decided = decisions(() => sentences);
const ended = views();
const token = createToken();
lookup({ baseUrl, token, reasons: () => sentences });

/** What came is shown once a second, so that a storm of news costs no more than a little of it. */
const draw = () => {
  if (held) return;
  for (const part of [people, decided, ended]) part.draw();
  showHealth(health);
};
setInterval(draw, 1_000);

byId('hold').addEventListener('click', () => {
  held = !held;
  byId('hold').setAttribute('aria-pressed', String(held));
  draw();
});

const STATES = {
  connected: 'connected',
  lost: 'connection lost, trying again',
  unidentified: 'a token is needed',
};

void watch({
  token,
  url: `${baseUrl}live/events`,
  handlers: {
    hello: (told) => {
      sentences = told.reasons;
      people.onHello(told);
    },
    decisions: decided.onDecisions,
    views: ended.onViews,
    audience: people.onAudience,
    trending: people.onTrending,
    health: (told) => {
      health = told;
    },
  },
  onState: (state) => {
    byId('state').dataset.state = state;
    byId('state').textContent = STATES[state];
  },
});
