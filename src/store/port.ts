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
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export const revocationReasons = [
  'LOGOUT',
  'REVOKED_BY_USER',
  'REVOKED_BY_ADMIN',
  'TOKEN_REVOKED',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET',
  'EMAIL_CHANGED',
  'REUSE_DETECTED',
  'BINDING_MISMATCH',
  'ACCOUNT_DISABLED',
  'ACCOUNT_DELETED',
  'SESSION_LIMIT',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

export interface AccountRecord {
  readonly id: string;
  /** Normalized (trimmed, NFC, lower case); unique. */
  readonly email: string;
  readonly emailVerified: boolean;
  /** As typed; unique without regard to case. */
  readonly username: string | null;
  readonly passwordHash: string | null;
  readonly roles: readonly string[];
  readonly createdAt: EpochMs;
  readonly lastLoginAt: EpochMs | null;
  readonly passwordChangedAt: EpochMs | null;
  readonly disabled: AccountDisabledRecord | null;
  /** Rises with every "end all sessions". A session is alive only with this epoch, or as `keptSessionId`. */
  readonly sessionEpoch: number;
  readonly keptSessionId: string | null;
  /** The last rise of `sessionEpoch`: when, why and by whom. */
  readonly sessionsEnded: Ending | null;
  /** How many sign-ins the account has had: each takes the next number. */
  readonly signInCount: number;
  /** Rises with every change of roles, status, verification or epoch. Starts at 1. */
  readonly version: number;
}

export interface AccountDisabledRecord {
  readonly at: EpochMs;
  /** Null: until somebody enables the account. */
  readonly until: EpochMs | null;
  readonly reason: string | null;
}

export interface DeviceRecord {
  readonly label: string;
  readonly browser: string | null;
  readonly os: string | null;
  readonly kind: DeviceKind;
}
export const deviceKinds = ['DESKTOP', 'MOBILE', 'TABLET', 'TV', 'BOT', 'PROGRAM', 'UNKNOWN'] as const;
export type DeviceKind = (typeof deviceKinds)[number];

/** Why, when and by whom (an account id; null: the server itself) something was ended. */
export interface Ending {
  readonly at: EpochMs;
  readonly reason: RevocationReason;
  readonly by: string | null;
}

export interface SessionRecord {
  readonly id: string;
  readonly accountId: string;
  /** The account's `sessionEpoch` that the sign-in read together with the password hash. */
  readonly epoch: number;
  /** The sign-in's number (`signInCount` after it was taken). */
  readonly ordinal: number;
  /** How often the refresh token has been rotated; 0 at sign-in. */
  readonly generation: number;
  /** The highest generation that the client is known to have received; -1 before the first. */
  readonly confirmedGeneration: number;
  readonly confirmedAt: EpochMs | null;
  /** Instants of the last rotations, oldest first, at most 8; the last one made `generation`. */
  readonly rotations: readonly EpochMs[];
  /** The random id of the attempt that made `generation`; null before the first rotation. */
  readonly attemptId: string | null;
  readonly createdAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  readonly authenticatedAt: EpochMs;
  /** When it ends if it is not refreshed before; never later than `expiresAt`. */
  readonly idleExpiresAt: EpochMs;
  /** When it ends however often it is refreshed. */
  readonly expiresAt: EpochMs;
  /** From then on the record may be removed. */
  readonly purgeAt: EpochMs;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly device: DeviceRecord;
  readonly revoked: Ending | null;
}

/** A key of the server itself, encrypted ("wrapped") under each configured secret. */
export interface KeyRecord {
  /** The key id: 8 hexadecimal digits for `refresh-mac` and `pepper`; the `kid` for `signing`. */
  readonly id: string;
  readonly purpose: KeyPurpose;
  /** 1, 2, 3, ... within the purpose: two nodes that make the next key at once make one. */
  readonly sequence: number;
  /** The JWS algorithm for `signing`, null otherwise. */
  readonly algorithm: string | null;
  /** Secret id -> ciphertext. The key material is in no other form in the store. */
  readonly wrapped: Readonly<Record<string, string>>;
  readonly createdAt: EpochMs;
  /** From when a signing key signs; it verifies from the start. */
  readonly activatesAt: EpochMs;
  readonly revokedAt: EpochMs | null;
}
export type KeyPurpose = 'refresh-mac' | 'pepper' | 'signing';

/** What `advance` writes. */
export interface Advance {
  readonly expectedGeneration: number;
  readonly at: EpochMs;
  readonly attemptId: string;
  readonly idleExpiresAt: EpochMs;
  readonly purgeAt: EpochMs;
}

/** A use of a session's tokens, noted in memory and written in a batch. */
export interface SessionUse {
  readonly sessionId: string;
  /** The generation of the token used. */
  readonly generation: number;
  readonly at: EpochMs;
}

/** An end of all of an account's sessions, `kept` excepted. */
export interface SessionsEnding extends Ending {
  /** The session that stays; the change applies only while that session is within the account's epoch. */
  readonly kept: { readonly id: string; readonly epoch: number } | null;
}

/** Selects sessions of one account, by what "alive" means for that account at `now`. */
export interface SessionQuery {
  readonly accountId: string;
  /** Null: every state. */
  readonly state: 'ACTIVE' | 'EXPIRED' | 'REVOKED' | null;
  readonly now: EpochMs;
  readonly epoch: number;
  readonly keptSessionId: string | null;
  /** When the epoch last rose: what had expired by then is EXPIRED, what had not is REVOKED. */
  readonly epochRaisedAt: EpochMs | null;
}

export interface Page<Position> {
  /** 1 or more. */
  readonly limit: number;
  /** Rows strictly after this position in the order of the list; null from the start. */
  readonly after: Position | null;
}
/** Where a row stands in a list that has the newest first. */
export interface CreationPosition {
  readonly createdAt: EpochMs;
  readonly id: string;
}
export type SessionPosition = CreationPosition;

/**
 * Some rows of a list over all accounts, newest first (`createdAt`, then `id`, descending). It may have fewer rows than were asked for, even
 * none, before the end of the list: one call looks at 10,000 rows at most, however few of them fit.
 */
export interface Found<Row> {
  readonly rows: readonly Row[];
  /** Where to read on; null at the end of the list. */
  readonly next: CreationPosition | null;
}

/** Selects accounts; null: whatever it is. Texts are literal: nothing in them has a meaning. */
export interface AccountQuery {
  /** Start of an email address or of a username; in lower case, as addresses are kept. */
  readonly search: string | null;
  readonly role: string | null;
  /** As of `now`: a disabling whose `until` has come does not count. */
  readonly disabled: boolean | null;
  readonly emailVerified: boolean | null;
  readonly now: EpochMs;
}

/** Selects sessions of all accounts, by their records alone; null: whatever it is. Texts are literal: nothing in them has a meaning. */
export interface AllSessionsQuery {
  /** At most 1,000. */
  readonly ids: readonly string[] | null;
  readonly accountId: string | null;
  /** Of the record as of `now`: marked as revoked, else past its idle end, else neither. Of the account's epoch it knows nothing. */
  readonly recordState: 'ACTIVE' | 'EXPIRED' | 'REVOKED' | null;
  readonly now: EpochMs;
  /** The whole of it. */
  readonly ipAddress: string | null;
  /** Any part of it, at most 512 characters, without regard to the case of A to Z. */
  readonly userAgent: string | null;
  readonly deviceKind: DeviceKind | null;
  /** Before: earlier than this. After: at this instant or later. */
  readonly createdBefore: EpochMs | null;
  readonly createdAfter: EpochMs | null;
  readonly lastSeenBefore: EpochMs | null;
  readonly lastSeenAfter: EpochMs | null;
}

/** Selects active records of one account for an end that is written down session by session. */
export interface RevokeSelector {
  readonly accountId: string;
  /** Sessions of an epoch lower than this; null: of any. */
  readonly epochBelow: number | null;
  /** Sessions with this sign-in number or a lower one; null: with any. */
  readonly ordinalAtMost: number | null;
  readonly exceptId: string | null;
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
   * Raises `sessionEpoch` and `version` by one and sets `keptSessionId` and `sessionsEnded`. Returns the account afterwards;
   * null (and nothing changed) when there is none or the kept session is no longer within the epoch: a session that another
   * "end all" has ended must not come back.
   */
  endSessions(accountId: string, ending: SessionsEnding): Promise<AccountRecord | null>;
  /** Disables the account and ends its sessions in one step. Returns the account afterwards; null when there is none. */
  disableAccount(accountId: string, disabled: AccountDisabledRecord, ending: Ending): Promise<AccountRecord | null>;
  /** Replaces the roles if `version` is still `expectedVersion`, and raises it. False when it is not, or there is no such account. */
  setRoles(accountId: string, expectedVersion: number, roles: readonly string[]): Promise<boolean>;
  /** Those that there are, in no order. At most 1,000 ids. */
  findAccounts(ids: readonly string[]): Promise<AccountRecord[]>;
  /** Newest first, by index. An account that is made meanwhile may be missing. */
  listAccounts(query: AccountQuery, page: Page<CreationPosition>): Promise<Found<AccountRecord>>;
  /** Stops counting at `atMost`. It reads piece by piece, in as much time as that takes: the answer is of no single instant. */
  countAccounts(query: AccountQuery, atMost: number): Promise<number>;

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

  // --------------------------------------------------------------------------------------------------- itself
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** The database's own clock, or null where it runs on this machine's. */
  readClock(): Promise<EpochMs | null>;
  /** Whether the database removes what is due by itself, within some minutes: then nobody needs to call `purge` by schedule. */
  readonly purgesItself: boolean;
  /** Removes at most `limit` session records whose `purgeAt` has come and says how many. */
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
