/** What of `package-lock.json` is looked at. */
export type Lockfile = { readonly packages: Readonly<Record<string, Locked>> };
export type Locked = {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
};
export type Package = Locked & { readonly path: string; readonly name: string };

/** Without the project itself. A package may be there more than once, in different versions. */
export const packagesIn = ({ packages }: Lockfile): readonly Package[] =>
  Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, locked]) => ({ ...locked, path, name: path.slice(path.lastIndexOf('node_modules/') + 13) }));

/** What runs in production, or describes what does: all that is not there for development alone. */
export const inProduction = (lockfile: Lockfile): readonly Package[] =>
  packagesIn(lockfile).filter(({ dev, devOptional }) => dev !== true && devOptional !== true);

const REGISTRY = 'https://registry.npmjs.org/';

/** What would let something else be installed than what was looked at. */
export const lockProblems = (lockfile: Lockfile): readonly string[] =>
  packagesIn(lockfile).flatMap(({ path, integrity, resolved, inBundle }) => [
    // What lies in another package is in the hash of that one.
    ...(inBundle === true || integrity?.startsWith('sha512-') === true ? [] : [`${path} has no SHA-512`]),
    // Left out: npm asks the registry that it is set to, and the hash holds.
    ...(resolved === undefined || resolved.startsWith(REGISTRY) ? [] : [`${path} comes from ${resolved}`]),
  ]);

/** Each package with an install script has to be named, with yes or no, and nothing else may be. */
export const scriptProblems = (lockfile: Lockfile, allowed: Readonly<Record<string, boolean>>): readonly string[] => {
  const withScript = packagesIn(lockfile).filter(({ hasInstallScript }) => hasInstallScript === true);
  const names = new Set(withScript.map(({ name }) => name));
  return [
    ...[...names]
      .filter((name) => !(name in allowed))
      .map((name) => `${name} has an install script that nobody judged`),
    ...Object.keys(allowed)
      .filter((name) => !names.has(name))
      .map((name) => `${name} has no install script`),
  ];
};
