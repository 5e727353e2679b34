/**
 * How the state of a key is written: without the names of its fields, which are more than half of it, and half the time that
 * writing takes. A field is told by its place, so a shape only grows at its end; what is no longer needed keeps its place.
 */
export type Shape<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? never : Field<T[K]> };

/** As it is, or each element of an array in the same way, or in a shape of its own. Null is null in all of them. */
export type Field<V> =
  typeof AS_IS | ([NonNullable<V>] extends [readonly (infer E)[]] ? readonly [Field<E>] : Shape<NonNullable<V>>);

export const AS_IS = null;

export type Packing = {
  /** What `JSON.stringify` takes in the state's place. */
  pack(state: unknown): unknown;
  /** The state again. One that was written with its names, before it had a shape, is handed back as it is. */
  unpack(packed: unknown): unknown;
};

export type PackingFor = (processor: string) => Packing;

export const NO_PACKING: Packing = { pack: (state) => state, unpack: (packed) => packed };

type AnyField = null | readonly [AnyField] | { readonly [name: string]: AnyField };
type Way = (value: unknown) => unknown;

export const packingOf = <T>(shape: Shape<T>): Packing => {
  // A shape of anything is one of these.
  const fields = shape as AnyField;
  const unpack = compiled(fields, 'unpack');
  return { pack: compiled(fields, 'pack'), unpack: (packed) => (Array.isArray(packed) ? unpack(packed) : packed) };
};

const compiled = (field: AnyField, way: 'pack' | 'unpack'): Way => {
  if (field === null) return (value) => value;
  if (isEach(field)) {
    const each = compiled(field[0], way);
    return (values) => (values == null ? null : (values as readonly unknown[]).map(each));
  }
  const inner = Object.values(field).map((one) => compiled(one, way));
  const values = Object.entries(field).map(([name, one], i) => {
    const value = way === 'pack' ? `from[${JSON.stringify(name)}]` : `from[${i}]`;
    return one === null ? value : `inner[${i}](${value})`;
  });
  const code =
    way === 'pack'
      ? `[${values.join(', ')}]`
      : `{ ${Object.keys(field)
          .map((name, i) => `${JSON.stringify(name)}: ${values[i]}`)
          .join(', ')} }`;
  // As if written by hand: a loop over names takes twice as long, and its objects are slower to read.
  const make = new Function('inner', `return (from) => from == null ? null : (${code});`);
  return (make as (inner: readonly Way[]) => Way)(inner);
};

const isEach = (field: NonNullable<AnyField>): field is readonly [AnyField] => Array.isArray(field);
