import { DuplicateError, type Store } from '../store/port.js';
import { type Account, toAccount } from './account.js';
import type { AccountDeletions } from './account-deletions.js';
import type { Accounts } from './accounts.js';
import type { Administrators } from './administrators.js';
import { type Audit, actorOf } from './audit.js';
import { untilWon } from './compare-and-set.js';
import { AuthError } from './errors.js';
import { isUsername } from './identifiers.js';
import type { RoleBook } from './role-book.js';
import type { Throttle } from './throttle.js';
import type { RequestFacts, SignedIn } from './viewer.js';

interface OwnAccountsDeps {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly administrators: Administrators;
  readonly deletions: AccountDeletions;
  readonly audit: Audit;
  readonly roles: RoleBook;
  readonly throttle: Throttle;
}

/** What people do to their own accounts, passwords and addresses apart. */
export class OwnAccounts {
  constructor(private readonly deps: OwnAccountsDeps) {}

  /**
   * Sets the username; nobody is signed out. Throws `AuthError`: `BAD_USER_INPUT`, `USERNAME_TAKEN`, `RATE_LIMITED`, `UNAUTHENTICATED` when the
   * account was deleted a moment ago, `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async changeUsername({ accountId, sessionId }: SignedIn, username: string, request: RequestFacts): Promise<Account> {
    const { store, audit, roles, throttle } = this.deps;
    if (!isUsername(username)) throw new AuthError('BAD_USER_INPUT', { field: 'username', reason: 'INVALID' });
    await throttle.account('username_change', accountId);
    const taken = new AuthError('USERNAME_TAKEN', { field: 'username' });
    // Only so that the log tells of no change that was refused: what decides is the store's unique index.
    const holder = await store.findAccountByUsername(username);
    if (holder !== null && holder.id !== accountId) throw taken;
    if (holder?.username === username) return toAccount(holder, roles);
    await audit.before('USERNAME_CHANGED', { by: actorOf(accountId, request), accountId, sessionId });
    const account = await store.setUsername(accountId, username).catch((error: unknown) => {
      throw error instanceof DuplicateError ? taken : error;
    });
    if (account === null) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    return toAccount(account, roles);
  }

  /**
   * Deletes the account: see `AccountDeletions.delete`. The password is proved anew for each try, for the account as it is then: a
   * deletion proved by a password that was reset meanwhile must not overtake the reset. Throws
   * what `Accounts.reauthenticate` throws, and `AuthError` `BAD_USER_INPUT` (`LAST_ADMINISTRATOR`), `SERVICE_UNAVAILABLE` when others kept
   * changing the account meanwhile, or the audit log cannot be written.
   */
  async deleteAccount({ accountId, sessionId }: SignedIn, currentPassword: string, request: RequestFacts): Promise<void> {
    const { accounts, administrators, deletions, audit } = this.deps;
    await untilWon(async () => {
      const account = await accounts.reauthenticate(accountId, currentPassword, request);
      const mayGrant = administrators.canGrant(account.roles);
      if (mayGrant && !(await administrators.secureAnother(account, accountId, null))) return null;
      await audit.before('ACCOUNT_DELETED', { by: actorOf(accountId, request), accountId, sessionId });
      return (await deletions.delete(account, accountId, account.sessionEpoch)) || null;
    });
  }
}
