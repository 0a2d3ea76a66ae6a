import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreUnavailableError, StoreVersionError } from '../port.js';
import { Changes } from './changes.js';
import { Checkpointer, logKeptBytes } from './checkpointer.js';
import { Connection } from './connection.js';
import { migrate } from './migrations.js';
import { retryWhileBusy } from './retry.js';
import { SessionStream } from './session-stream.js';
import { SqliteStore } from './store.js';
import { Writer } from './writer.js';

/**
 * Opens the database file (or `:memory:`), creates it readable by its owner alone, and migrates it. Throws
 * `StoreUnavailableError` when it cannot be opened, is locked for too long or is not a database, `StoreVersionError` when it
 * is not this version's.
 */
export async function openSqliteStore(path: string): Promise<SqliteStore> {
  const opened: Connection[] = [];
  try {
    if (path !== ':memory:') createFile(path);
    const connection = await connect(path, opened);
    await migrate(connection);
    const checkpointer = path === ':memory:' ? null : new Checkpointer(connection, await connect(path, opened));
    const changes = new Changes(connection);
    const sessionStream = new SessionStream(connection);
    const writer = new Writer(connection, checkpointer, () => {
      // Revocations first.
      changes.afterCommit();
      sessionStream.afterCommit();
    });
    return new SqliteStore(connection, writer, { changes, sessionStream }, checkpointer);
  } catch (error) {
    for (const connection of opened) connection.close();
    throw error instanceof StoreVersionError ? error : new StoreUnavailableError(error);
  }
}

/** SQLite gives the `-wal` and `-shm` files the mode of the database file. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

async function connect(path: string, opened: Connection[]): Promise<Connection> {
  const connection = new Connection(path);
  opened.push(connection);
  // The first of two processes that start at once changes the journal mode under an exclusive lock.
  await retryWhileBusy(() => connection.pragma('journal_mode = WAL'));
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('wal_autocheckpoint = 0');
  connection.pragma(`journal_size_limit = ${logKeptBytes}`);
  return connection;
}
