import type { Loaded, LoadRequest, NotLoaded } from '../../state/state.ts';

/** A store that brings no more timers than `most`, and those that are needed. */
export const cutShort =
  (load: (request: LoadRequest) => Loaded | NotLoaded, most: number) =>
  (request: LoadRequest): Loaded | NotLoaded => {
    const loaded = load(request);
    if (typeof loaded === 'string') return loaded;
    const cutMs = loaded.due.find(({ dueMs }, i) => i >= most && dueMs > request.neededUntilMs)?.dueMs;
    if (cutMs === undefined) return loaded;
    const due = loaded.due.filter(({ dueMs }) => dueMs < cutMs);
    const left = loaded.due.filter(({ key, dueMs }) => dueMs >= cutMs && !request.keys.includes(key));
    const rows = new Map(loaded.rows);
    for (const { key } of left) rows.delete(key);
    return { rows, due, cutMs };
  };
