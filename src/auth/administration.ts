import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../store/port.js';
import type { AccountRecord, EpochMs } from '../store/records.js';
import { type Account, toAccount } from './account.js';
import type { AccountDeletions } from './account-deletions.js';
import type { Accounts } from './accounts.js';
import type { Administrators } from './administrators.js';
import type { BulkRevocations, RevokedSessions } from './bulk-revocations.js';
import type { Clock } from './clock.js';
import { AuthError, serviceUnavailable } from './errors.js';
import { isId, isWellFormed } from './identifiers.js';
import type { Log } from './log.js';
import type { Notices } from './notices.js';
import type { Role, RoleBook } from './role-book.js';
import { type LifetimeConfig, purgeTime } from './session-lifetime.js';
import type { SessionFilter } from './session-search.js';
import type { SignedIn } from './viewer.js';

export interface CreateUserInput {
  readonly email: string;
  readonly username?: string | null;
  /** Besides the role that every account has. */
  readonly roles?: readonly string[] | null;
}

/** Characters (code points) of the reason for disabling an account. */
const longestReason = 500;
/** A change is lost only to another change of the same account, or of the caller's. */
const mostTries = 20;
const longestPauseMs = 100;

interface AdministrationDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly administrators: Administrators;
  readonly deletions: AccountDeletions;
  readonly bulkRevocations: BulkRevocations;
  readonly notices: Notices;
  readonly log: Log;
  readonly roles: RoleBook;
  readonly config: LifetimeConfig;
}

/** One act upon an account, as it was read. `apply` is a compare-and-set on its version: null when that was lost. */
interface Act<Done> {
  /** Whether the account can grant roles afterwards. */
  readonly leavesGranting: boolean;
  readonly apply: (account: AccountRecord) => Promise<Done | null>;
}

/**
 * What administrators do to other people's accounts and sessions, one method for each act. That the caller has the permission for the act
 * is settled before; that the account is within the caller's authority is decided here. Acts upon accounts throw `AuthError`: `NOT_FOUND`
 * for unknown and malformed ids alike, `FORBIDDEN` when the account may do something that the caller may not, `BAD_USER_INPUT`
 * (`LAST_ADMINISTRATOR`) when nobody would be left to grant roles, `SERVICE_UNAVAILABLE` when others kept changing the account meanwhile.
 */
export class Administration {
  constructor(private readonly deps: AdministrationDeps) {}

  /** All roles and what they allow. */
  listRoles(): readonly Role[] {
    return this.deps.roles.list();
  }

  /**
   * Ends the active sessions that fit, the caller's own only if `ids` names it; on a dry run says which. Throws what `BulkRevocations.run`
   * throws.
   */
  async revokeSessions(caller: SignedIn, filter: SessionFilter, dryRun: boolean): Promise<RevokedSessions> {
    const { bulkRevocations, log } = this.deps;
    const by = caller.accountId;
    const spared = filter.ids?.includes(caller.sessionId) ? [] : [caller.sessionId];
    const onProgress = (count: number) => log.info({ by, count, dryRun }, dryRun ? 'sessions found so far' : 'sessions ended so far');
    return bulkRevocations.run({ filter, by, dryRun, spared, onProgress });
  }

  /** Makes an account without a password. Throws what `Accounts.createWithoutPassword` throws, and `FORBIDDEN` for roles beyond the caller's. */
  async createUser(caller: SignedIn, { email, username = null, roles }: CreateUserInput): Promise<Account> {
    this.checkGrant(caller, roles ?? []);
    const account = await this.deps.accounts.createWithoutPassword({ email, username, roles: roles ?? [], emailVerified: false });
    this.deps.notices.accountCreated(account);
    return account;
  }

  /** Replaces the roles. Throws also `BAD_USER_INPUT` for a name that is no role. Nobody is signed out. */
  async setUserRoles(caller: SignedIn, userId: string, roles: readonly string[]): Promise<Account> {
    const distinct = [...new Set(roles)];
    this.checkGrant(caller, distinct);
    const account = await this.act(caller, userId, {
      leavesGranting: this.deps.administrators.canGrant(distinct),
      apply: ({ id, version }) => this.deps.store.setRoles(id, version, distinct, this.deps.clock.now()),
    });
    return toAccount(account, this.deps.roles);
  }

  /**
   * Keeps the person out until `until` (null: until somebody enables the account), and ends the sessions. Throws also `BAD_USER_INPUT`:
   * `until` not in the future, `reason` longer than 500 characters.
   */
  async disableUser(caller: SignedIn, userId: string, reason: string | null, until: EpochMs | null): Promise<Account> {
    const { store, clock, config } = this.deps;
    checkDisabling(reason, until, clock.now());
    const account = await this.act(caller, userId, {
      leavesGranting: false,
      apply: ({ id, version }) => {
        const at = clock.now();
        return store.disableAccount(id, { at, until, reason }, { at, reason: 'ACCOUNT_DISABLED', by: caller.accountId }, version);
      },
    });
    // The account's epoch has ended them; this writes it down.
    const { sessionsEnded, sessionEpoch: epochBelow, keptSessionId: exceptId } = account;
    const ending = sessionsEnded ?? { at: clock.now(), reason: 'ACCOUNT_DISABLED', by: caller.accountId };
    await store.revokeWhere({ accountId: account.id, epochBelow, ordinalAtMost: null, exceptId }, ending, purgeTime(ending.at, config));
    return toAccount(account, this.deps.roles);
  }

  /** Lets the person sign in again. Nothing happens to an account that is enabled. */
  async enableUser(caller: SignedIn, userId: string): Promise<Account> {
    const { store, clock } = this.deps;
    const account = await this.act(caller, userId, {
      leavesGranting: true,
      apply: async (read) => (read.disabled === null ? read : store.enableAccount(read.id, read.version, clock.now())),
    });
    return toAccount(account, this.deps.roles);
  }

  /** Deletes the account: see `AccountDeletions.delete`. */
  async deleteUser(caller: SignedIn, userId: string): Promise<void> {
    await this.act(caller, userId, {
      leavesGranting: false,
      apply: async (account) => (await this.deps.deletions.delete(account, caller.accountId)) || null,
    });
  }

  /** Read, decide, compare-and-set; whoever loses reads and decides again, after a pause at random: two that hinder each other must part. */
  private async act<Done>(caller: SignedIn, userId: string, { leavesGranting, apply }: Act<Done>): Promise<Done> {
    const { store, administrators } = this.deps;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const account = isId(userId) ? await store.findAccount(userId) : null;
      if (account === null) throw new AuthError('NOT_FOUND', { field: 'userId' });
      if (!this.covers(caller, account.roles)) throw new AuthError('FORBIDDEN');
      const losesGranting = administrators.canGrant(account.roles) && !leavesGranting;
      const isSecured = !losesGranting || (await administrators.secureAnother(account, caller.accountId));
      const done = isSecured ? await apply(account) : null;
      if (done !== null) return done;
      await pause(Math.random() * Math.min(longestPauseMs, 2 ** tries));
    }
    throw serviceUnavailable();
  }

  private checkGrant(caller: SignedIn, roles: readonly string[]): void {
    this.deps.roles.check(roles, 'roles');
    if (!this.covers(caller, roles)) throw new AuthError('FORBIDDEN');
  }

  /** Whether the caller may do all that these roles allow. */
  private covers(caller: SignedIn, roles: readonly string[]): boolean {
    return this.deps.roles.permissionsOf(roles).every((permission) => caller.permissions.includes(permission));
  }
}

function checkDisabling(reason: string | null, until: EpochMs | null, now: EpochMs): void {
  if (until !== null && until <= now) throw new AuthError('BAD_USER_INPUT', { field: 'until', reason: 'OUT_OF_RANGE' });
  if (reason === null) return;
  if (!isWellFormed(reason)) throw new AuthError('BAD_USER_INPUT', { field: 'reason', reason: 'INVALID' });
  if ([...reason].length > longestReason) throw new AuthError('BAD_USER_INPUT', { field: 'reason', reason: 'OUT_OF_RANGE' });
}
