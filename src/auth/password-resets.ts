import type { AccountMails, Asker } from '../mail/mails.js';
import type { Store } from '../store/port.js';
import type { AccountRecord } from '../store/records.js';
import type { Afterwards } from './afterwards.js';
import { type Actor, type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { untilWon } from './compare-and-set.js';
import { markEnded } from './ended-sessions.js';
import { AuthError } from './errors.js';
import { emailFrom } from './identifiers.js';
import { isDisabled } from './liveness.js';
import type { Log } from './log.js';
import { findGoodToken, mintOneTimeToken, type PresentedToken, readOneTimeToken } from './one-time-tokens.js';
import { checkNewPassword, type PasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';
import type { LifetimeConfig } from './session-lifetime.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts } from './viewer.js';

export interface ResetPasswordInput {
  readonly token: string;
  readonly newPassword: string;
}

interface PasswordResetsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly throttle: Throttle;
  readonly passwords: Passwords;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly afterwards: Afterwards;
  readonly log: Log;
  readonly config: PasswordRules & LifetimeConfig & { readonly resetTtlSeconds: number };
}

/** A new password by a mailed link. */
export class PasswordResets {
  constructor(private readonly deps: PasswordResetsDeps) {}

  /**
   * Mails a link to the address if it has an account that is enabled. What comes back, and when, is the same for every address. Throws
   * `AuthError` `BAD_USER_INPUT` (no address), `RATE_LIMITED`.
   */
  async request(email: string, request: RequestFacts): Promise<void> {
    const { store, clock, throttle, audit, afterwards } = this.deps;
    await throttle.network('reset', request);
    // Read before the answer, so that a store that does not answer is not passed over in silence.
    const account = await store.findAccountByEmail(emailFrom(email, 'email'));
    afterwards.run('mail to reset a password', request, async () => {
      audit.count('PASSWORD_RESET_REQUESTED', { by: actorOf(null, request), accountId: account?.id ?? null });
      if (account !== null && !isDisabled(account, clock.now())) await this.mail(account, 'anybody');
    });
  }

  /**
   * Mails a link to this account's person, on behalf of an administrator: when this resolves the mail is in the outbox. Throws `AuthError`
   * `ACCOUNT_DISABLED`, and `StoreUnavailableError`.
   */
  async send(account: AccountRecord, by: Actor): Promise<void> {
    const { clock, audit } = this.deps;
    if (isDisabled(account, clock.now())) throw new AuthError('ACCOUNT_DISABLED');
    await this.mail(account, 'administrator');
    audit.count('PASSWORD_RESET_REQUESTED', { by, accountId: account.id });
  }

  /**
   * Sets the password, verifies the address (whoever has its mail has it), ends all sessions and makes every other mailed link void, in one
   * update. Throws `AuthError` `ONE_TIME_TOKEN_INVALID` for all tokens that are not good alike, `WEAK_PASSWORD` (the token stays good),
   * `RATE_LIMITED`, `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async reset({ token, newPassword }: ResetPasswordInput, request: RequestFacts): Promise<void> {
    const { store, clock, passwords, audit, mails, config } = this.deps;
    const presented = readOneTimeToken(token);
    const owner = await this.ownerOf(presented);
    checkNewPassword(newPassword, 'newPassword', [owner.account.email, owner.account.username], config);
    const hash = await passwords.hash(newPassword, request.ipAddress);
    const account = await untilWon(async () => {
      const { account: read, tokenHash } = await this.ownerOf(presented);
      await audit.before('PASSWORD_RESET', { by: actorOf(read.id, request), accountId: read.id });
      const ending = { at: clock.now(), reason: 'PASSWORD_RESET', by: read.id } as const;
      const changed = await store.resetPassword(read.id, { hash: tokenHash, expectedVersion: read.version }, hash, ending);
      if (changed !== null) await markEnded(this.deps, changed, ending);
      return changed;
    });
    await mails.passwordChanged(account);
  }

  /** The account for which the token is good, as read now. */
  private async ownerOf(presented: PresentedToken | null): Promise<{ readonly account: AccountRecord; readonly tokenHash: string }> {
    const { store, clock } = this.deps;
    const account = presented === null ? null : await store.findAccount(presented.subjectId);
    const now = clock.now();
    const token = presented === null || account === null ? null : findGoodToken(account, 'RESET', presented, now);
    if (account === null || token === null || isDisabled(account, now)) throw new AuthError('ONE_TIME_TOKEN_INVALID');
    return { account, tokenHash: token.hash };
  }

  /** Nothing is mailed when address or epoch changed meanwhile: then the link would be void. */
  private mail(account: AccountRecord, asker: Asker): Promise<void> {
    const { store, clock, mails, config } = this.deps;
    const minting = async () => {
      const minted = mintOneTimeToken(account, 'RESET', clock.now() + config.resetTtlSeconds * 1000);
      return (await store.addOneTimeToken(account.id, account.email, minted.record)) ? minted : null;
    };
    return mails.resetPassword(account, minting, asker);
  }
}
