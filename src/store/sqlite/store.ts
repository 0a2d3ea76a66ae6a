import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Change,
  type ChangeFeed,
  type ChangeListener,
  type SessionFeed,
  type SessionListener,
  type Store,
  StoreUnavailableError,
} from '../port.js';
import type {
  AccountQuery,
  Advance,
  AllSessionsQuery,
  AuditQuery,
  AuditSums,
  CreationPosition,
  EmailChange,
  Found,
  Page,
  RevokeSelector,
  SessionPosition,
  SessionQuery,
  SessionsEnding,
  SessionUse,
  SpentToken,
} from '../queries.js';
import type {
  AccountDisabledRecord,
  AccountRecord,
  AuditEventType,
  AuditRecord,
  DeletionRecord,
  Ending,
  EpochMs,
  KeyRecord,
  MailRecord,
  OneTimeTokenRecord,
  SessionRecord,
  SignupRecord,
  TallyRecord,
} from '../records.js';
import { countUpTo, listMerged, listPage, pageOfAll } from '../windows.js';
import { Accounts } from './accounts.js';
import { Audit } from './audit.js';
import { type ChangePosition, type Changes, changesPerLook } from './changes.js';
import type { Checkpointer } from './checkpointer.js';
import type { Connection } from './connection.js';
import { Keys } from './keys.js';
import { Mails } from './mails.js';
import { retryWhileBusy } from './retry.js';
import { usernameKey } from './rows.js';
import type { Run } from './searches.js';
import type { SessionStream } from './session-stream.js';
import { Sessions } from './sessions.js';
import { Signups } from './signups.js';
import { Tallies } from './tallies.js';
import { asStoreError, type Writer } from './writer.js';

/** The port on SQLite: reads run at once and see what is committed, writes go through the `Writer`. */
export class SqliteStore implements Store {
  readonly purgesItself = false;
  private readonly accounts: Accounts;
  private readonly signups: Signups;
  private readonly sessions: Sessions;
  private readonly keys: Keys;
  private readonly audit: Audit;
  private readonly tallies: Tallies;
  private readonly mails: Mails;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly connection: Connection,
    private readonly writer: Writer,
    private readonly feeds: { readonly changes: Changes; readonly sessionStream: SessionStream },
    private readonly checkpointer: Checkpointer | null,
  ) {
    this.accounts = new Accounts(connection);
    this.signups = new Signups(connection);
    this.sessions = new Sessions(connection);
    this.keys = new Keys(connection);
    this.audit = new Audit(connection);
    this.tallies = new Tallies(connection);
    this.mails = new Mails(connection);
  }

  createAccount(account: AccountRecord): Promise<void> {
    return this.write(() => this.accounts.create(account));
  }
  findAccount(id: string): Promise<AccountRecord | null> {
    return this.read(() => this.accounts.findBy('id', id));
  }
  findAccountByEmail(email: string): Promise<AccountRecord | null> {
    return this.read(() => this.accounts.findBy('email', email));
  }
  findAccountByUsername(username: string): Promise<AccountRecord | null> {
    return this.read(() => this.accounts.findBy('username_key', usernameKey(username)));
  }
  recordSignIn(accountId: string, at: EpochMs): Promise<number | null> {
    return this.write(() => this.accounts.recordSignIn(accountId, at));
  }
  rehashPassword(accountId: string, expectedHash: string, newHash: string): Promise<boolean> {
    return this.write(() => this.accounts.rehashPassword(accountId, expectedHash, newHash));
  }
  changePassword(accountId: string, expectedHash: string, newHash: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.changePassword(accountId, expectedHash, newHash, ending));
  }
  endSessions(accountId: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.endSessions(accountId, ending));
  }
  disableAccount(accountId: string, disabled: AccountDisabledRecord, ending: Ending, expected?: number): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.disable(accountId, disabled, ending, expected ?? null));
  }
  enableAccount(accountId: string, expectedRights: number, at: EpochMs): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.enable(accountId, expectedRights, at));
  }
  deleteAccount(accountId: string, expectedRights: number, ending: Ending, expectedEpoch?: number): Promise<boolean> {
    return this.write(() => this.accounts.delete(accountId, expectedRights, ending, expectedEpoch ?? null));
  }
  listDeletions(before: EpochMs, limit: number): Promise<DeletionRecord[]> {
    return this.read(() => this.accounts.deletions(before, limit));
  }
  finishDeletion(accountId: string, purgeAt: EpochMs): Promise<void> {
    return this.write(() => this.accounts.finishDeletion(accountId, purgeAt));
  }
  setRoles(accountId: string, expectedRights: number, roles: readonly string[], at: EpochMs): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.setRoles(accountId, expectedRights, roles, at));
  }
  setUsername(accountId: string, username: string): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.setUsername(accountId, username));
  }
  addOneTimeToken(accountId: string, email: string, token: OneTimeTokenRecord): Promise<boolean> {
    return this.write(() => this.accounts.addOneTimeToken(accountId, email, token));
  }
  resetPassword(accountId: string, spent: SpentToken, newHash: string, ending: Ending): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.resetPassword(accountId, spent, newHash, ending));
  }
  verifyEmail(accountId: string, spent: SpentToken, at: EpochMs): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.verifyEmail(accountId, spent, at));
  }
  changeEmail(accountId: string, spent: SpentToken, change: EmailChange, at: EpochMs): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.changeEmail(accountId, spent, change, at));
  }
  revertEmailChange(accountId: string, spent: SpentToken, change: EmailChange, ending: Ending): Promise<AccountRecord | null> {
    return this.write(() => this.accounts.revertEmailChange(accountId, spent, change, ending));
  }
  findAccounts(ids: readonly string[]): Promise<AccountRecord[]> {
    return this.read(() => [...new Set(ids)].map((id) => this.accounts.findBy('id', id)).filter((account) => account !== null));
  }
  listAccounts(query: AccountQuery, page: Page<CreationPosition>): Promise<Found<AccountRecord>> {
    return listPage(this.accounts.search(query, this.run), page);
  }
  countAccounts(query: AccountQuery, atMost: number): Promise<number> {
    return countUpTo(this.accounts.search(query, this.run), atMost);
  }

  addSignup(signup: SignupRecord): Promise<void> {
    return this.write(() => this.signups.add(signup));
  }
  findSignup(id: string): Promise<SignupRecord | null> {
    return this.read(() => this.signups.find(id));
  }
  listSignups(email: string, now: EpochMs, limit: number): Promise<SignupRecord[]> {
    return this.read(() => this.signups.list(email, now, limit));
  }
  renewSignup(id: string, expectedTokenHash: string, tokenHash: string, expiresAt: EpochMs): Promise<boolean> {
    return this.write(() => this.signups.renew(id, expectedTokenHash, tokenHash, expiresAt));
  }
  removeSignup(id: string, tokenHash: string): Promise<boolean> {
    return this.write(() => this.signups.remove(id, tokenHash));
  }

  createSession(session: SessionRecord): Promise<void> {
    return this.write(() => this.sessions.create(session));
  }
  findSession(id: string): Promise<SessionRecord | null> {
    return this.read(() => this.sessions.find(id));
  }
  findCurrent(sessionId: string, accountId: string): ReturnType<Store['findCurrent']> {
    return this.read(() => ({ session: this.sessions.find(sessionId), account: this.accounts.findBy('id', accountId) }));
  }
  advance(sessionId: string, change: Advance): Promise<boolean> {
    return this.write(() => this.sessions.advance(sessionId, change));
  }
  assertCurrent(sessionId: string, generation: number, at: EpochMs, confirm: boolean): Promise<boolean> {
    return this.write(() => this.sessions.assertCurrent(sessionId, generation, at, confirm));
  }
  reauthenticate(sessionId: string, accountId: string, at: EpochMs): Promise<SessionRecord | null> {
    return this.write(() => this.sessions.reauthenticate(sessionId, accountId, at));
  }
  async recordUses(uses: readonly SessionUse[]): Promise<void> {
    await Promise.all(uses.map((use) => this.write(() => this.sessions.recordUse(use))));
  }
  revoke(sessionId: string, ownerId: string | null, ending: Ending, purgeAt: EpochMs): ReturnType<Store['revoke']> {
    return this.write(() => this.sessions.revoke(sessionId, ownerId, ending, purgeAt));
  }
  revokeWhere(selector: RevokeSelector, ending: Ending, purgeAt: EpochMs): Promise<number> {
    return this.write(() => this.sessions.revokeWhere(selector, ending, purgeAt));
  }
  async revokeMany(ids: readonly string[], ending: Ending, purgeAt: EpochMs): Promise<string[]> {
    const ended = await Promise.all(
      [...new Set(ids)].map((id) => this.write(() => (this.sessions.revoke(id, null, ending, purgeAt)?.ended ? id : null))),
    );
    return ended.filter((id) => id !== null);
  }
  eraseTraces(accountId: string): Promise<void> {
    return this.write(() => {
      this.sessions.erase(accountId);
      this.audit.erase(accountId);
    });
  }
  async listAllSessions(query: AllSessionsQuery, page: Page<SessionPosition>): Promise<Found<SessionRecord>> {
    const { ids } = query;
    if (ids === null) return listPage(this.sessions.search(query, this.run), page);
    return pageOfAll(await this.read(() => this.sessions.listByIds(query, ids, page)), page.limit);
  }
  async countAllSessions(query: AllSessionsQuery, atMost: number): Promise<number> {
    const { ids } = query;
    if (ids === null) return countUpTo(this.sessions.search(query, this.run), atMost);
    return (await this.read(() => this.sessions.listByIds(query, ids, { limit: atMost, after: null }))).length;
  }
  listSessions(query: SessionQuery, page: Page<SessionPosition>): Promise<SessionRecord[]> {
    return this.read(() => this.sessions.list(query, page));
  }
  countSessions(query: SessionQuery, atMost: number): Promise<number> {
    return this.read(() => this.sessions.count(query, atMost));
  }
  findOrdinalBeyond(query: SessionQuery, skip: number): Promise<number | null> {
    return this.read(() => this.sessions.findOrdinalBeyond(query, skip));
  }

  listKeys(): Promise<KeyRecord[]> {
    return this.read(() => this.keys.list());
  }
  addKey(key: KeyRecord): Promise<boolean> {
    return this.write(() => this.keys.add(key));
  }
  addWrapping(keyId: string, secretId: string, ciphertext: string): Promise<void> {
    return this.write(() => this.keys.addWrapping(keyId, secretId, ciphertext));
  }
  removeWrappings(keyId: string, secretIds: readonly string[], kept: Readonly<Record<string, string>>): Promise<boolean> {
    return this.write(() => this.keys.removeWrappings(keyId, secretIds, kept));
  }
  revokeKey(keyId: string, at: EpochMs): Promise<boolean> {
    return this.write(() => this.keys.revoke(keyId, at));
  }

  async appendAudit(events: readonly AuditRecord[]): Promise<void> {
    await Promise.all(events.map((event) => this.write(() => this.audit.append(event))));
  }
  countAudit(event: AuditRecord): Promise<void> {
    return this.write(() => this.audit.count(event));
  }
  async listAudit(query: AuditQuery, page: Page<CreationPosition>): Promise<Found<AuditRecord>> {
    const searches = this.audit.searches(query, this.run);
    const [only] = searches;
    return searches.length === 1 && only !== undefined ? listPage(only, page) : listMerged(searches, page);
  }
  async sumAudit(types: readonly AuditEventType[], edges: readonly EpochMs[]): Promise<AuditSums[]> {
    const sums: AuditSums[] = [];
    for (const [index, to] of edges.slice(1).entries()) {
      sums.push(await this.read(() => this.audit.sum(types, edges[index] ?? to, to)));
      // The statements run in this thread: other requests have their turn in between.
      await nextTurn();
    }
    return sums;
  }

  findTallies(keys: readonly string[]): Promise<TallyRecord[]> {
    return this.read(() => this.tallies.find(keys));
  }
  replaceTally(tally: TallyRecord, expectedStamp: string | null): Promise<boolean> {
    return this.write(() => this.tallies.replace(tally, expectedStamp));
  }
  putMail(mail: MailRecord): Promise<void> {
    return this.write(() => this.mails.put(mail));
  }
  /** Looks first: a transaction costs the disk a write, and most of the time nothing is due. */
  async claimMails(dueBy: EpochMs, claim: Parameters<Store['claimMails']>[1], limit: number): Promise<MailRecord[]> {
    const isAnyDue = await this.read(() => this.mails.isAnyDue(dueBy));
    return isAnyDue ? this.write(() => this.mails.claim(dueBy, claim, limit)) : [];
  }
  releaseMail(id: string, claimId: string, dueAt: EpochMs): Promise<boolean> {
    return this.write(() => this.mails.release(id, claimId, dueAt));
  }
  removeMail(id: string, claimId: string | null): Promise<boolean> {
    return this.write(() => this.mails.remove(id, claimId));
  }

  watchChanges(listener: ChangeListener): Promise<ChangeFeed | null> {
    return this.read(() => this.feeds.changes.watch(listener));
  }
  watchSessions(listener: SessionListener): Promise<SessionFeed | null> {
    return this.feeds.sessionStream.watch(listener, (job) => this.write(job));
  }
  /** Each look at the file is one. */
  async beat(): Promise<void> {}
  async recentChanges(since: EpochMs, atMost: number): Promise<Change[]> {
    const bySubject = new Map<string, Change[]>();
    let position: ChangePosition | null = { at: since, seq: -1 };
    for (let left = atMost; left > 0 && position !== null; left -= changesPerLook) {
      const from: ChangePosition = position;
      const part = await this.read(() => this.feeds.changes.recent(from, left));
      for (const [subject, changes] of part.bySubject) bySubject.set(subject, changes);
      position = part.next;
      // The statements run in this thread: other requests have their turn in between.
      await nextTurn();
    }
    return [...bySubject.values()].flat();
  }
  forgetChanges(before: EpochMs, limit: number): Promise<number> {
    return this.write(() => this.feeds.changes.forget(before, limit));
  }

  async ping(): Promise<void> {
    await this.read(() => this.connection.number('SELECT count(*) FROM keys', {}));
  }
  readClock(): Promise<EpochMs | null> {
    return this.read(() => null);
  }
  purge(now: EpochMs, limit: number): Promise<number> {
    return this.write(() => {
      let removed = 0;
      const all = [this.sessions, this.signups, this.accounts, this.audit, this.tallies, this.mails];
      for (const records of all) removed += records.purge(now, limit - removed);
      return removed;
    });
  }
  close(): Promise<void> {
    this.closing ??= this.letGo();
    return this.closing;
  }

  private write<T>(job: () => T): Promise<T> {
    return this.writer.write(job);
  }

  private readonly run: Run = (query) => this.read(query);

  private async read<T>(query: () => T): Promise<T> {
    if (this.closing !== null) throw new StoreUnavailableError(new Error('the store is closed'));
    try {
      return await retryWhileBusy(query);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  private async letGo(): Promise<void> {
    await this.writer.close();
    this.feeds.changes.close();
    this.feeds.sessionStream.close();
    this.checkpointer?.close();
    this.connection.close();
  }
}
