import { StoreVersionError } from '../port.js';
import type { Connection } from './connection.js';
import { retryWhileBusy } from './retry.js';

/** Step n brings the schema from version n - 1 to n (`PRAGMA user_version`). Steps are only ever appended. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    username TEXT,
    username_key TEXT,
    password_hash TEXT,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    password_changed_at INTEGER,
    disabled TEXT,
    session_epoch INTEGER NOT NULL,
    kept_session_id TEXT,
    sessions_ended TEXT,
    sign_in_count INTEGER NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX accounts_email ON accounts (email);
  CREATE UNIQUE INDEX accounts_username ON accounts (username_key);

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    confirmed_generation INTEGER NOT NULL,
    confirmed_at INTEGER,
    rotations TEXT NOT NULL,
    attempt_id TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    purge_at INTEGER NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    device TEXT NOT NULL,
    revoked TEXT
  ) STRICT;
  CREATE INDEX sessions_list ON sessions (account_id, created_at DESC, id DESC);
  CREATE INDEX sessions_ordinal ON sessions (account_id, ordinal DESC);
  CREATE INDEX sessions_purge ON sessions (purge_at);

  CREATE TABLE keys (
    id TEXT PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    algorithm TEXT,
    wrapped TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX keys_sequence ON keys (purpose, sequence);
  `,
  `
  CREATE INDEX accounts_newest ON accounts (created_at DESC, id DESC);
  CREATE INDEX sessions_newest ON sessions (created_at DESC, id DESC);
  CREATE INDEX sessions_address ON sessions (ip_address, created_at DESC, id DESC);
  `,
  // Triggers, so that no statement can forget to tell. What was changed before this step counts as changed now.
  `
  ALTER TABLE accounts ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
  UPDATE accounts SET changed_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER);

  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL
  ) STRICT;
  CREATE INDEX changes_at ON changes (at);
  INSERT INTO changes (at, kind, subject) SELECT changed_at, 'account', id FROM accounts WHERE version > 1;
  INSERT INTO changes (at, kind, subject) SELECT json_extract(revoked, '$.at'), 'session', id FROM sessions WHERE revoked IS NOT NULL;

  CREATE TRIGGER account_changed AFTER UPDATE OF version ON accounts
    BEGIN INSERT INTO changes (at, kind, subject) VALUES (NEW.changed_at, 'account', NEW.id); END;
  CREATE TRIGGER session_revoked AFTER UPDATE OF revoked ON sessions WHEN NEW.revoked IS NOT NULL
    BEGIN INSERT INTO changes (at, kind, subject) VALUES (json_extract(NEW.revoked, '$.at'), 'session', NEW.id); END;
  CREATE TRIGGER key_added AFTER INSERT ON keys
    BEGIN INSERT INTO changes (at, kind, subject) VALUES (NEW.created_at, 'key', NEW.id); END;
  CREATE TRIGGER key_revoked AFTER UPDATE OF revoked_at ON keys WHEN NEW.revoked_at IS NOT NULL
    BEGIN INSERT INTO changes (at, kind, subject) VALUES (NEW.revoked_at, 'key', NEW.id); END;
  `,
  // What is left of a deleted account.
  `
  ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;
  ALTER TABLE accounts ADD COLUMN purge_at INTEGER;
  ALTER TABLE accounts ADD COLUMN unfinished_since INTEGER;
  CREATE INDEX accounts_purge ON accounts (purge_at) WHERE purge_at IS NOT NULL;
  `,
  `
  CREATE TABLE audit_events (
    id TEXT PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    actor_id TEXT,
    account_id TEXT,
    session_id TEXT,
    ip_address TEXT,
    user_agent TEXT,
    count INTEGER NOT NULL,
    detail TEXT NOT NULL,
    purge_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX audit_newest ON audit_events (created_at DESC, id DESC);
  CREATE INDEX audit_type ON audit_events (type, created_at DESC, id DESC, count);
  CREATE INDEX audit_account ON audit_events (account_id, created_at DESC, id DESC);
  CREATE INDEX audit_session ON audit_events (session_id, created_at DESC, id DESC);
  CREATE INDEX audit_address ON audit_events (ip_address, created_at DESC, id DESC);
  CREATE INDEX audit_purge ON audit_events (purge_at);
  `,
  // Written only while somebody follows sessions: see `session-stream.ts`.
  `
  CREATE TABLE session_watchers (id INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL) STRICT;
  CREATE TABLE session_changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    session_id TEXT NOT NULL,
    account_id TEXT NOT NULL
  ) STRICT;

  CREATE TRIGGER session_created_told AFTER INSERT ON sessions WHEN EXISTS (SELECT 1 FROM session_watchers WHERE until > unixepoch())
    BEGIN INSERT INTO session_changes (at, kind, session_id, account_id) VALUES (NEW.created_at, 'CREATED', NEW.id, NEW.account_id); END;
  CREATE TRIGGER session_refreshed_told AFTER UPDATE OF generation ON sessions
    WHEN EXISTS (SELECT 1 FROM session_watchers WHERE until > unixepoch())
    BEGIN INSERT INTO session_changes (at, kind, session_id, account_id) VALUES (NEW.last_seen_at, 'REFRESHED', NEW.id, NEW.account_id); END;
  CREATE TRIGGER session_revoked_told AFTER UPDATE OF revoked ON sessions
    WHEN NEW.revoked IS NOT NULL AND EXISTS (SELECT 1 FROM session_watchers WHERE until > unixepoch())
    BEGIN
      INSERT INTO session_changes (at, kind, session_id, account_id)
        VALUES (json_extract(NEW.revoked, '$.at'), 'REVOKED', NEW.id, NEW.account_id);
    END;
  CREATE TRIGGER session_changes_kept AFTER INSERT ON session_changes
    BEGIN DELETE FROM session_changes WHERE seq <= NEW.seq - 10000; END;
  `,
  // A tombstone is purged only after its deletion was finished.
  `
  ALTER TABLE accounts ADD COLUMN rights_version INTEGER NOT NULL DEFAULT 1;
  UPDATE accounts SET purge_at = NULL WHERE unfinished_since IS NOT NULL;
  CREATE INDEX accounts_unfinished ON accounts (unfinished_since) WHERE unfinished_since IS NOT NULL;
  `,
  `
  CREATE TABLE tallies (
    key TEXT PRIMARY KEY NOT NULL,
    stamp TEXT NOT NULL,
    since INTEGER NOT NULL,
    count INTEGER NOT NULL,
    last_at INTEGER,
    in_flight TEXT NOT NULL,
    known_networks TEXT NOT NULL,
    purge_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX tallies_purge ON tallies (purge_at);
  `,
  // The outbox.
  `
  CREATE TABLE mails (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claim_id TEXT,
    purge_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX mails_due ON mails (due_at);
  CREATE INDEX mails_purge ON mails (purge_at);
  `,
  `
  ALTER TABLE accounts ADD COLUMN one_time_tokens TEXT NOT NULL DEFAULT '[]';

  CREATE TABLE signups (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    username TEXT,
    password_hash TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX signups_email ON signups (email, created_at DESC, id DESC);
  CREATE INDEX signups_expired ON signups (expires_at);
  `,
];

/**
 * Brings the schema to the newest version, each process in turn under the write lock. Throws `StoreVersionError` for a file
 * of a newer version, or of another program.
 */
export async function migrate(connection: Connection, steps: readonly string[] = migrations): Promise<void> {
  await retryWhileBusy(() => connection.exec('BEGIN IMMEDIATE'));
  try {
    const version = Number(connection.pragma('user_version'));
    refuseForeign(connection, version, steps.length);
    for (const step of steps.slice(version)) connection.exec(step);
    if (version < steps.length) connection.exec(`PRAGMA user_version = ${steps.length}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** Throws `StoreVersionError` for a file of a newer version, or of another program. */
export function refuseForeign(connection: Connection, version: number, known: number): void {
  if (version > known) {
    throw new StoreVersionError(
      `The database has schema version ${version}, this Latchkey knows ${known}: run the newer Latchkey that wrote it, ` +
        'or restore a backup made before the upgrade.',
    );
  }
  const tables = connection.number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", {});
  if (version === 0 && tables !== 0) {
    throw new StoreVersionError('The file is the database of another program: name another path.');
  }
}
