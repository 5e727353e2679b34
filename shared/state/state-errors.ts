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
