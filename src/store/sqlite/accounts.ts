import { DuplicateError } from '../port.js';
import type { AccountQuery, SessionsEnding } from '../queries.js';
import type { AccountDisabledRecord, AccountRecord, DeletionRecord, Ending, EpochMs } from '../records.js';
import type { Connection, Values } from './connection.js';
import { errorCode } from './retry.js';
import { type AccountRow, accountObject, accountValues, disabledJson, endingJson, insertInto, toAccount } from './rows.js';
import { accountSearch, type Run, SearchReads } from './searches.js';

/** The statements on accounts. Those that write are run by the `Writer`, inside its transaction. */
export class Accounts {
  constructor(private readonly connection: Connection) {}

  create(account: AccountRecord): void {
    const values = accountValues(account);
    try {
      this.connection.run(insertInto('accounts', values), values);
    } catch (error) {
      if (!(error instanceof Error && errorCode(error)?.startsWith('SQLITE_CONSTRAINT'))) throw error;
      if (this.isRepeat(account)) return;
      throw new DuplicateError(error.message.includes('accounts.username_key') ? 'username' : 'email');
    }
  }

  findBy(column: 'id' | 'email' | 'username_key', value: string): AccountRecord | null {
    const sql = `SELECT ${accountObject} FROM accounts WHERE ${column} = :value AND deleted_at IS NULL`;
    const [row] = this.connection.rows(sql, { value });
    return row === undefined ? null : toAccount(row as AccountRow);
  }

  search(query: AccountQuery, run: Run): SearchReads<AccountRow, AccountRecord> {
    return new SearchReads(this.connection, run, accountSearch(query), accountObject, toAccount);
  }

  recordSignIn(id: string, at: EpochMs): number | null {
    const sql = 'UPDATE accounts SET sign_in_count = sign_in_count + 1, last_login_at = :at WHERE id = :id AND deleted_at IS NULL';
    if (this.connection.run(sql, { id, at }) === 0) return null;
    return this.connection.number('SELECT sign_in_count FROM accounts WHERE id = :id', { id });
  }

  rehashPassword(id: string, expected: string, hash: string): boolean {
    const sql = 'UPDATE accounts SET password_hash = :hash WHERE id = :id AND password_hash = :expected';
    return this.connection.run(sql, { id, expected, hash }) === 1;
  }

  changePassword(id: string, expected: string, hash: string, ending: SessionsEnding): AccountRecord | null {
    return this.end(id, ending, ending.kept, {
      set: ', password_hash = :hash, password_changed_at = :changedAt',
      where: ' AND password_hash = :expected',
      values: { hash, expected },
    });
  }

  endSessions(id: string, ending: SessionsEnding): AccountRecord | null {
    return this.end(id, ending, ending.kept, { set: '', where: '', values: {} });
  }

  disable(id: string, disabled: AccountDisabledRecord, ending: Ending, expectedRights: number | null): AccountRecord | null {
    return this.end(id, ending, null, {
      set: ', disabled = :disabled, rights_version = rights_version + 1',
      where: ' AND (:expectedRights IS NULL OR rights_version = :expectedRights)',
      values: { disabled: disabledJson(disabled), expectedRights },
    });
  }

  enable(id: string, expectedRights: number, at: EpochMs): AccountRecord | null {
    const sql = `UPDATE accounts SET disabled = NULL, version = version + 1, rights_version = rights_version + 1, changed_at = :at
      WHERE id = :id AND rights_version = :expectedRights AND deleted_at IS NULL`;
    return this.connection.run(sql, { id, expectedRights, at }) === 1 ? this.findBy('id', id) : null;
  }

  /** The row stays for the feed and for lists of sessions, under an address that nobody can have. */
  delete(id: string, expectedRights: number, ending: Ending): boolean {
    const sql = `UPDATE accounts SET email = 'deleted ' || id, email_verified = 0, username = NULL, username_key = NULL,
      password_hash = NULL, roles = '[]', last_login_at = NULL, password_changed_at = NULL, disabled = NULL, kept_session_id = NULL,
      sign_in_count = 0, session_epoch = session_epoch + 1, version = version + 1, rights_version = rights_version + 1,
      sessions_ended = :ending, changed_at = :at, deleted_at = :at, unfinished_since = :at
      WHERE id = :id AND rights_version = :expectedRights AND deleted_at IS NULL`;
    return this.connection.run(sql, { id, expectedRights, ending: endingJson(ending), at: ending.at }) === 1;
  }

  deletions(before: EpochMs, limit: number): DeletionRecord[] {
    const object = "json_object('accountId', id, 'ending', json(sessions_ended))";
    const sql = `SELECT ${object} FROM accounts WHERE unfinished_since < :before LIMIT :limit`;
    return this.connection.rows(sql, { before, limit }) as DeletionRecord[];
  }

  finishDeletion(id: string, purgeAt: EpochMs): void {
    const sql = 'UPDATE accounts SET unfinished_since = NULL, purge_at = :purgeAt WHERE id = :id AND unfinished_since IS NOT NULL';
    this.connection.run(sql, { id, purgeAt });
  }

  purge(now: EpochMs, limit: number): number {
    const sql = 'DELETE FROM accounts WHERE id IN (SELECT id FROM accounts WHERE purge_at <= :now ORDER BY purge_at LIMIT :limit)';
    return this.connection.run(sql, { now, limit });
  }

  setRoles(id: string, expectedRights: number, roles: readonly string[], at: EpochMs): AccountRecord | null {
    const sql = `UPDATE accounts SET roles = :roles, version = version + 1, rights_version = rights_version + 1, changed_at = :at
      WHERE id = :id AND rights_version = :expectedRights AND deleted_at IS NULL`;
    const changed = this.connection.run(sql, { id, expectedRights, roles: JSON.stringify(roles), at });
    return changed === 1 ? this.findBy('id', id) : null;
  }

  /** The one way to raise the epoch: only while the kept session, if any, is within it. */
  private end(
    id: string,
    ending: Ending,
    kept: SessionsEnding['kept'],
    also: { readonly set: string; readonly where: string; readonly values: Values },
  ): AccountRecord | null {
    const sql = `UPDATE accounts SET session_epoch = session_epoch + 1, version = version + 1, kept_session_id = :keptId,
      sessions_ended = :ending, changed_at = :changedAt${also.set} WHERE id = :id AND deleted_at IS NULL${also.where}
      AND (:keptId IS NULL OR session_epoch = :keptEpoch OR kept_session_id = :keptId)`;
    const changed = this.connection.run(sql, {
      ...also.values,
      id,
      ending: endingJson(ending),
      changedAt: ending.at,
      keptId: kept?.id ?? null,
      keptEpoch: kept?.epoch ?? null,
    });
    return changed === 1 ? this.findBy('id', id) : null;
  }

  /** Whether the record is there already, written by an attempt whose answer the caller did not get. */
  private isRepeat(account: AccountRecord): boolean {
    const found = this.findBy('id', account.id);
    return found !== null && found.email === account.email && found.createdAt === account.createdAt;
  }
}
