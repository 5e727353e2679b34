/** What can go wrong with a state store's storage. Each names the place, and says what happens next or what to do. */

/** The stored state cannot be read. Nothing mends it, and nothing needs to: it can be made again from the log. */
export class StateDamaged extends Error {
  override readonly name = 'StateDamaged';
  readonly file: string;
  constructor(file: string, detail: string) {
    super(
      `${file} is damaged (${detail}). Stop the process, delete ${file}, ${file}-wal and ${file}-shm, and start again: ` +
        'the log rebuilds the state, as far back as the log reaches.',
    );
    this.file = file;
  }
}

/** The stored state cannot be opened or written: no right to, no space, a disk that fails. */
export class StateUnwritable extends Error {
  override readonly name = 'StateUnwritable';
  readonly file: string;
  constructor(file: string, detail: string) {
    super(`${file} cannot be written (${detail}).`);
    this.file = file;
  }
}

/** The store was closed before this call. */
export class StateClosed extends Error {
  override readonly name = 'StateClosed';
  constructor(file: string) {
    super(`The state store in ${file} is closed.`);
  }
}

/** The server of the store does not answer, or not as it should. What was under way may have been done all the same. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable';
  readonly server: string;
  /** Whether the server may have done what it was asked for: the answer was lost, not refused. */
  readonly maybeDone: boolean;
  constructor(server: string, { detail, maybeDone }: { readonly detail: string; readonly maybeDone: boolean }) {
    super(`The state store at ${server} cannot be had (${detail}). What failed is tried again.`);
    this.server = server;
    this.maybeDone = maybeDone;
  }
}

/** The server has no memory left. Nothing was stored, and nothing will be until that changes. */
export class StateFull extends Error {
  override readonly name = 'StateFull';
  readonly server: string;
  constructor(server: string, detail: string) {
    super(`The state store at ${server} is full (${detail}). Give it more memory: raise its maxmemory, or add shards.`);
    this.server = server;
  }
}

/** The server is set up to throw rows away when it is full, which would lose leases without a word. */
export class StateEvicts extends Error {
  override readonly name = 'StateEvicts';
  readonly server: string;
  constructor(server: string, policy: string) {
    super(`The state store at ${server} has maxmemory-policy ${policy}: it would drop rows. Set it to noeviction.`);
    this.server = server;
  }
}

/** One row is larger than what a call may carry. The fold that made it keeps too much under one key. */
export class StateRowTooLarge extends Error {
  override readonly name = 'StateRowTooLarge';
  constructor(key: string, bytes: number, limit: number) {
    super(`The row of ${key} takes ${bytes} bytes; at most ${limit} can be stored.`);
  }
}
