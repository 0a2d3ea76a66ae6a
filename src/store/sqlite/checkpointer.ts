import { statSync } from 'node:fs';
import type { Connection } from './connection.js';

/** From this size of the log on its pages are copied into the database file. */
const checkpointAtBytes = 4 * 1024 * 1024;
/** After a reset the log is cut to this (`journal_size_limit`), so that its size says when the next checkpoint is due. */
export const logKeptBytes = 1024 * 1024;
/** A reader elsewhere can keep a checkpoint from completing: wait for this much more before the next attempt. */
const backOffBytes = 1024 * 1024;

/**
 * Checkpoints under the write lock. SQLite before 3.51.3 (libsql 0.5 holds 3.45) can corrupt a database when one connection
 * resets the log while another checkpoints it; automatic checkpoints are therefore off, and this one runs while a second
 * connection holds the write lock, so that nobody can reset the log meanwhile.
 */
export class Checkpointer {
  private nextAtBytes = checkpointAtBytes;

  constructor(
    private readonly connection: Connection,
    private readonly lock: Connection,
  ) {}

  /** Checkpoints when the log has grown enough. Never throws: the commit before has succeeded, and the next one tries again. */
  afterCommit(): void {
    try {
      const size = statSync(`${this.connection.path}-wal`).size;
      if (size < checkpointAtBytes) this.nextAtBytes = checkpointAtBytes;
      if (size < this.nextAtBytes) return;
      this.nextAtBytes = size + backOffBytes;
      this.checkpoint();
    } catch {
      // Locked, or the file is gone: the next write meets the fault itself.
    }
  }

  close(): void {
    this.lock.close();
  }

  private checkpoint(): void {
    this.lock.exec('BEGIN IMMEDIATE');
    try {
      this.connection.pragma('wal_checkpoint(PASSIVE)');
    } finally {
      this.lock.exec('ROLLBACK');
    }
  }
}
