import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The folder in which the embedded log and stores keep their files, held by this process alone. */
export type DataFolder = {
  readonly path: string;
  /** Lets go of it. Repeating it changes nothing. */
  close(): void;
};

export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
  readonly folder: string;
  constructor(folder: string, cause: unknown) {
    super(`${folder} is in use by another process. Stop that process, or give this one a folder of its own.`, {
      cause,
    });
    this.folder = folder;
  }
}

export class DataFolderUnusable extends Error {
  override readonly name = 'DataFolderUnusable';
  readonly folder: string;
  constructor(folder: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      `${folder} cannot be made or written (${why}). ` +
        'Give this user write access to it on a disk with free space, or choose another folder.',
      { cause },
    );
    this.folder = folder;
  }
}

/** SQLITE_BUSY, in the lower byte of an extended result code. */
const isBusy = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'errcode' in error && Number(error.errcode) % 256 === 5;

/**
 * Makes the folder if it is missing, and holds it until `close` or the end of the process: the lock is one of the kernel's,
 * so a kill -9 frees it and no stale file keeps the next start out. It does not reach across machines: a network file
 * system may or may not hand it on. Nobody else may open `lock.sqlite` in this process, not even to copy it:
 * closing any handle of a file drops a process's locks on it.
 */
export const openDataFolder = (path: string): DataFolder => {
  const folder = resolve(path);
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(folder, { recursive: true });
    db = new DatabaseSync(join(folder, 'lock.sqlite'), { timeout: 0 });
    db.exec('begin exclusive');
  } catch (error) {
    db?.close();
    if (isBusy(error)) throw new DataFolderInUse(folder, error);
    throw new DataFolderUnusable(folder, error);
  }
  const lock = db;
  return {
    path: folder,
    close: () => {
      if (lock.isOpen) lock.close();
    },
  };
};
