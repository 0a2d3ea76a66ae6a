import { randomUUID } from 'node:crypto';
import { DuplicateError, type Store } from '../store/port.js';
import type { AccountRecord } from '../store/records.js';
import { type Account, toAccount } from './account.js';
import { type Actor, type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError, asAuthError } from './errors.js';
import { isId, isUsername, normalizeEmail } from './identifiers.js';
import { isDisabled } from './liveness.js';
import { checkNewPassword, type PasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';
import type { RoleBook } from './role-book.js';
import type { RequestFacts } from './viewer.js';

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

/** Who makes an account: whoever signs up, or an administrator; `by` null: an operator at the command line. */
type Maker = { readonly kind: 'signup'; readonly request: RequestFacts } | { readonly kind: 'administration'; readonly by: Actor | null };

interface AccountsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly roles: RoleBook;
  readonly audit: Audit;
  readonly config: PasswordRules & { readonly signupEnabled: boolean };
}

export class Accounts {
  constructor(private readonly deps: AccountsDeps) {}

  /**
   * Makes an account for whoever asks. Throws `AuthError`: `FORBIDDEN` (sign-up closed), and what `create` throws. Of many at once with
   * one address, exactly one succeeds.
   */
  async signUp(input: SignupInput, request: RequestFacts): Promise<AccountRecord> {
    if (!this.deps.config.signupEnabled) throw new AuthError('FORBIDDEN', { reason: 'SIGNUP_CLOSED' });
    return this.make({ ...input, roles: [], emailVerified: false }, { kind: 'signup', request });
  }

  /** Makes an account by an operator's hand, whether or not sign-up is open. Throws what `make` throws. */
  async create(input: NewAccount): Promise<Account> {
    return toAccount(await this.make(input, { kind: 'administration', by: null }), this.deps.roles);
  }

  /** Makes an account that nobody can sign in to before the person sets a password, whether or not sign-up is open. Throws what `make` throws. */
  async createWithoutPassword(input: NewAccountWithoutPassword, by: Actor): Promise<Account> {
    return toAccount(await this.make({ ...input, password: null }, { kind: 'administration', by }), this.deps.roles);
  }

  /**
   * The one way to an account. Throws `AuthError`: `BAD_USER_INPUT`, `WEAK_PASSWORD`, `EMAIL_TAKEN`, `USERNAME_TAKEN`, `RATE_LIMITED` (hashing
   * queue full), `SERVICE_UNAVAILABLE` (the audit log cannot be written).
   */
  private async make(input: NewAccountWithoutPassword & { readonly password: string | null }, maker: Maker): Promise<AccountRecord> {
    const { config, store, clock, passwords, roles: book } = this.deps;
    const email = normalizeEmail(input.email);
    if (email === null) throw new AuthError('BAD_USER_INPUT', { field: 'email', reason: 'INVALID' });
    const username = input.username ?? null;
    if (username !== null && !isUsername(username)) throw new AuthError('BAD_USER_INPUT', { field: 'username', reason: 'INVALID' });
    book.check(input.roles, 'roles');
    if (input.password !== null) checkNewPassword(input.password, 'password', [email, username], config);

    // Only to spare the hash: what decides is the store's unique index.
    if ((await store.findAccountByEmail(email)) !== null) throw new AuthError('EMAIL_TAKEN', { field: 'email' });
    if (username !== null && (await store.findAccountByUsername(username)) !== null)
      throw new AuthError('USERNAME_TAKEN', { field: 'username' });
    const ipAddress = maker.kind === 'signup' ? maker.request.ipAddress : null;
    const passwordHash = input.password === null ? null : await passwords.hash(input.password, ipAddress);
    const roles = [...new Set([book.defaultRole, ...input.roles])];
    const { emailVerified } = input;
    const account = newAccount({ id: randomUUID(), email, emailVerified, username, passwordHash, roles, createdAt: clock.now() });
    await this.note(maker, account);
    try {
      await store.createAccount(account);
    } catch (error) {
      if (!(error instanceof DuplicateError)) throw error;
      throw new AuthError(error.field === 'email' ? 'EMAIL_TAKEN' : 'USERNAME_TAKEN', { field: error.field });
    }
    return account;
  }

  /**
   * The account whose password this is, as it was when its hash was read. Throws `AuthError`: `INVALID_CREDENTIALS` for an unknown
   * login and a wrong password alike, `ACCOUNT_DISABLED` only after the right password, `RATE_LIMITED`.
   */
  async authenticate(login: string, password: string, request: RequestFacts): Promise<AccountRecord> {
    return this.prove(await this.findByLogin(login), password, request);
  }

  /** The account of this id, as it was when its hash was read, if this is its password. Throws what `authenticate` throws. */
  async reauthenticate(id: string, password: string, request: RequestFacts): Promise<AccountRecord> {
    return this.prove(await this.deps.store.findAccount(id), password, request);
  }

  private async prove(account: AccountRecord | null, password: string, request: RequestFacts): Promise<AccountRecord> {
    const { passwords, clock, audit } = this.deps;
    const hash = account?.passwordHash ?? null;
    const entry = { by: actorOf(null, request), accountId: account?.id ?? null };
    const matches = await passwords.verify(password, hash, request.ipAddress).catch((error: unknown) => {
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
    if (passwords.isOutdated(hash)) await this.rehash(account.id, hash, password, request);
    return account;
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
   * `SERVICE_UNAVAILABLE` (the audit log cannot be written); nothing happens when it is held.
   */
  async grantRole(login: string, role: string): Promise<Account> {
    const { store, clock, audit, roles: book } = this.deps;
    book.check([role], 'role');
    for (;;) {
      const account = await this.findByLogin(login);
      if (account === null) throw new AuthError('NOT_FOUND', { field: 'login' });
      if (account.roles.includes(role)) return toAccount(account, book);
      const roles = [...account.roles, role];
      const detail = { before: account.roles.join(', '), after: roles.join(', ') };
      await audit.before('ROLES_CHANGED', { by: null, accountId: account.id, detail });
      const changed = await store.setRoles(account.id, account.version, roles, clock.now());
      if (changed !== null) return toAccount(changed, book);
    }
  }

  private note(maker: Maker, { id, roles }: AccountRecord): Promise<void> {
    const { audit } = this.deps;
    if (maker.kind === 'signup') return audit.before('SIGNUP', { by: actorOf(id, maker.request), accountId: id });
    return audit.before('ACCOUNT_CREATED', { by: maker.by, accountId: id, detail: { roles: roles.join(', ') } });
  }

  /** Replaces a hash of an older cost or pepper. When the queue is full the next sign-in does it: this one has been earned. */
  private async rehash(accountId: string, expectedHash: string, password: string, request: RequestFacts): Promise<void> {
    try {
      const newHash = await this.deps.passwords.hash(password, request.ipAddress);
      // When another sign-in or a new password came first, that one's hash stays.
      await this.deps.store.rehashPassword(accountId, expectedHash, newHash);
    } catch (error) {
      if (!(error instanceof AuthError && error.code === 'RATE_LIMITED')) throw error;
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

type FirstFacts = Pick<AccountRecord, 'id' | 'email' | 'emailVerified' | 'username' | 'passwordHash' | 'roles' | 'createdAt'>;

function newAccount(facts: FirstFacts): AccountRecord {
  return {
    ...facts,
    lastLoginAt: null,
    passwordChangedAt: null,
    disabled: null,
    sessionEpoch: 0,
    keptSessionId: null,
    sessionsEnded: null,
    signInCount: 0,
    version: 1,
    changedAt: facts.createdAt,
    oneTimeTokens: [],
  };
}
