/** What can go wrong with the durable tables. Each names the place, and says what happens next or what to do. */

/** The tables cannot be written or read now. Any part of a put may be done; repeating it is right and changes nothing twice. */
export class TableUnavailable extends Error {
  override readonly name = 'TableUnavailable';
  /** What the tables are kept in: a file, or a service. */
  readonly where: string;
  constructor(where: string, { detail, cause }: { readonly detail: string; readonly cause: unknown }) {
    super(`The tables in ${where} cannot be had (${detail}). The caller tries again what failed.`, { cause });
    this.where = where;
  }
}

/** The tables were closed before this call. */
export class TableClosed extends Error {
  override readonly name = 'TableClosed';
  readonly where: string;
  constructor(where: string) {
    super(`The tables in ${where} are closed.`);
    this.where = where;
  }
}

/** A call that can never be done: the code that made it is wrong. Nothing of it was done. */
export class TableRefusal extends Error {
  override readonly name = 'TableRefusal';
  /** What is wrong, as a path into what was handed in: `rows[3].id`. */
  readonly path: string;
  constructor(path: string, is: string) {
    super(`${path} ${is}`);
    this.path = path;
  }
}

/** Tables are missing, or not as the catalogue says, so that a promise of theirs would not hold. */
export class TableMisconfigured extends Error {
  override readonly name = 'TableMisconfigured';
  readonly where: string;
  readonly problems: readonly string[];
  constructor(where: string, problems: readonly string[]) {
    super(`The tables in ${where} are not as they should be:\n${problems.map((one) => `- ${one}`).join('\n')}`);
    this.where = where;
    this.problems = problems;
  }
}
