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
  if (Array.isArray(field)) {
    const each = compiled((field as readonly [AnyField])[0], way);
    return (values) => (values as readonly unknown[]).map(each);
  }
  const names = Object.keys(field);
  const inner = names.map((name) => compiled((field as Readonly<Record<string, AnyField>>)[name]!, way));
  const valueOf = (name: string, i: number): string => {
    const from = way === 'pack' ? `from[${JSON.stringify(name)}]` : `from[${i}]`;
    return (field as Readonly<Record<string, AnyField>>)[name] === null
      ? from
      : `${from} == null ? null : inner[${i}](${from})`;
  };
  const code =
    way === 'pack'
      ? `[${names.map(valueOf).join(', ')}]`
      : `({ ${names.map((name, i) => `${JSON.stringify(name)}: ${valueOf(name, i)}`).join(', ')} })`;
  // As if written by hand: a loop over names takes twice as long, and its objects are slower to read.
  return (new Function('inner', `return (from) => ${code};`) as (inner: readonly Way[]) => Way)(inner);
};
