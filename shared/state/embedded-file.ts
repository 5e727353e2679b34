import type { DatabaseSync } from 'node:sqlite';

/**
 * For a file whose rows come in no order, many at once: that of the state, and that of the tables. A new one has pages twice
 * SQLite's, which are copied from the write-ahead log only once there are 32 MiB of them: a row of the tables then costs its thread
 * three quarters. A file of before keeps its pages. What is deleted is overwritten with zeros: SQLite would leave it in its pages.
 */
export const prepareForRows = (db: DatabaseSync, synchronous: 'normal' | 'full'): void => {
  db.exec(`pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = ${synchronous}`);
  db.exec('pragma wal_autocheckpoint = 4096; pragma journal_size_limit = 67108864; pragma secure_delete = on');
  // With the 2 MiB that SQLite takes by itself a row of the state costs a third more.
  db.exec('pragma cache_size = -16384');
};
