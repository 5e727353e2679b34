/** How long it waits before it asks again. */
const AGAIN_MS = 1_000;

/**
 * Calls `handlers[event](data)` for each event of a stream of server-sent events, and tells `connected` or `lost`. Where a token
 * is wanted it waits for one; otherwise it never gives up. Not an EventSource: that one can send no token.
 */
export const watch = async ({ url, handlers, onState, token }) => {
  for (;;) {
    try {
      const response = await fetch(url, { headers: token.headers() });
      if (response.status === 401 || response.status === 403) {
        onState('unidentified');
        await token.ask(await response.json());
        continue;
      }
      if (response.ok) {
        onState('connected');
        await read(response.body, handlers);
      } else await response.body.cancel();
    } catch {
      // The network, or a stream that broke off: it is asked again.
    }
    onState('lost');
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
};

const EVENT = /^event: (\w+)\ndata: (.*)$/;

const read = async (body, handlers) => {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const event of events) {
      const [, name, data] = EVENT.exec(event) ?? [];
      if (name !== undefined) handlers[name]?.(JSON.parse(data));
    }
  }
};
