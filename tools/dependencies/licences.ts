import { inProduction, type Lockfile, type Package } from './lockfile.ts';

/** Licences under which a package may be part of what is handed on: all of them ask for their notice and nothing else. */
export const ALLOWED: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
];

/** Packages that name none in their `package.json`: what the file in them says. */
const READ: Readonly<Record<string, string>> = { '@kafkajs/confluent-schema-registry': 'MIT' };

export type Licensed = { readonly name: string; readonly version: string; readonly licence: string };

/** Null where none is said. Of a choice, as in `(MIT OR GPL-3.0-or-later)`, the first that is allowed is taken. */
export const licenceOf = ({ name, license }: Pick<Package, 'name' | 'license'>): string | null => {
  const said = license ?? READ[name] ?? null;
  const choice = said === null ? null : /^\((.+)\)$/.exec(said)?.[1]?.split(' OR ');
  return choice?.find((one) => ALLOWED.includes(one)) ?? said;
};

export const licencesOf = (lockfile: Lockfile): readonly Licensed[] => {
  const named = inProduction(lockfile).map((one) => {
    const { name, version = '' } = one;
    return { name, version, licence: licenceOf(one) ?? 'none' };
  });
  // The same version may lie in more than one place.
  const different = new Map(named.map((one) => [`${one.name} ${one.version}`, one]));
  return [...different].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
};

export const licenceProblems = (lockfile: Lockfile): readonly string[] =>
  licencesOf(lockfile)
    .filter(({ licence }) => !ALLOWED.includes(licence))
    .map(({ name, version, licence }) => `${name} ${version} has the licence ${licence}, which is not on the list`);
