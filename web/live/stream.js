/** A browser gives up for good on an answer that is no stream, as a proxy's 502 is: then it is asked again after this. */
const AGAIN_MS = 2_000;

/** Calls `handlers[event](data)` for each event, and tells `connected` or `lost`. It never gives up. */
export const watch = ({ url, handlers, onState }) => {
  const open = () => {
    const source = new EventSource(url);
    source.onopen = () => onState('connected');
    source.onerror = () => {
      onState('lost');
      if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
    };
    for (const [name, handle] of Object.entries(handlers))
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  };
  open();
};
