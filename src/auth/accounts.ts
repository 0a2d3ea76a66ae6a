import { randomUUID } from 'node:crypto';
import type { MailedToken } from '../mail/mails.js';
import { DuplicateError, type Store } from '../store/port.js';
import type { AccountRecord } from '../store/records.js';
import { type Account, newAccount, toAccount } from './account.js';
import { type Actor, type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError, asAuthError, serviceUnavailable } from './errors.js';
import { emailFrom, isId, isUsername, normalizeEmail } from './identifiers.js';
import { isDisabled } from './liveness.js';
import { mintOneTimeToken } from './one-time-tokens.js';
import { checkNewPassword, type PasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';
import type { RoleBook } from './role-book.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts } from './viewer.js';
import type { WaitingSignups } from './waiting-signups.js';

export interface SignupInput {
  readonly email: string;
  readonly password: string;
  readonly username?: string | null;
}

export interface NewAccount extends SignupInput {
  /** Besides the role that every account has. */
  readonly roles: readonly string[];
  readonly emailVerified: boolean;
}

/** An account of which nobody knows a password yet. */
export type NewAccountWithoutPassword = Omit<NewAccount, 'password'>;

/** The `sessionEpoch` of a new account. */
const firstEpoch = 0;

/** Who makes an account: whoever signs up, or an administrator; `by` null: an operator at the command line. */
type Maker = { readonly kind: 'signup'; readonly request: RequestFacts } | { readonly kind: 'administration'; readonly by: Actor | null };

/** A change is lost only to another change of the account's rights. */
const mostTries = 20;

interface AccountsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly roles: RoleBook;
  readonly audit: Audit;
  readonly waitingSignups: Pick<WaitingSignups, 'begin' | 'isPassword'>;
  readonly config: PasswordRules & {
    readonly signupEnabled: boolean;
    readonly emailVerificationRequired: boolean;
    readonly verificationTtlSeconds: number;
  };
}

export class Accounts {
  constructor(private readonly deps: AccountsDeps) {}

  /**
   * Makes an account for whoever asks. Throws `AuthError`: `FORBIDDEN` (sign-up closed), `RATE_LIMITED` (too many from this network), and
   * what `create` throws. Of many at once with one address, exactly one succeeds. Null where addresses must be verified: then the sign-up
   * waits for that, and nothing tells whether the address has an account.
   */
  async signUp(input: SignupInput, request: RequestFacts): Promise<AccountRecord | null> {
    const { config, passwords, throttle, waitingSignups } = this.deps;
    if (!config.signupEnabled) throw new AuthError('FORBIDDEN', { reason: 'SIGNUP_CLOSED' });
    await throttle.network('signup', request);
    if (!config.emailVerificationRequired) {
      const account = await this.make({ ...input, roles: [], emailVerified: false }, { kind: 'signup', request });
      await throttle.acquaint(account.id, request);
      return account;
    }
    const { email, username } = this.check(input);
    await this.checkFree(username);
    await waitingSignups.begin({ email, username, passwordHash: await passwords.hash(input.password, request.ipAddress) }, request);
    return null;
  }

  /** Makes an account by an operator's hand, whether or not sign-up is open. Throws what `make` throws. */
  async create(input: NewAccount): Promise<Account> {
    return toAccount(await this.make(input, { kind: 'administration', by: null }), this.deps.roles);
  }

  /**
   * Makes an account that nobody can sign in to before the person sets a password, whether or not sign-up is open. `invitation` is the
   * one-time token for that, good as long as a link to verify an address. Throws what `make` throws.
   */
  async createWithoutPassword(
    input: NewAccountWithoutPassword,
    by: Actor,
  ): Promise<{ readonly account: Account; readonly invitation: MailedToken }> {
    const id = randomUUID();
    const expiresAt = this.deps.clock.now() + this.deps.config.verificationTtlSeconds * 1000;
    const { record, ...invitation } = mintOneTimeToken({ id, sessionEpoch: firstEpoch }, 'RESET', expiresAt);
    const made = await this.make({ ...input, password: null }, { kind: 'administration', by }, { id, tokens: [record] });
    return { account: toAccount(made, this.deps.roles), invitation };
  }

  /**
   * The one way to an account, that of a verified sign-up apart. Throws `AuthError`: `BAD_USER_INPUT`, `WEAK_PASSWORD`, `EMAIL_TAKEN`,
   * `USERNAME_TAKEN`, `RATE_LIMITED` (hashing queue full), `SERVICE_UNAVAILABLE` (the audit log cannot be written).
   */
  private async make(
    input: NewAccountWithoutPassword & { readonly password: string | null },
    maker: Maker,
    { id, tokens }: { readonly id: string; readonly tokens: AccountRecord['oneTimeTokens'] } = { id: randomUUID(), tokens: [] },
  ): Promise<AccountRecord> {
    const { store, clock, passwords, roles: book } = this.deps;
    book.check(input.roles, 'roles');
    const { email, username } = this.check(input);
    // Only to spare the hash: what decides is the store's unique index.
    if ((await store.findAccountByEmail(email)) !== null) throw new AuthError('EMAIL_TAKEN', { field: 'email' });
    await this.checkFree(username);
    const ipAddress = maker.kind === 'signup' ? maker.request.ipAddress : null;
    const passwordHash = input.password === null ? null : await passwords.hash(input.password, ipAddress);
    const roles = [...new Set([book.defaultRole, ...input.roles])];
    const { emailVerified } = input;
    const account = newAccount({ id, email, emailVerified, username, passwordHash, roles, createdAt: clock.now() }, tokens);
    await this.note(maker, account);
    try {
      await store.createAccount(account);
    } catch (error) {
      if (!(error instanceof DuplicateError)) throw error;
      throw new AuthError(error.field === 'email' ? 'EMAIL_TAKEN' : 'USERNAME_TAKEN', { field: error.field });
    }
    return account;
  }

  /** What the input says, if it can be had. Throws `AuthError`: `BAD_USER_INPUT`, `WEAK_PASSWORD`. */
  private check(input: Pick<SignupInput, 'username' | 'email'> & { readonly password: string | null }) {
    const email = emailFrom(input.email, 'email');
    const username = input.username ?? null;
    if (username !== null && !isUsername(username)) throw new AuthError('BAD_USER_INPUT', { field: 'username', reason: 'INVALID' });
    if (input.password !== null) checkNewPassword(input.password, 'password', [email, username], this.deps.config);
    return { email, username };
  }

  private async checkFree(username: string | null): Promise<void> {
    const holder = username === null ? null : await this.deps.store.findAccountByUsername(username);
    if (holder !== null) throw new AuthError('USERNAME_TAKEN', { field: 'username' });
  }

  /**
   * The account whose password this is, as it was when its hash was read. Throws `AuthError`: `INVALID_CREDENTIALS` for an unknown
   * login and a wrong password alike, `ACCOUNT_DISABLED` and, where addresses must be verified, `EMAIL_NOT_VERIFIED` only after the right
   * password, `RATE_LIMITED` before it is tried (too many were wrong, or the hashing queue is full), and `StoreUnavailableError`, also when
   * attempts cannot be counted.
   */
  async authenticate(login: string, password: string, request: RequestFacts): Promise<AccountRecord> {
    const { config, audit } = this.deps;
    const found = await this.findByLogin(login);
    if (!config.emailVerificationRequired) return this.prove(found, password, request, login);
    const account = await this.prove(found, password, request, login).catch((error: unknown) =>
      this.whereWaiting(error, login, password, request),
    );
    if (account.emailVerified) return account;
    audit.count('LOGIN_FAILED', { by: actorOf(null, request), accountId: account.id, detail: { reason: 'EMAIL_NOT_VERIFIED' } });
    throw new AuthError('EMAIL_NOT_VERIFIED');
  }

  /**
   * Throws: whoever has the password of a sign-up that waits is told what it waits for. Also for an address that has an account, whose wrong
   * passwords all cost this second hash: otherwise a sign-up and a sign-in would tell whether it has one.
   */
  private async whereWaiting(error: unknown, login: string, password: string, request: RequestFacts): Promise<never> {
    const email = normalizeEmail(login);
    if (email === null || asAuthError(error)?.code !== 'INVALID_CREDENTIALS') throw error;
    throw (await this.deps.waitingSignups.isPassword(email, password, request)) ? new AuthError('EMAIL_NOT_VERIFIED') : error;
  }

  /** The account of this id, as it was when its hash was read, if this is its password. Throws what `authenticate` throws. */
  async reauthenticate(id: string, password: string, request: RequestFacts): Promise<AccountRecord> {
    return this.prove(await this.deps.store.findAccount(id), password, request);
  }

  /** The one place where a password is tried. `login`: what stands for an account that there is not. */
  private async prove(account: AccountRecord | null, password: string, request: RequestFacts, login = ''): Promise<AccountRecord> {
    const { passwords, throttle, clock, audit } = this.deps;
    const hash = account?.passwordHash ?? null;
    const entry = { by: actorOf(null, request), accountId: account?.id ?? null };
    const attempt = async () => {
      // Before anything is counted: a flood that finds no hashing thread costs the store nothing.
      passwords.refuseIfFull(request.ipAddress);
      return throttle.passwordAttempt(login, account?.id ?? null, request, () => passwords.verify(password, hash, request.ipAddress));
    };
    const matches = await attempt().catch((error: unknown) => {
      if (asAuthError(error)?.code === 'RATE_LIMITED') audit.count('LOGIN_THROTTLED', entry);
      throw error;
    });
    if (account === null || hash === null || !matches) {
      audit.count('LOGIN_FAILED', { ...entry, detail: { reason: 'WRONG_CREDENTIALS' } });
      throw new AuthError('INVALID_CREDENTIALS');
    }
    if (isDisabled(account, clock.now())) {
      audit.count('LOGIN_FAILED', { ...entry, detail: { reason: 'ACCOUNT_DISABLED' } });
      throw new AuthError('ACCOUNT_DISABLED');
    }
    return passwords.isOutdated(hash) ? this.rehashed(account, hash, password, request) : account;
  }

  /** Null when there is none; also for a malformed id. */
  async find(id: string): Promise<Account | null> {
    const record = isId(id) ? await this.deps.store.findAccount(id) : null;
    return record === null ? null : toAccount(record, this.deps.roles);
  }

  /** In the order of the ids, at most 1,000; null where there is none, also for a malformed id. One read of the store. */
  async findMany(ids: readonly string[]): Promise<(Account | null)[]> {
    const known = ids.filter(isId);
    const records = known.length === 0 ? [] : await this.deps.store.findAccounts(known);
    const accounts = new Map(records.map((record) => [record.id, toAccount(record, this.deps.roles)]));
    return ids.map((id) => accounts.get(id) ?? null);
  }

  /** The id for an email address, a username, or an id (also of an account that was deleted). Null when there is none. */
  async findId(name: string): Promise<string | null> {
    return isId(name) ? name : ((await this.findByLogin(name))?.id ?? null);
  }

  /**
   * Adds a role by an operator's hand. Throws `AuthError` `NOT_FOUND` (no such login), `BAD_USER_INPUT` (no such role) or
   * `SERVICE_UNAVAILABLE` (the audit log cannot be written, or others kept changing the rights); nothing happens when it is held.
   */
  async grantRole(login: string, role: string): Promise<Account> {
    const { store, clock, audit, roles: book } = this.deps;
    book.check([role], 'role');
    for (let tries = 0; tries < mostTries; tries += 1) {
      const account = await this.findByLogin(login);
      if (account === null) throw new AuthError('NOT_FOUND', { field: 'login' });
      if (account.roles.includes(role)) return toAccount(account, book);
      const roles = [...account.roles, role];
      const detail = { before: account.roles.join(', '), after: roles.join(', ') };
      await audit.before('ROLES_CHANGED', { by: null, accountId: account.id, detail });
      const changed = await store.setRoles(account.id, account.rightsVersion, roles, clock.now());
      if (changed !== null) return toAccount(changed, book);
    }
    throw serviceUnavailable();
  }

  private note(maker: Maker, { id, roles }: AccountRecord): Promise<void> {
    const { audit } = this.deps;
    if (maker.kind === 'signup') return audit.before('SIGNUP', { by: actorOf(id, maker.request), accountId: id });
    return audit.before('ACCOUNT_CREATED', { by: maker.by, accountId: id, detail: { roles: roles.join(', ') } });
  }

  /**
   * The account with its hash of an older cost or pepper replaced. When the queue is full the next sign-in does it: this one has been earned.
   * When another sign-in or a new password came first, that one's hash stays.
   */
  private async rehashed(account: AccountRecord, hash: string, password: string, request: RequestFacts): Promise<AccountRecord> {
    try {
      const passwordHash = await this.deps.passwords.hash(password, request.ipAddress);
      return (await this.deps.store.rehashPassword(account.id, hash, passwordHash)) ? { ...account, passwordHash } : account;
    } catch (error) {
      if (!(error instanceof AuthError && error.code === 'RATE_LIMITED')) throw error;
      return account;
    }
  }

  /** By email address or username: a username has no `@`. */
  private async findByLogin(login: string): Promise<AccountRecord | null> {
    const email = normalizeEmail(login);
    if (email !== null) return this.deps.store.findAccountByEmail(email);
    const username = login.length <= 256 ? login.trim() : '';
    return isUsername(username) ? this.deps.store.findAccountByUsername(username) : null;
  }
}
