import type { AccountMails } from '../mail/mails.js';
import type { Store } from '../store/port.js';
import type { AccountRecord, SessionRecord } from '../store/records.js';
import type { Accounts } from './accounts.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { untilWon } from './compare-and-set.js';
import { markEnded } from './ended-sessions.js';
import { AuthError } from './errors.js';
import { endOf } from './liveness.js';
import type { Log } from './log.js';
import { checkNewPassword, type PasswordRules } from './password-rules.js';
import type { Passwords } from './passwords.js';
import type { LifetimeConfig } from './session-lifetime.js';
import type { Throttle } from './throttle.js';
import type { IssuedTokens, TokenIssuer } from './token-issuer.js';
import type { RequestFacts, SignedIn } from './viewer.js';

export interface ChangePasswordInput {
  readonly currentPassword: string;
  readonly newPassword: string;
}

interface PasswordChangesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly issuer: TokenIssuer;
  readonly throttle: Throttle;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly log: Log;
  readonly config: PasswordRules & LifetimeConfig;
}

/** Another password, by somebody who knows the present one. */
export class PasswordChanges {
  constructor(private readonly deps: PasswordChangesDeps) {}

  /**
   * Keeps the caller's session and ends all others; answers with a new access token and the session's present refresh token: nothing is
   * rotated. The change is a compare-and-set on the hash that was verified: of two at once one wins, and the other is told that its present
   * password is wrong. Throws what `Accounts.reauthenticate` throws, and `AuthError` `WEAK_PASSWORD`, `RATE_LIMITED`, `UNAUTHENTICATED` when the session was
   * ended meanwhile, `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async change(viewer: SignedIn, { currentPassword, newPassword }: ChangePasswordInput, request: RequestFacts): Promise<IssuedTokens> {
    const { accounts, passwords, issuer, throttle, config } = this.deps;
    const changed = await untilWon(async () => {
      const proved = await accounts.reauthenticate(viewer.accountId, currentPassword, request);
      // Only what the password was given for: else whoever has a session and no password could use up what its owner needs.
      await throttle.account('password_change', viewer.accountId);
      checkNewPassword(newPassword, 'newPassword', [proved.email, proved.username], config);
      await this.checkAlive(viewer, proved);
      const ownClaims = await issuer.claimsFor(proved);
      const account = await this.apply(viewer, proved, await passwords.hash(newPassword, request.ipAddress), request);
      return account && { account, ownClaims };
    });
    const session = await this.checkAlive(viewer, changed.account);
    return issuer.issue(changed.account, session, changed.ownClaims);
  }

  /** Null when the password or the epoch was changed meanwhile. */
  private async apply(viewer: SignedIn, proved: AccountRecord, hash: string, request: RequestFacts): Promise<AccountRecord | null> {
    const { store, clock, audit, mails } = this.deps;
    const { accountId, sessionId } = viewer;
    await audit.before('PASSWORD_CHANGED', { by: actorOf(accountId, request), accountId, sessionId });
    const ending = { at: clock.now(), reason: 'PASSWORD_CHANGED', by: accountId } as const;
    const kept = { id: sessionId, epoch: viewer.epoch };
    const account = await store.changePassword(accountId, proved.passwordHash ?? '', hash, { ...ending, kept });
    if (account === null) return null;
    await markEnded(this.deps, account, ending);
    // Nobody who is not told already learns anything from how long this takes.
    await mails.passwordChanged(account);
    return account;
  }

  private async checkAlive({ sessionId }: SignedIn, account: AccountRecord): Promise<SessionRecord> {
    const session = await this.deps.store.findSession(sessionId);
    const isAlive = session !== null && endOf(session, account, this.deps.clock.now()) === null;
    if (!isAlive) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED', sessionId });
    return session;
  }
}
