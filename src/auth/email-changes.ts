import type { AccountMails } from '../mail/mails.js';
import { DuplicateError, type Store } from '../store/port.js';
import type { AccountRecord, OneTimeTokenRecord } from '../store/records.js';
import type { Accounts } from './accounts.js';
import type { Afterwards } from './afterwards.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { untilWon } from './compare-and-set.js';
import { markEnded } from './ended-sessions.js';
import { AuthError, asAuthError } from './errors.js';
import { emailFrom } from './identifiers.js';
import type { Log } from './log.js';
import { findGoodToken, mintOneTimeToken, mostTokens, openReverts, readOneTimeToken, revertTtlSeconds } from './one-time-tokens.js';
import type { LifetimeConfig } from './session-lifetime.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts, SignedIn } from './viewer.js';

export interface ChangeEmailInput {
  readonly email: string;
  readonly currentPassword: string;
}

interface EmailChangesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly throttle: Throttle;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly afterwards: Afterwards;
  readonly log: Log;
  readonly config: LifetimeConfig & {
    readonly emailVerificationRequired: boolean;
    readonly verificationTtlSeconds: number;
    readonly resetTtlSeconds: number;
  };
}

/** Another address for an account: asked for with the password, confirmed at the new address, reversible from the old one. */
export class EmailChanges {
  constructor(private readonly deps: EmailChangesDeps) {}

  /**
   * Mails a link to the new address, and tells the old one. Where addresses must be verified, what comes back is the same for an address that
   * has an account, which gets a mail that says so. Throws what `Accounts.reauthenticate` throws, and `AuthError` `BAD_USER_INPUT` (no
   * address, or the present one), `EMAIL_TAKEN` (only where addresses need no verification), `UNAUTHENTICATED` when the session was ended
   * meanwhile, `RATE_LIMITED` while 5 changes of the last 7 days can be reverted, and where this network has asked for too many verifications.
   */
  async start(viewer: SignedIn, { email, currentPassword }: ChangeEmailInput, request: RequestFacts): Promise<void> {
    const { store, clock, accounts, throttle, audit, mails, afterwards, config } = this.deps;
    await throttle.network('verification', request);
    const wanted = emailFrom(email, 'email');
    const account = await accounts.reauthenticate(viewer.accountId, currentPassword, request);
    if (wanted === account.email) throw new AuthError('BAD_USER_INPUT', { field: 'email', reason: 'INVALID' });
    this.checkReverts(account);
    const holder = await store.findAccountByEmail(wanted);
    if (holder !== null && !config.emailVerificationRequired) throw new AuthError('EMAIL_TAKEN', { field: 'email' });
    const expiresAt = clock.now() + config.verificationTtlSeconds * 1000;
    const minted = mintOneTimeToken(account, 'CHANGE_EMAIL', expiresAt, wanted);
    // Also for an address that is taken: the work must not tell.
    const isAdded = await store.addOneTimeToken(account.id, account.email, minted.record);
    if (!isAdded) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED', sessionId: viewer.sessionId });
    afterwards.run('mails of a change of address', request, async () => {
      const by = actorOf(viewer.accountId, request);
      audit.count('EMAIL_VERIFICATION_REQUESTED', { by, accountId: account.id, sessionId: viewer.sessionId });
      await (holder !== null ? mails.newEmailTaken(holder) : mails.confirmNewEmail({ id: account.id, email: wanted }, minted));
      await mails.emailChangeStarted(account, masked(wanted));
    });
  }

  /**
   * The change, by the token that was mailed to the new address; null when the account was changed since it was read. Throws `AuthError`
   * `EMAIL_TAKEN`, `SERVICE_UNAVAILABLE`.
   */
  async complete(account: AccountRecord, confirmed: OneTimeTokenRecord, request: RequestFacts): Promise<AccountRecord | null> {
    const { store, clock, audit, mails } = this.deps;
    const now = clock.now();
    const email = confirmed.email ?? '';
    const reverts = openReverts(account, now);
    // Who gets the mail of an earlier address again has proved what the way back to it proves, and what came since may be an intruder's.
    const back = reverts.findIndex((revert) => revert.email === email);
    const minted = back < 0 ? mintOneTimeToken(account, 'REVERT_EMAIL', now + revertTtlSeconds * 1000, account.email) : null;
    const spent = { hash: confirmed.hash, expectedVersion: account.version };
    const change = { email, tokens: minted === null ? reverts.slice(0, back) : [...reverts, minted.record] };
    await this.checkFree(email, account.id);
    await audit.before('EMAIL_CHANGED', { by: actorOf(account.id, request), accountId: account.id });
    // The token is in this mail alone: it is put first, and nothing is changed where it cannot be.
    const wayBack = minted && (await mails.emailChanged(account, minted));
    try {
      const changed = await whereFree(() => store.changeEmail(account.id, spent, change, now));
      await (changed === null ? wayBack?.drop() : wayBack?.release());
      return changed;
    } catch (error) {
      // Any other failure may be a lost answer: then the mail comes by itself.
      if (asAuthError(error)?.code === 'EMAIL_TAKEN') await wayBack?.drop();
      throw error;
    }
  }

  /**
   * Brings the old address back, ends all sessions, takes the password away and mails a link to set another, in one update. Changes that
   * were made before this one can still be reverted, later ones not any more. Throws `AuthError` `ONE_TIME_TOKEN_INVALID` for all tokens that
   * are not good alike, `EMAIL_TAKEN` when the old address got an account meanwhile (the token stays good), `SERVICE_UNAVAILABLE`.
   */
  async revert(token: string, request: RequestFacts): Promise<void> {
    const { store, clock, audit, mails, config } = this.deps;
    const presented = readOneTimeToken(token);
    await untilWon(async () => {
      const account = presented === null ? null : await store.findAccount(presented.subjectId);
      const now = clock.now();
      const found = presented === null || account === null ? null : findGoodToken(account, 'REVERT_EMAIL', presented, now);
      if (account === null || found === null) throw new AuthError('ONE_TIME_TOKEN_INVALID');
      const reverts = openReverts(account, now);
      const before = reverts.slice(0, reverts.indexOf(found));
      const raised = { id: account.id, sessionEpoch: account.sessionEpoch + 1 };
      const reset = mintOneTimeToken(raised, 'RESET', now + config.resetTtlSeconds * 1000);
      const email = found.email ?? '';
      const ending = { at: now, reason: 'EMAIL_CHANGED', by: account.id } as const;
      const spent = { hash: found.hash, expectedVersion: account.version };
      await this.checkFree(email, account.id);
      await audit.before('EMAIL_CHANGE_REVERTED', { by: actorOf(account.id, request), accountId: account.id });
      const change = { email, tokens: [reset.record, ...before] };
      const changed = await whereFree(() => store.revertEmailChange(account.id, spent, change, ending));
      if (changed === null) return null;
      await markEnded(this.deps, changed, ending);
      await mails.resetPassword({ id: account.id, email }, async () => reset, 'service');
      return changed;
    });
  }

  /** Only so that the log tells of no change that was refused: what decides is the store's unique index. */
  private async checkFree(email: string, accountId: string): Promise<void> {
    const holder = await this.deps.store.findAccountByEmail(email);
    if (holder !== null && holder.id !== accountId) throw new AuthError('EMAIL_TAKEN');
  }

  /** The oldest way back must not be pushed out by further changes, as somebody who took the account over would like. */
  private checkReverts(account: AccountRecord): void {
    const now = this.deps.clock.now();
    const reverts = openReverts(account, now);
    const [oldest] = reverts;
    if (oldest === undefined || reverts.length < mostTokens) return;
    throw new AuthError('RATE_LIMITED', { retryAfter: Math.max(1, Math.ceil((oldest.expiresAt - now) / 1000)) });
  }
}

async function whereFree<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw error instanceof DuplicateError ? new AuthError('EMAIL_TAKEN') : error;
  }
}

/** Enough to recognise one's own address by: `a***@example.com`. */
function masked(email: string): string {
  const at = email.lastIndexOf('@');
  return `${[...email][0] ?? ''}***${email.slice(at)}`;
}
