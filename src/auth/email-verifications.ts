import type { AccountMails } from '../mail/mails.js';
import type { Store } from '../store/port.js';
import type { AccountRecord } from '../store/records.js';
import type { Afterwards } from './afterwards.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { untilWon } from './compare-and-set.js';
import type { EmailChanges } from './email-changes.js';
import { AuthError } from './errors.js';
import { emailFrom } from './identifiers.js';
import { isDisabled } from './liveness.js';
import { findGoodToken, mintOneTimeToken, readOneTimeToken } from './one-time-tokens.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts } from './viewer.js';
import type { WaitingSignups } from './waiting-signups.js';

interface EmailVerificationsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly throttle: Throttle;
  readonly waitingSignups: WaitingSignups;
  readonly emailChanges: EmailChanges;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly afterwards: Afterwards;
  readonly config: { readonly verificationTtlSeconds: number };
}

/** Proof that a person gets the mail of an address. */
export class EmailVerifications {
  constructor(private readonly deps: EmailVerificationsDeps) {}

  /**
   * Mails a link to the address if there is something to verify. What comes back, and when, is the same for every address. Throws
   * `AuthError` `BAD_USER_INPUT` (no address), `RATE_LIMITED`.
   */
  async request(email: string, request: RequestFacts): Promise<void> {
    const { store, throttle, audit, afterwards, waitingSignups } = this.deps;
    await throttle.network('verification', request);
    const normalized = emailFrom(email, 'email');
    const account = await store.findAccountByEmail(normalized);
    afterwards.run('mail to verify an address', request, async () => {
      audit.count('EMAIL_VERIFICATION_REQUESTED', { by: actorOf(null, request), accountId: account?.id ?? null });
      await (account === null ? waitingSignups.renew(normalized) : this.mail(account));
    });
  }

  /**
   * Does what the link was mailed for: verifies an account's address, completes a change of address, or makes a sign-up an account. Throws
   * `AuthError` `ONE_TIME_TOKEN_INVALID` for all tokens that are not good alike, `EMAIL_TAKEN` when the new address got an account meanwhile
   * (the token stays good), `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async verify(token: string, request: RequestFacts): Promise<void> {
    const { store, clock, audit, waitingSignups, emailChanges } = this.deps;
    const presented = readOneTimeToken(token);
    if (presented === null) throw new AuthError('ONE_TIME_TOKEN_INVALID');
    await untilWon(async () => {
      const account = await store.findAccount(presented.subjectId);
      const now = clock.now();
      const change = account && findGoodToken(account, 'CHANGE_EMAIL', presented, now);
      if (account !== null && change !== null) return emailChanges.complete(account, change, request);
      const found = account && findGoodToken(account, 'VERIFY', presented, now);
      if (account === null || found === null) return waitingSignups.complete(presented, request);
      await audit.before('EMAIL_VERIFIED', { by: actorOf(account.id, request), accountId: account.id });
      return store.verifyEmail(account.id, { hash: found.hash, expectedVersion: account.version }, now);
    });
  }

  private async mail(account: AccountRecord): Promise<void> {
    const { store, clock, mails, config } = this.deps;
    const now = clock.now();
    if (account.emailVerified || isDisabled(account, now)) return;
    await mails.verifyEmail(account, async () => {
      const minted = mintOneTimeToken(account, 'VERIFY', now + config.verificationTtlSeconds * 1000);
      return (await store.addOneTimeToken(account.id, account.email, minted.record)) ? minted : null;
    });
  }
}
