type Answer<Head, Row> = { readonly head: Head; readonly rows: readonly Row[] };
type Read<Head, Row> = (keys: readonly string[]) => Promise<Answer<Head, Row>>;

/** More keys go in another call, so that no call keeps Redis from the others for long. */
const MOST_KEYS = 500;

/** Reads of one place that are asked for in one turn of the event loop go in one call: beats that were stored together are answered together. */
export const gatherReads = <Head, Row>(): ((
  place: string,
  keys: readonly string[],
  read: Read<Head, Row>,
) => Promise<Answer<Head, Row>>) => {
  const gathering = new Map<string, { readonly keys: string[]; readonly answer: Promise<Answer<Head, Row>> }>();
  return async (place, keys, read) => {
    let call = gathering.get(place);
    if (call === undefined || call.keys.length + keys.length > MOST_KEYS) {
      const all: string[] = [];
      const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        if (gathering.get(place)?.keys === all) gathering.delete(place);
        return read(all);
      });
      call = { keys: all, answer };
      gathering.set(place, call);
    }
    const first = call.keys.length;
    call.keys.push(...keys);
    const { head, rows } = await call.answer;
    return { head, rows: rows.slice(first, first + keys.length) };
  };
};
