import type { Connection, mongo } from 'mongoose';
import type { Change, ChangeFeed, ChangeListener, SessionFeed, SessionListener, Store } from '../port.js';
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
import { Changes } from './changes.js';
import { standingOf } from './documents.js';
import type { Guard } from './guard.js';
import { Keys } from './keys.js';
import { Mails } from './mails.js';
import { modelsOn, type ReadConcern } from './models.js';
import type { Run } from './searches.js';
import { SessionStream } from './session-stream.js';
import { Sessions } from './sessions.js';
import { Signups } from './signups.js';
import { Tallies } from './tallies.js';

/** A batch may be long; what has to be done in time is each command of it, and a command is done well within it. */
const usesPerCommand = 50;
/** Documents of one insertion, which must be done within the time of a verb. */
const insertsAtOnce = 100;
/** Updates that share the time of one verb, and the connections of the pool. */
const updatesAtOnce = 20;

/** A feed that nobody waits for any more would hold a connection for good. */
const abandon = (feed: SessionFeed | null): void => void feed?.close();

/** The port on MongoDB. */
export class MongoStore implements Store {
  /** By the TTL index on `purgeAt`. */
  readonly purgesItself = true;
  private readonly accounts: Accounts;
  private readonly signups: Signups;
  private readonly sessions: Sessions;
  private readonly keys: Keys;
  private readonly audit: Audit;
  private readonly tallies: Tallies;
  private readonly mails: Mails;
  private readonly changes: Changes;
  private readonly sessionStream: SessionStream;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly connection: Connection,
    private readonly guard: Guard,
    /** `linearizable` where the server has it: a deposed primary that has not noticed yet must not answer. */
    private readonly strongestRead: ReadConcern,
  ) {
    const models = modelsOn(connection);
    this.accounts = new Accounts(models.accounts, guard.limits);
    this.signups = new Signups(models.signups);
    this.sessions = new Sessions(models.sessions, guard.limits);
    this.keys = new Keys(models.keys);
    this.audit = new Audit(models.audit, guard.limits);
    this.tallies = new Tallies(models.tallies);
    this.mails = new Mails(models.mails);
    this.changes = new Changes(() => this.database(), models);
    this.sessionStream = new SessionStream(models.sessions.collection.collectionName, () => this.database());
  }

  createAccount(account: AccountRecord): Promise<void> {
    return this.guard.run(() => this.accounts.create(account));
  }
  findAccount(id: string): Promise<AccountRecord | null> {
    return this.guard.run(() => this.accounts.find(id));
  }
  findAccountByEmail(email: string): Promise<AccountRecord | null> {
    return this.guard.run(() => this.accounts.findByEmail(email));
  }
  findAccountByUsername(username: string): Promise<AccountRecord | null> {
    return this.guard.run(() => this.accounts.findByUsername(username));
  }
  recordSignIn(accountId: string, at: EpochMs): Promise<number | null> {
    return this.guard.run(() => this.accounts.recordSignIn(accountId, at));
  }
  rehashPassword(accountId: string, expectedHash: string, newHash: string): Promise<boolean> {
    return this.guard.run(() => this.accounts.rehashPassword(accountId, expectedHash, newHash));
  }
  changePassword(accountId: string, expectedHash: string, newHash: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.changePassword(accountId, expectedHash, newHash, ending));
  }
  endSessions(accountId: string, ending: SessionsEnding): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.endSessions(accountId, ending));
  }
  disableAccount(accountId: string, disabled: AccountDisabledRecord, ending: Ending, expected?: number): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.disable(accountId, disabled, ending, expected ?? null));
  }
  enableAccount(accountId: string, expectedRights: number, at: EpochMs): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.enable(accountId, expectedRights, at));
  }
  deleteAccount(accountId: string, expectedRights: number, ending: Ending, expectedEpoch?: number): Promise<boolean> {
    return this.guard.run(async () => {
      const standing = await this.accounts.delete(accountId, expectedRights, ending, expectedEpoch ?? null);
      if (standing !== null) this.changes.accountChanged(standing);
      return standing !== null;
    });
  }
  listDeletions(before: EpochMs, limit: number): Promise<DeletionRecord[]> {
    return this.guard.run(() => this.accounts.deletions(before, limit));
  }
  finishDeletion(accountId: string, purgeAt: EpochMs): Promise<void> {
    return this.guard.run(() => this.accounts.finishDeletion(accountId, purgeAt));
  }
  setRoles(accountId: string, expectedRights: number, roles: readonly string[], at: EpochMs): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.setRoles(accountId, expectedRights, roles, at));
  }
  setUsername(accountId: string, username: string): Promise<AccountRecord | null> {
    return this.guard.run(() => this.accounts.setUsername(accountId, username));
  }
  addOneTimeToken(accountId: string, email: string, token: OneTimeTokenRecord): Promise<boolean> {
    return this.guard.run(() => this.accounts.addOneTimeToken(accountId, email, token));
  }
  resetPassword(accountId: string, spent: SpentToken, newHash: string, ending: Ending): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.resetPassword(accountId, spent, newHash, ending));
  }
  verifyEmail(accountId: string, spent: SpentToken, at: EpochMs): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.verifyEmail(accountId, spent, at));
  }
  changeEmail(accountId: string, spent: SpentToken, change: EmailChange, at: EpochMs): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.changeEmail(accountId, spent, change, at));
  }
  revertEmailChange(accountId: string, spent: SpentToken, change: EmailChange, ending: Ending): Promise<AccountRecord | null> {
    return this.changing(() => this.accounts.revertEmailChange(accountId, spent, change, ending));
  }
  findAccounts(ids: readonly string[]): Promise<AccountRecord[]> {
    return this.guard.run(() => this.accounts.findMany(ids));
  }
  listAccounts(query: AccountQuery, page: Page<CreationPosition>): Promise<Found<AccountRecord>> {
    return listPage(this.accounts.search(query, this.run), page);
  }
  countAccounts(query: AccountQuery, atMost: number): Promise<number> {
    return countUpTo(this.accounts.search(query, this.run), atMost);
  }

  addSignup(signup: SignupRecord): Promise<void> {
    return this.guard.run(() => this.signups.add(signup));
  }
  findSignup(id: string): Promise<SignupRecord | null> {
    return this.guard.run(() => this.signups.find(id));
  }
  listSignups(email: string, now: EpochMs, limit: number): Promise<SignupRecord[]> {
    return this.guard.run(() => this.signups.list(email, now, limit));
  }
  renewSignup(id: string, expectedTokenHash: string, tokenHash: string, expiresAt: EpochMs): Promise<boolean> {
    return this.guard.run(() => this.signups.renew(id, expectedTokenHash, tokenHash, expiresAt));
  }
  removeSignup(id: string, tokenHash: string): Promise<boolean> {
    return this.guard.run(() => this.signups.remove(id, tokenHash));
  }

  createSession(session: SessionRecord): Promise<void> {
    return this.guard.run(() => this.sessions.create(session));
  }
  findSession(id: string): Promise<SessionRecord | null> {
    return this.guard.run(() => this.sessions.find(id));
  }
  findCurrent(sessionId: string, accountId: string): ReturnType<Store['findCurrent']> {
    return this.guard.run(async () => {
      const [session, account] = await Promise.all([
        this.sessions.find(sessionId, this.strongestRead),
        this.accounts.find(accountId, this.strongestRead),
      ]);
      return { session, account };
    });
  }
  advance(sessionId: string, change: Advance): Promise<boolean> {
    return this.guard.run(() => this.sessions.advance(sessionId, change));
  }
  assertCurrent(sessionId: string, generation: number, at: EpochMs, confirm: boolean): Promise<boolean> {
    return this.guard.run(() => this.sessions.assertCurrent(sessionId, generation, at, confirm));
  }
  reauthenticate(sessionId: string, accountId: string, at: EpochMs): Promise<SessionRecord | null> {
    return this.guard.run(() => this.sessions.reauthenticate(sessionId, accountId, at));
  }
  async recordUses(uses: readonly SessionUse[]): Promise<void> {
    for (let start = 0; start < uses.length; start += usesPerCommand) {
      await this.guard.run(() => this.sessions.recordUses(uses.slice(start, start + usesPerCommand)));
    }
  }
  revoke(sessionId: string, ownerId: string | null, ending: Ending, purgeAt: EpochMs): ReturnType<Store['revoke']> {
    return this.guard.run(async () => {
      const result = await this.sessions.revoke(sessionId, ownerId, ending, purgeAt);
      if (result !== null) this.changes.sessionRevoked(result.session);
      return result;
    });
  }
  revokeWhere(selector: RevokeSelector, ending: Ending, purgeAt: EpochMs): Promise<number> {
    return this.guard.run(async () => {
      const { ids, count } = await this.sessions.revokeWhere(selector, ending, purgeAt);
      for (const id of ids) this.changes.sessionRevoked({ id, revoked: ending });
      return count;
    });
  }
  async revokeMany(ids: readonly string[], ending: Ending, purgeAt: EpochMs): Promise<string[]> {
    const distinct = [...new Set(ids)];
    const ended: string[] = [];
    for (let start = 0; start < distinct.length; start += updatesAtOnce) {
      const some = distinct.slice(start, start + updatesAtOnce);
      const now = await this.guard.run(() => this.sessions.revokeMany(some, ending, purgeAt));
      for (const id of now) this.changes.sessionRevoked({ id, revoked: ending });
      ended.push(...now);
    }
    return ended;
  }
  eraseTraces(accountId: string): Promise<void> {
    return this.guard.run(async () => {
      await this.sessions.erase(accountId);
      await this.audit.erase(accountId);
    });
  }
  async listAllSessions(query: AllSessionsQuery, page: Page<SessionPosition>): Promise<Found<SessionRecord>> {
    const { ids } = query;
    if (ids === null) return listPage(this.sessions.search(query, this.run), page);
    return pageOfAll(await this.guard.run(() => this.sessions.listByIds(query, ids, page)), page.limit);
  }
  async countAllSessions(query: AllSessionsQuery, atMost: number): Promise<number> {
    const { ids } = query;
    if (ids === null) return countUpTo(this.sessions.search(query, this.run), atMost);
    return (await this.guard.run(() => this.sessions.listByIds(query, ids, { limit: atMost, after: null }))).length;
  }
  listSessions(query: SessionQuery, page: Page<SessionPosition>): Promise<SessionRecord[]> {
    return this.guard.run(() => this.sessions.list(query, page));
  }
  countSessions(query: SessionQuery, atMost: number): Promise<number> {
    return this.guard.run(() => this.sessions.count(query, atMost));
  }
  findOrdinalBeyond(query: SessionQuery, skip: number): Promise<number | null> {
    return this.guard.run(() => this.sessions.findOrdinalBeyond(query, skip));
  }

  listKeys(): Promise<KeyRecord[]> {
    return this.guard.run(() => this.keys.list());
  }
  addKey(key: KeyRecord): Promise<boolean> {
    return this.changingKeys(() => this.keys.add(key));
  }
  addWrapping(keyId: string, secretId: string, ciphertext: string): Promise<void> {
    return this.guard.run(() => this.keys.addWrapping(keyId, secretId, ciphertext));
  }
  removeWrappings(keyId: string, secretIds: readonly string[], kept: Readonly<Record<string, string>>): Promise<boolean> {
    return this.guard.run(() => this.keys.removeWrappings(keyId, secretIds, kept));
  }
  revokeKey(keyId: string, at: EpochMs): Promise<boolean> {
    return this.changingKeys(() => this.keys.revoke(keyId, at));
  }

  async appendAudit(events: readonly AuditRecord[]): Promise<void> {
    for (let start = 0; start < events.length; start += insertsAtOnce) {
      await this.guard.run(() => this.audit.append(events.slice(start, start + insertsAtOnce)));
    }
  }
  countAudit(event: AuditRecord): Promise<void> {
    return this.guard.run(() => this.audit.count(event));
  }
  async listAudit(query: AuditQuery, page: Page<CreationPosition>): Promise<Found<AuditRecord>> {
    const searches = this.audit.searches(query, this.run);
    const [only] = searches;
    return searches.length === 1 && only !== undefined ? listPage(only, page) : listMerged(searches, page);
  }
  sumAudit(types: readonly AuditEventType[], edges: readonly EpochMs[]): Promise<AuditSums[]> {
    return this.guard.run(() => this.audit.sum(types, edges));
  }

  findTallies(keys: readonly string[]): Promise<TallyRecord[]> {
    return this.guard.run(() => this.tallies.find(keys));
  }
  replaceTally(tally: TallyRecord, expectedStamp: string | null): Promise<boolean> {
    return this.guard.run(() => this.tallies.replace(tally, expectedStamp));
  }
  putMail(mail: MailRecord): Promise<void> {
    return this.guard.run(() => this.mails.put(mail));
  }
  claimMails(dueBy: EpochMs, claim: Parameters<Store['claimMails']>[1], limit: number): Promise<MailRecord[]> {
    return this.guard.run(() => this.mails.claim(dueBy, claim, limit));
  }
  releaseMail(id: string, claimId: string, dueAt: EpochMs): Promise<boolean> {
    return this.guard.run(() => this.mails.release(id, claimId, dueAt));
  }
  removeMail(id: string, claimId: string | null): Promise<boolean> {
    return this.guard.run(() => this.mails.remove(id, claimId));
  }

  watchChanges(listener: ChangeListener): Promise<ChangeFeed | null> {
    return this.guard.run(() => this.changes.watch(listener), abandon);
  }
  watchSessions(listener: SessionListener): Promise<SessionFeed | null> {
    return this.guard.run(() => this.sessionStream.watch(listener), abandon);
  }
  beat(): Promise<void> {
    return this.guard.run(() => this.changes.beat());
  }
  recentChanges(since: EpochMs, atMost: number): Promise<Change[]> {
    return this.guard.run(() => this.changes.recent(since, atMost));
  }
  /** The records themselves say when they changed. */
  forgetChanges(): Promise<number> {
    return this.guard.run(async () => 0);
  }

  async ping(): Promise<void> {
    await this.command({ ping: 1 });
  }
  async readClock(): Promise<EpochMs | null> {
    const { localTime } = await this.command({ hello: 1 });
    return localTime instanceof Date ? localTime.getTime() : null;
  }
  purge(now: EpochMs, limit: number): Promise<number> {
    return this.guard.run(async () => {
      let removed = 0;
      for (const records of [this.sessions, this.signups, this.accounts, this.audit, this.tallies, this.mails]) {
        if (removed < limit) removed += await records.purge(now, limit - removed);
      }
      return removed;
    });
  }
  close(): Promise<void> {
    this.closing ??= this.letGo();
    return this.closing;
  }

  private readonly run: Run = (query) => this.guard.run(query);

  private command(command: Record<string, 1>): Promise<Record<string, unknown>> {
    return this.guard.run(async () => this.database().admin().command(command));
  }

  private database(): mongo.Db {
    if (this.connection.db === undefined) throw new Error('not connected');
    return this.connection.db;
  }

  private changingKeys(verb: () => Promise<boolean>): Promise<boolean> {
    return this.guard.run(async () => {
      const isChanged = await verb();
      if (isChanged) this.changes.tell({ kind: 'keys-changed' });
      return isChanged;
    });
  }

  /** A change of an account acts in this process before its promise settles. */
  private changing(verb: () => Promise<AccountRecord | null>): Promise<AccountRecord | null> {
    return this.guard.run(async () => {
      const account = await verb();
      if (account !== null) this.changes.accountChanged(standingOf(account));
      return account;
    });
  }

  private async letGo(): Promise<void> {
    await this.sessionStream.close();
    await this.changes.close();
    await this.guard.close();
    await this.connection.close();
  }
}
