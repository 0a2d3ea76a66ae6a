import { DuplicateError } from '../port.js';
import type { AccountQuery, EmailChange, SessionsEnding, SpentToken } from '../queries.js';
import type {
  AccountDisabledRecord,
  AccountRecord,
  DeletionRecord,
  Ending,
  EpochMs,
  OneTimePurpose,
  OneTimeTokenRecord,
} from '../records.js';
import type { Connection, Values } from './connection.js';
import { errorCode } from './retry.js';
import {
  type AccountRow,
  accountObject,
  accountValues,
  disabledJson,
  endingJson,
  insertInto,
  toAccount,
  tokensJson,
  usernameKey,
} from './rows.js';
import { accountSearch, type Run, SearchReads } from './searches.js';

/** So many one-time tokens of one purpose an account has at most. */
const tokensOfAPurpose = 5;

/** The account's one-time tokens of which this condition on `purpose` holds, as an expression. */
const tokensWhere = (condition: string): string =>
  `(SELECT json_group_array(json(value)) FROM json_each(accounts.one_time_tokens) WHERE json_extract(value, '$.purpose') ${condition})`;
/** An account that was read at this version, with this token. */
const hasToken = (purpose: OneTimePurpose): string => ` AND version = :expectedVersion AND EXISTS (SELECT 1 FROM
  json_each(accounts.one_time_tokens) WHERE json_extract(value, '$.purpose') = '${purpose}' AND json_extract(value, '$.hash') = :hash)`;

interface Also {
  readonly set: string;
  readonly where: string;
  readonly values: Values;
  /** The one-time tokens that are left, where it is not just those that a raised epoch does not make void. */
  readonly tokens?: readonly OneTimeTokenRecord[];
}

/** The statements on accounts. Those that write are run by the `Writer`, inside its transaction. */
export class Accounts {
  constructor(private readonly connection: Connection) {}

  create(account: AccountRecord): void {
    const values = accountValues(account);
    try {
      this.connection.run(insertInto('accounts', values), values);
    } catch (error) {
      if (!isConstraint(error)) throw error;
      if (this.isRepeat(account)) return;
      throw duplicateError(error);
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
  delete(id: string, expectedRights: number, ending: Ending, expectedEpoch: number | null): boolean {
    const sql = `UPDATE accounts SET email = 'deleted ' || id, email_verified = 0, username = NULL, username_key = NULL,
      password_hash = NULL, roles = '[]', last_login_at = NULL, password_changed_at = NULL, disabled = NULL, kept_session_id = NULL,
      sign_in_count = 0, one_time_tokens = '[]', session_epoch = session_epoch + 1, version = version + 1,
      rights_version = rights_version + 1, sessions_ended = :ending, changed_at = :at, deleted_at = :at, unfinished_since = :at
      WHERE id = :id AND rights_version = :expectedRights AND session_epoch = coalesce(:expectedEpoch, session_epoch) AND deleted_at IS NULL`;
    return this.connection.run(sql, { id, expectedRights, expectedEpoch, ending: endingJson(ending), at: ending.at }) === 1;
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

  setUsername(id: string, username: string): AccountRecord | null {
    const sql = 'UPDATE accounts SET username = :username, username_key = :key WHERE id = :id AND deleted_at IS NULL';
    return this.unique(() => this.connection.run(sql, { id, username, key: usernameKey(username) })) ? this.findBy('id', id) : null;
  }

  /** Reads and writes in one transaction, as the `Writer` runs it. */
  addOneTimeToken(id: string, email: string, token: OneTimeTokenRecord): boolean {
    const account = this.findBy('id', id);
    if (account === null || account.email !== email || account.sessionEpoch !== token.epoch) return false;
    const alike = account.oneTimeTokens.filter(({ purpose }) => purpose === token.purpose);
    const others = account.oneTimeTokens.filter(({ purpose }) => purpose !== token.purpose);
    const tokens = tokensJson([...others, ...[...alike, token].slice(-tokensOfAPurpose)]);
    return this.connection.run('UPDATE accounts SET one_time_tokens = :tokens WHERE id = :id', { id, tokens }) === 1;
  }

  resetPassword(id: string, { hash, expectedVersion }: SpentToken, newHash: string, ending: Ending): AccountRecord | null {
    return this.end(id, ending, null, {
      set: ', password_hash = :newHash, password_changed_at = :changedAt, email_verified = 1',
      where: hasToken('RESET'),
      values: { hash, expectedVersion, newHash },
    });
  }

  verifyEmail(id: string, { hash, expectedVersion }: SpentToken, at: EpochMs): AccountRecord | null {
    const sql = `UPDATE accounts SET email_verified = 1, version = version + 1, changed_at = :at, one_time_tokens = ${tokensWhere("<> 'VERIFY'")}
      WHERE id = :id AND deleted_at IS NULL${hasToken('VERIFY')}`;
    return this.connection.run(sql, { id, hash, expectedVersion, at }) === 1 ? this.findBy('id', id) : null;
  }

  changeEmail(id: string, { hash, expectedVersion }: SpentToken, { email, tokens }: EmailChange, at: EpochMs): AccountRecord | null {
    const sql = `UPDATE accounts SET email = :email, email_verified = 1, version = version + 1, changed_at = :at, one_time_tokens = :tokens
      WHERE id = :id AND deleted_at IS NULL${hasToken('CHANGE_EMAIL')}`;
    const values = { id, hash, expectedVersion, email, at, tokens: tokensJson(tokens) };
    return this.unique(() => this.connection.run(sql, values)) ? this.findBy('id', id) : null;
  }

  revertEmailChange(id: string, { hash, expectedVersion }: SpentToken, change: EmailChange, ending: Ending): AccountRecord | null {
    const also = {
      set: ', email = :email, email_verified = 1, password_hash = NULL',
      where: hasToken('REVERT_EMAIL'),
      values: { hash, expectedVersion, email: change.email },
      tokens: change.tokens,
    };
    return this.unique(() => this.end(id, ending, null, also));
  }

  /** Throws `DuplicateError` where a unique value is taken. */
  private unique<T>(update: () => T): T {
    try {
      return update();
    } catch (error) {
      throw isConstraint(error) ? duplicateError(error) : error;
    }
  }

  /** The one way to raise the epoch: only while the kept session, if any, is within it. */
  private end(id: string, ending: Ending, kept: SessionsEnding['kept'], also: Also): AccountRecord | null {
    const sql = `UPDATE accounts SET session_epoch = session_epoch + 1, version = version + 1, kept_session_id = :keptId,
      sessions_ended = :ending, changed_at = :changedAt, one_time_tokens = coalesce(:tokens, ${tokensWhere("= 'REVERT_EMAIL'")})${also.set} WHERE id = :id AND deleted_at IS NULL${also.where}
      AND (:keptId IS NULL OR session_epoch = :keptEpoch OR kept_session_id = :keptId)`;
    const changed = this.connection.run(sql, {
      ...also.values,
      id,
      ending: endingJson(ending),
      changedAt: ending.at,
      keptId: kept?.id ?? null,
      keptEpoch: kept?.epoch ?? null,
      tokens: also.tokens === undefined ? null : tokensJson(also.tokens),
    });
    return changed === 1 ? this.findBy('id', id) : null;
  }

  /** Whether the record is there already, written by an attempt whose answer the caller did not get. */
  private isRepeat(account: AccountRecord): boolean {
    const found = this.findBy('id', account.id);
    return found !== null && found.email === account.email && found.createdAt === account.createdAt;
  }
}

const isConstraint = (error: unknown): error is Error =>
  error instanceof Error && errorCode(error)?.startsWith('SQLITE_CONSTRAINT') === true;

function duplicateError({ message }: Error): DuplicateError {
  return new DuplicateError(message.includes('accounts.username_key') ? 'username' : 'email');
}
