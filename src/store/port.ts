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
} from './queries.js';
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
} from './records.js';

/**
 * The store port: every question and every change that the product needs of its database, in domain words.
 *
 * Common to all methods:
 * - Each is atomic by itself: it takes effect as a whole or not at all, and two at once behave as if one came first.
 * - When a promise of a write resolves, the change is durable. When it rejects with `StoreUnavailableError` the change
 *   may or may not have happened: callers repeat, so every verb is safe to repeat or is a compare-and-set.
 * - Every method rejects with `StoreUnavailableError` within 3 s when the database does not answer.
 * - Ids, secrets, hashes and instants come in as arguments: an adapter has neither a clock nor randomness.
 * - Ended and expired rows count unless the comment says otherwise.
 * - A deleted account is none, for every verb but `listDeletions`, `finishDeletion` and `purge`.
 */

/** What of an account decides about its access tokens. */
export interface AccountStanding
  extends Pick<AccountRecord, 'id' | 'version' | 'sessionEpoch' | 'keptSessionId' | 'sessionsEnded' | 'roles' | 'disabled'> {
  /** `sessionsEnded` then says when and by whom. */
  readonly deleted: boolean;
}

/** What every node must know at once. A change may be told twice, and then as it is by now: the newest state counts. */
export type Change =
  | { readonly kind: 'session-revoked'; readonly sessionId: string; readonly ending: Ending }
  /** Its `version` rose. */
  | { readonly kind: 'account-changed'; readonly account: AccountStanding }
  /** A key of the server was added or revoked. */
  | { readonly kind: 'keys-changed' }
  /** Proof of life: what was committed before `at`, by the database's clock, has been told. Null: before this moment. */
  | { readonly kind: 'beat'; readonly at: EpochMs | null };

export interface ChangeListener {
  readonly onChange: (change: Change) => void;
  /** The feed has ended; what happened since is not told. Called at most once, and not after `close`. */
  readonly onLost: (cause: unknown) => void;
}
export interface SessionFeed {
  close(): Promise<void>;
}

export interface ChangeFeed extends SessionFeed {
  /** Tells now what there is to be told already, where finding out costs next to nothing; else does nothing. Never throws. */
  catchUp(): void;
}

export const sessionChangeKinds = ['CREATED', 'REFRESHED', 'REVOKED'] as const;

/** What happened to one session. REFRESHED: its generation rose; answers within the grace are none. */
export interface SessionChange {
  readonly kind: (typeof sessionChangeKinds)[number];
  readonly sessionId: string;
  readonly accountId: string;
  /** When it happened, by the clock of the node that did it. */
  readonly at: EpochMs;
}

export interface SessionListener {
  /** Changes of one session come in their order. */
  readonly onChange: (change: SessionChange) => void;
  /** As `ChangeListener.onLost`. */
  readonly onLost: (cause: unknown) => void;
}

export interface Store {
  // ------------------------------------------------------------------------------------------------ accounts
  /** Adds an account; one of the same id, address and `createdAt` is the same one, repeated. Throws `DuplicateError` (`email` or `username`; by unique index, so that of many at once one wins). */
  createAccount(account: AccountRecord): Promise<void>;
  /** Null when there is none. */
  findAccount(id: string): Promise<AccountRecord | null>;
  /** `email` normalized. Null when there is none. */
  findAccountByEmail(email: string): Promise<AccountRecord | null>;
  /** Without regard to case. Null when there is none. */
  findAccountByUsername(username: string): Promise<AccountRecord | null>;
  /**
   * Takes the account's next sign-in number and sets `lastLoginAt`; `version` stays. Returns the number (each caller another
   * one), or null when there is no such account.
   */
  recordSignIn(accountId: string, at: EpochMs): Promise<number | null>;
  /** Replaces the hash of the *same* password, if it is still `expectedHash`. False when it is not. `version` stays. */
  rehashPassword(accountId: string, expectedHash: string, newHash: string): Promise<boolean>;
  /**
   * Sets another password, if the hash is still `expectedHash`, sets `passwordChangedAt` to `ending.at` and ends the account's
   * sessions, in one step. Returns the account afterwards; null (and nothing changed) when the hash differs, the kept session
   * is no longer within the epoch, or there is no such account.
   */
  changePassword(accountId: string, expectedHash: string, newHash: string, ending: SessionsEnding): Promise<AccountRecord | null>;
  /**
   * Raises `sessionEpoch` and `version` by one, sets `keptSessionId` and `sessionsEnded`, and removes the one-time tokens that are void by that,
   * as does every verb that ends an account's sessions. Returns the account afterwards;
   * null (and nothing changed) when there is none or the kept session is no longer within the epoch: a session that another
   * "end all" has ended must not come back.
   */
  endSessions(accountId: string, ending: SessionsEnding): Promise<AccountRecord | null>;
  /**
   * Disables the account and ends its sessions in one step; raises `rightsVersion`, too. Returns the account afterwards; null (and nothing
   * changed) when there is none, or its `rightsVersion` is not the expected one, if one is given.
   */
  disableAccount(
    accountId: string,
    disabled: AccountDisabledRecord,
    ending: Ending,
    expectedRights?: number,
  ): Promise<AccountRecord | null>;
  /**
   * Takes `disabled` away if `rightsVersion` is still `expectedRights`, and raises it and `version`. Returns the account afterwards; null when it
   * is not, or there is no such account.
   */
  enableAccount(accountId: string, expectedRights: number, at: EpochMs): Promise<AccountRecord | null>;
  /**
   * Leaves nothing of the account but its id, its instants of creation and deletion, and `ending`, if `rightsVersion` is still `expectedRights`
   * and, where that is given, `sessionEpoch` still `expectedEpoch`: address and username are free from then on. Raises epoch and versions. False (and nothing changed) when that differs or there is no such
   * account.
   */
  deleteAccount(accountId: string, expectedRights: number, ending: Ending, expectedEpoch?: number): Promise<boolean>;
  /** Deletions of before that instant that `finishDeletion` was not called for; at most `limit`, in no order. */
  listDeletions(before: EpochMs, limit: number): Promise<DeletionRecord[]>;
  /** Notes that nothing is left to do for a deletion: the rest of the account goes at `purgeAt`, and not before this was called. */
  finishDeletion(accountId: string, purgeAt: EpochMs): Promise<void>;
  /**
   * Replaces the roles if `rightsVersion` is still `expectedRights`, and raises it and `version`. Returns the account afterwards; null when it
   * is not, or there is no such account.
   */
  setRoles(accountId: string, expectedRights: number, roles: readonly string[], at: EpochMs): Promise<AccountRecord | null>;
  /**
   * Sets the username, whatever it was; `version` stays. Returns the account afterwards; null when there is no such account. Throws
   * `DuplicateError` (`username`) when another account has it.
   */
  setUsername(accountId: string, username: string): Promise<AccountRecord | null>;
  /**
   * Adds a one-time token, if the account still has the address `email` and the epoch of the token; keeps the 5 newest of its purpose. `version`
   * stays. False (and nothing changed) when one of these does not hold or there is no such account.
   */
  addOneTimeToken(accountId: string, email: string, token: OneTimeTokenRecord): Promise<boolean>;
  /**
   * This and the next three spend a one-time token: check, spending and effect are one step, which raises `version`. They return the account
   * afterwards; null (and nothing changed) when `version` is not the expected one, the account has no token of that hash, or there is no such
   * account. Of many at once with one token, one wins. Whether it is expired or void the caller has seen at that version.
   *
   * Sets a password, also where there was none, sets `passwordChangedAt` to `ending.at`, notes that the address is verified, ends the account's
   * sessions and makes its tokens void.
   */
  resetPassword(accountId: string, spent: SpentToken, newHash: string, ending: Ending): Promise<AccountRecord | null>;
  /** Notes that the address is verified, and removes all tokens of the purpose `VERIFY`. */
  verifyEmail(accountId: string, spent: SpentToken, at: EpochMs): Promise<AccountRecord | null>;
  /** Replaces address and tokens; the address counts as verified. Throws `DuplicateError` (`email`) when another account has it: nothing is spent then. */
  changeEmail(accountId: string, spent: SpentToken, change: EmailChange, at: EpochMs): Promise<AccountRecord | null>;
  /** As `changeEmail`; also removes the password and ends the account's sessions. */
  revertEmailChange(accountId: string, spent: SpentToken, change: EmailChange, ending: Ending): Promise<AccountRecord | null>;
  /** Those that there are, in no order. At most 1,000 ids. */
  findAccounts(ids: readonly string[]): Promise<AccountRecord[]>;
  /** Newest first, by index. An account that is made meanwhile may be missing. */
  listAccounts(query: AccountQuery, page: Page<CreationPosition>): Promise<Found<AccountRecord>>;
  /** Stops counting at `atMost`. It reads piece by piece, in as much time as that takes: the answer is of no single instant. */
  countAccounts(query: AccountQuery, atMost: number): Promise<number>;

  // ------------------------------------------------------------------------------------- sign-ups that wait
  /** Adds a sign-up; nothing happens when the id is known. */
  addSignup(signup: SignupRecord): Promise<void>;
  /** Null when there is none; also one that has expired. */
  findSignup(id: string): Promise<SignupRecord | null>;
  /** Those for this address that have not expired at `now`, newest first, at most `limit`. */
  listSignups(email: string, now: EpochMs, limit: number): Promise<SignupRecord[]>;
  /** Gives the sign-up another token and end. False when there is none, or its token is not the expected one. */
  renewSignup(id: string, expectedTokenHash: string, tokenHash: string, expiresAt: EpochMs): Promise<boolean>;
  /** Removes the sign-up if that is its token. Of many at once, one gets true. */
  removeSignup(id: string, tokenHash: string): Promise<boolean>;

  // ------------------------------------------------------------------------------------------------ sessions
  /** Adds a session; nothing happens when the id is known, so a call whose answer was lost can be repeated. */
  createSession(session: SessionRecord): Promise<void>;
  /** Null when there is none. */
  findSession(id: string): Promise<SessionRecord | null>;
  /**
   * A session and an account, each null when there is none, as the latest acknowledged writes left them: also where another node
   * wrote, and where the database itself is split, at the price of a slower read.
   */
  findCurrent(
    sessionId: string,
    accountId: string,
  ): Promise<{ readonly session: SessionRecord | null; readonly account: AccountRecord | null }>;
  /**
   * Compare-and-set to generation `expectedGeneration + 1`: only if the session is still at `expectedGeneration`, not revoked,
   * and `idleExpiresAt > at`. Sets attempt id, `lastSeenAt` (to `at`), `idleExpiresAt` and `purgeAt`, appends `at` to
   * `rotations` and keeps the last 8. Says whether it did; false also when there is no such session.
   */
  advance(sessionId: string, change: Advance): Promise<boolean>;
  /**
   * A write that changes nothing but `lastSeenAt` (never backwards), made so that an answer without rotation is ordered
   * before or after a revoke: true only if the session is still at `generation`, not revoked, and `idleExpiresAt > at`. With
   * `confirm`, also notes that the client holds `generation` (unless that was known).
   */
  assertCurrent(sessionId: string, generation: number, at: EpochMs, confirm: boolean): Promise<boolean>;
  /**
   * Sets `authenticatedAt`, if the session is that account's, not revoked, and `idleExpiresAt > at`; of two at once the later one stands.
   * Returns the record as it was at some moment after that (perhaps revoked by then); null, and nothing changed, when one of these does not
   * hold or there is no such session.
   */
  reauthenticate(sessionId: string, accountId: string, at: EpochMs): Promise<SessionRecord | null>;
  /**
   * Writes noted uses: `lastSeenAt` (never backwards), and for a use of the present generation that was not confirmed yet
   * `confirmedGeneration` and `confirmedAt`. Revoked and unknown sessions are left alone. Each use is atomic, the batch is not.
   */
  recordUses(uses: readonly SessionUse[]): Promise<void>;
  /**
   * Ends a session, unless it is revoked already; sets `purgeAt`. One past its idle end too: the clock that says so may have leapt,
   * and a revoke that was acknowledged must hold. With `ownerId` only that account's. Returns the record afterwards and whether this call ended it; null when there is none (or another's).
   */
  revoke(
    sessionId: string,
    ownerId: string | null,
    ending: Ending,
    purgeAt: EpochMs,
  ): Promise<{ readonly session: SessionRecord; readonly ended: boolean } | null>;
  /**
   * Ends the selected sessions that are neither revoked nor past their idle end at `ending.at`, and says how many. The caller
   * has ended them already by the account's epoch, or repeats: on MongoDB a crash may leave some of them unmarked.
   */
  revokeWhere(selector: RevokeSelector, ending: Ending, purgeAt: EpochMs): Promise<number>;
  /**
   * Ends each of these sessions (at most 1,000) that is not revoked already, as `revoke` does, and gives the ids of those that this call
   * ended, in no order. Each end is atomic, the batch is not: when it rejects, some may be ended.
   */
  revokeMany(ids: readonly string[], ending: Ending, purgeAt: EpochMs): Promise<string[]>;
  /**
   * Removes address, user agent and device of every session of the account, ended ones too, and address and user agent of the events of the
   * audit log that happened to it, but for those of other accounts' acts.
   */
  eraseTraces(accountId: string): Promise<void>;
  /** Sessions of all accounts, newest first, by index. */
  listAllSessions(query: AllSessionsQuery, page: Page<SessionPosition>): Promise<Found<SessionRecord>>;
  /** As `countAccounts` counts. */
  countAllSessions(query: AllSessionsQuery, atMost: number): Promise<number>;
  /** Newest sign-in first (`createdAt`, then `id`, descending), by index. */
  listSessions(query: SessionQuery, page: Page<SessionPosition>): Promise<SessionRecord[]>;
  /** Stops counting at `atMost`. */
  countSessions(query: SessionQuery, atMost: number): Promise<number>;
  /** The sign-in number of the (skip + 1)-th highest ACTIVE session; null when there are at most `skip`. */
  findOrdinalBeyond(query: SessionQuery, skip: number): Promise<number | null>;

  // ---------------------------------------------------------------------------------------------------- keys
  /** All keys, in order of purpose and sequence. */
  listKeys(): Promise<KeyRecord[]>;
  /** Adds a key. False, and nothing written, when the id or the purpose's sequence number is taken. */
  addKey(key: KeyRecord): Promise<boolean>;
  /** Adds the ciphertext under one more secret; replaces one already there for that secret. */
  addWrapping(keyId: string, secretId: string, ciphertext: string): Promise<void>;
  /**
   * Removes the ciphertexts under `secretIds`, only if those in `kept` are there exactly as given, so that of two that keep different ones the
   * second removes nothing. Says whether it did; false also when there is no such key.
   */
  removeWrappings(keyId: string, secretIds: readonly string[], kept: Readonly<Record<string, string>>): Promise<boolean>;
  /** Sets `revokedAt`, once. True if this call set it; false when it was set, there is no such key, or it is not a `signing` one. */
  revokeKey(keyId: string, at: EpochMs): Promise<boolean>;

  // --------------------------------------------------------------------------------------------------- audit
  /** Adds events (at most 1,000); those whose id is known are left as they are. Each is atomic, the batch is not: when it rejects, some may be there. */
  appendAudit(events: readonly AuditRecord[]): Promise<void>;
  /**
   * Adds the event or, where its id is known, its `count` to that of the record, which else stays as it is. Exact under any number of
   * calls at once. The one verb that a repeat after a lost reply may apply twice: a count is then too high, never too low.
   */
  countAudit(event: AuditRecord): Promise<void>;
  /** Newest first, by index. */
  listAudit(query: AuditQuery, page: Page<CreationPosition>): Promise<Found<AuditRecord>>;
  /**
   * The sums of `count` of these types (each once) between each of the instants `edges` (ascending, 2 or more) and the next, which is not
   * included; by index, each record once. The answer is of no single instant.
   */
  sumAudit(types: readonly AuditEventType[], edges: readonly EpochMs[]): Promise<AuditSums[]>;

  // ------------------------------------------------------------------------------------------------- tallies
  /** Those that there are, in no order, due ones too. At most 100 keys. */
  findTallies(keys: readonly string[]): Promise<TallyRecord[]>;
  /**
   * Compare-and-set: writes the record if the one of its key still has this stamp, or, with null, if there is none. Says whether it did: of
   * many that have read the same one, exactly one has written.
   */
  replaceTally(tally: TallyRecord, expectedStamp: string | null): Promise<boolean>;

  // -------------------------------------------------------------------------------------------------- outbox
  /** Adds a mail; nothing happens when the id is known, so a call whose answer was lost can be repeated. */
  putMail(mail: MailRecord): Promise<void>;
  /**
   * Takes at most `limit` mails whose `dueAt` is not after `dueBy`, those longest due first: sets `claimId` (a fresh random one), moves `dueAt`
   * to `until` and counts the attempt. Gives them as they are then, none when nothing is due. Of many callers at once one at most gets a mail,
   * and nobody gets it again before `until`. Each claim is atomic, the batch is not: when it rejects, some may be claimed until then.
   */
  claimMails(dueBy: EpochMs, claim: { readonly id: string; readonly until: EpochMs }, limit: number): Promise<MailRecord[]>;
  /** Gives a mail back, due at `dueAt`, if the claim is still `claimId`. Says whether it did; false also when there is no such mail. */
  releaseMail(id: string, claimId: string, dueAt: EpochMs): Promise<boolean>;
  /** Removes a mail, with `claimId` only while that is its claim. Says whether it did; false also when there is no such mail. */
  removeMail(id: string, claimId: string | null): Promise<boolean>;

  // ------------------------------------------------------------------------------------------------- changes
  /**
   * Tells the listener of every change from the moment on at which the promise resolves; changes made through this very store are told
   * before their own promises resolve. Null where the database has no such feed.
   */
  watchChanges(listener: ChangeListener): Promise<ChangeFeed | null>;
  /**
   * Tells the listener of every session that is made, refreshed or revoked, here or by another process, from the moment on at which the promise
   * resolves. A stream of its own, so that its traffic never delays that of `watchChanges`. A session that an account's epoch has ended is told
   * of when its record is marked: one that a crash left unmarked is never told of. Null where the database has no such feed.
   */
  watchSessions(listener: SessionListener): Promise<SessionFeed | null>;
  /** Asks for a beat to be told soon, on every node. */
  beat(): Promise<void>;
  /** The changes since that instant (beats apart), each session and account once, in no order; at most `atMost`, repeats counted. */
  recentChanges(since: EpochMs, atMost: number): Promise<Change[]>;
  /** Removes at most `limit` entries of changes before that instant and says how many; 0 where the database keeps none. */
  forgetChanges(before: EpochMs, limit: number): Promise<number>;

  // --------------------------------------------------------------------------------------------------- itself
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** The database's own clock, or null where it runs on this machine's. */
  readClock(): Promise<EpochMs | null>;
  /** Whether the database removes what is due by itself, within some minutes: then nobody needs to call `purge` by schedule. */
  readonly purgesItself: boolean;
  /**
   * Removes at most `limit` records of sessions, sign-ups that wait, deleted accounts, tallies and mails and events of the audit log whose `purgeAt` has come, and
   * says how many.
   */
  purge(now: EpochMs, limit: number): Promise<number>;
  /** Waits for writes under way, then lets go of the database. Later calls reject with `StoreUnavailableError`. */
  close(): Promise<void>;
}

/** A unique value is taken. */
export class DuplicateError extends Error {
  override readonly name = 'DuplicateError';
  constructor(readonly field: 'email' | 'username') {
    super(`${field} is taken`);
  }
}

/** The database did not answer, or not in time. The driver's error is the `cause`, for the log alone. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  constructor(cause?: unknown) {
    super('the store is not available', { cause });
  }
}

/** The database holds a schema that this code cannot use; `message` says what to do. Thrown by `open` only. */
export class StoreVersionError extends Error {
  override readonly name = 'StoreVersionError';
}
