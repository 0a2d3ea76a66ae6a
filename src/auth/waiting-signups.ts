import { randomUUID } from 'node:crypto';
import type { AccountMails } from '../mail/mails.js';
import { DuplicateError, type Store } from '../store/port.js';
import type { AccountRecord, SignupRecord } from '../store/records.js';
import { newAccount } from './account.js';
import type { Afterwards } from './afterwards.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { hashOf, mintSecret, type PresentedToken } from './one-time-tokens.js';
import type { Passwords } from './passwords.js';
import type { RoleBook } from './role-book.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts } from './viewer.js';

/**
 * So long after its link has ended an attempt stays on record. Who asks for another link is not told whose attempt it is for, so that must be the
 * only one of late, not the only one that is still good.
 */
const keptMs = 7 * 86_400_000;

interface WaitingSignupsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly roles: RoleBook;
  readonly throttle: Throttle;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly afterwards: Afterwards;
  readonly config: { readonly verificationTtlSeconds: number };
}

/** What a sign-up asks for, checked. */
export interface CheckedSignup {
  readonly email: string;
  readonly username: string | null;
  readonly passwordHash: string;
}

/**
 * Sign-ups where addresses must be verified. None is an account: each attempt waits with its own password, and the one whose link is followed
 * becomes it. So whoever signs up another person's address ends with nothing.
 */
export class WaitingSignups {
  constructor(private readonly deps: WaitingSignupsDeps) {}

  /**
   * The same work for every address: also one that has an account gets an attempt that waits, for which no link exists. Only the mail
   * differs, after the answer. Throws `AuthError` `RATE_LIMITED`.
   */
  async begin({ email, username, passwordHash }: CheckedSignup, request: RequestFacts): Promise<void> {
    const { store, clock, audit, mails, afterwards } = this.deps;
    const id = randomUUID();
    const { token, hash: tokenHash } = mintSecret(id, 'SIGNUP');
    const createdAt = clock.now();
    const linkEndsAt = this.endFrom(createdAt);
    await store.addSignup({ id, email, username, passwordHash, tokenHash, createdAt, expiresAt: linkEndsAt + keptMs });
    afterwards.run('mail of a sign-up', request, async () => {
      const account = await store.findAccountByEmail(email);
      audit.count('EMAIL_VERIFICATION_REQUESTED', { by: actorOf(null, request), accountId: account?.id ?? null });
      const minting = async () => ({ token, expiresAt: linkEndsAt });
      await (account === null ? mails.verifyEmail({ id: null, email }, minting) : mails.emailTaken(account));
    });
  }

  /**
   * Makes the account. First it is there, then the attempt goes: a crash in between leaves a link that can be followed again, and of many at
   * once the one that removes the attempt has won. A username that was taken meanwhile is left out. Throws `AuthError`
   * `ONE_TIME_TOKEN_INVALID`, also when the address got an account by another attempt, and `SERVICE_UNAVAILABLE` when the audit log cannot be
   * written.
   */
  async complete(presented: PresentedToken, request: RequestFacts): Promise<AccountRecord> {
    const { store, clock, audit } = this.deps;
    const signup = await store.findSignup(presented.subjectId);
    const tokenHash = hashOf(presented.secret, 'SIGNUP');
    const isGood = signup !== null && signup.tokenHash === tokenHash && clock.now() < signup.expiresAt - keptMs;
    if (!isGood) throw new AuthError('ONE_TIME_TOKEN_INVALID');
    const holder = await store.findAccountByEmail(signup.email);
    // Only so that the log tells of no sign-up that was refused: what decides is the store's unique index.
    if (holder !== null && holder.id !== signup.id) throw new AuthError('ONE_TIME_TOKEN_INVALID');
    const entry = { by: actorOf(signup.id, request), accountId: signup.id };
    await audit.before('SIGNUP', entry);
    await audit.before('EMAIL_VERIFIED', entry);
    const account = (await this.tryCreate(signup, signup.username)) ?? (await this.tryCreate(signup, null));
    if (account === null || !(await store.removeSignup(signup.id, tokenHash))) throw new AuthError('ONE_TIME_TOKEN_INVALID');
    await this.deps.throttle.acquaint(account.id, request);
    return account;
  }

  /**
   * Mails another link for the one attempt of late for this address. Where there were several, nothing: nobody can tell whose password the
   * link would make good, and a new sign-up has a link of its own.
   */
  async renew(email: string): Promise<void> {
    const { store, clock, mails } = this.deps;
    const now = clock.now();
    const [signup, ...others] = await store.listSignups(email, now, 2);
    if (signup === undefined || others.length > 0) return;
    await mails.verifyEmail({ id: null, email }, async () => {
      const { token, hash } = mintSecret(signup.id, 'SIGNUP');
      const expiresAt = this.endFrom(now);
      return (await store.renewSignup(signup.id, signup.tokenHash, hash, expiresAt + keptMs)) ? { token, expiresAt } : null;
    });
  }

  /** Whether this is the password of the newest attempt that waits. Costs one hash, also where none waits. Throws `AuthError` `RATE_LIMITED`. */
  async isPassword(email: string, password: string, request: RequestFacts): Promise<boolean> {
    const { store, clock, passwords } = this.deps;
    const [signup] = await store.listSignups(email, clock.now() + keptMs, 1);
    return passwords.verify(password, signup?.passwordHash ?? null, request.ipAddress);
  }

  /** Null where the username, or the address, is taken. The same account, where it has been made already. */
  private async tryCreate(signup: SignupRecord, username: string | null): Promise<AccountRecord | null> {
    const { id, email, passwordHash, createdAt } = signup;
    const roles = [this.deps.roles.defaultRole];
    const account = newAccount({ id, email, emailVerified: true, username, passwordHash, roles, createdAt });
    try {
      await this.deps.store.createAccount(account);
      return account;
    } catch (error) {
      if (error instanceof DuplicateError) return null;
      throw error;
    }
  }

  private endFrom(now: number): number {
    return now + this.deps.config.verificationTtlSeconds * 1000;
  }
}
