import type { AccountMails } from '../mail/mails.js';
import type { Store } from '../store/port.js';
import type { AccountRecord, EpochMs } from '../store/records.js';
import { type Account, toAccount } from './account.js';
import type { AccountDeletions } from './account-deletions.js';
import type { Accounts } from './accounts.js';
import type { Administrators } from './administrators.js';
import { type Actor, type Audit, actorOf, type Source } from './audit.js';
import type { BulkRevocations, RevokedSessions } from './bulk-revocations.js';
import type { Clock } from './clock.js';
import { untilWon } from './compare-and-set.js';
import { AuthError } from './errors.js';
import { isId, isWellFormed } from './identifiers.js';
import { endOf, isDisabled } from './liveness.js';
import type { Log } from './log.js';
import type { PasswordResets } from './password-resets.js';
import type { Role, RoleBook } from './role-book.js';
import type { Permission } from './roles.js';
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

interface AdministrationDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly administrators: Administrators;
  readonly deletions: AccountDeletions;
  readonly bulkRevocations: BulkRevocations;
  readonly passwordResets: PasswordResets;
  readonly mails: AccountMails;
  readonly audit: Audit;
  readonly log: Log;
  readonly roles: RoleBook;
  readonly config: LifetimeConfig;
}

/** Who acts, and from where. */
export interface Caller {
  readonly viewer: SignedIn;
  readonly source: Source;
}

const actor = ({ viewer, source }: Caller): Actor => actorOf(viewer.accountId, source);

/** One act upon an account, as it was read. `apply` is a compare-and-set on its version: null when that was lost. */
interface Act<Done> {
  /** Roles that the account gets. */
  readonly grants?: readonly string[];
  /** Whether the account can grant roles afterwards. */
  readonly leavesGranting: boolean;
  /** Writes the event of the audit log; called before `apply`, again where that was lost. */
  readonly note: (account: AccountRecord) => Promise<void>;
  readonly apply: (account: AccountRecord) => Promise<Done | null>;
}

/**
 * What administrators do to other people's accounts and sessions, one method for each act. That the caller has the permission for the act
 * is settled before; that the account is within the caller's authority is decided here. Acts upon accounts throw `AuthError`: `NOT_FOUND`
 * for unknown and malformed ids alike, `FORBIDDEN` when the account may do something that the caller may not, `BAD_USER_INPUT`
 * (`LAST_ADMINISTRATOR`) when nobody would be left to grant roles, `SERVICE_UNAVAILABLE` when others kept changing the account meanwhile, or the
 * audit log cannot be written.
 */
export class Administration {
  constructor(private readonly deps: AdministrationDeps) {}

  /** All roles and what they allow. */
  listRoles(): readonly Role[] {
    return this.deps.roles.list();
  }

  /**
   * Ends the active sessions that fit, the caller's own only if `ids` names it, and none of an account that may do more than the caller; on a
   * dry run says which. Throws what `BulkRevocations.run` throws.
   */
  async revokeSessions(caller: Caller, filter: SessionFilter, dryRun: boolean): Promise<RevokedSessions> {
    const { bulkRevocations, log, roles } = this.deps;
    const { accountId, sessionId } = caller.viewer;
    const spared = filter.ids?.includes(sessionId) ? [] : [sessionId];
    const onProgress = (count: number) =>
      log.info({ by: accountId, count, dryRun }, dryRun ? 'sessions found so far' : 'sessions ended so far');
    const authority = async () => {
      const permissions = await this.presentRights(caller, 'sessions:revoke');
      return (held: readonly string[]) => includes(permissions, roles.permissionsOf(held));
    };
    const revoked = await bulkRevocations.run({ filter, by: actor(caller), dryRun, spared, authority, onProgress });
    // To end sessions is not to see them.
    return caller.viewer.permissions.includes('sessions:read') ? revoked : { ...revoked, sessions: [] };
  }

  /** Makes an account without a password, and mails a link to set one. Throws what `Accounts.createWithoutPassword` throws, and `FORBIDDEN` for roles beyond the caller's. */
  async createUser(caller: Caller, { email, username = null, roles }: CreateUserInput): Promise<Account> {
    this.deps.roles.check(roles ?? [], 'roles');
    const permissions = await this.presentRights(caller, 'users:write');
    if (!includes(permissions, this.deps.roles.permissionsOf(roles ?? []))) throw new AuthError('FORBIDDEN');
    const input = { email, username, roles: roles ?? [], emailVerified: false };
    const { accounts, mails } = this.deps;
    const { account, invitation } = await accounts.createWithoutPassword(input, actor(caller));
    await mails.accountCreated(account, invitation);
    return account;
  }

  /** Replaces the roles. Throws also `BAD_USER_INPUT` for a name that is no role. Nobody is signed out. */
  async setUserRoles(caller: Caller, userId: string, roles: readonly string[]): Promise<Account> {
    const { store, clock, audit, administrators } = this.deps;
    const distinct = [...new Set(roles)];
    this.deps.roles.check(distinct, 'roles');
    const isHeld = ({ roles: held }: AccountRecord) => held.length === distinct.length && distinct.every((role) => held.includes(role));
    const account = await this.act(caller, userId, {
      grants: distinct,
      leavesGranting: administrators.canGrant(distinct),
      note: async (read) => {
        const detail = { before: read.roles.join(', '), after: distinct.join(', ') };
        if (!isHeld(read)) await audit.before('ROLES_CHANGED', { by: actor(caller), accountId: read.id, detail });
      },
      apply: async (read) => (isHeld(read) ? read : store.setRoles(read.id, read.rightsVersion, distinct, clock.now())),
    });
    return toAccount(account, this.deps.roles);
  }

  /**
   * Keeps the person out until `until` (null: until somebody enables the account), and ends the sessions. Throws also `BAD_USER_INPUT`:
   * `until` not in the future, `reason` longer than 500 characters.
   */
  async disableUser(caller: Caller, userId: string, reason: string | null, until: EpochMs | null): Promise<Account> {
    const { store, clock, audit, config } = this.deps;
    checkDisabling(reason, until, clock.now());
    const by = caller.viewer.accountId;
    const account = await this.act(caller, userId, {
      leavesGranting: false,
      note: ({ id: accountId }) => audit.before('ACCOUNT_DISABLED', { by: actor(caller), accountId }),
      apply: ({ id, rightsVersion }) => {
        const at = clock.now();
        return store.disableAccount(id, { at, until, reason }, { at, reason: 'ACCOUNT_DISABLED', by }, rightsVersion);
      },
    });
    // The account's epoch has ended them; this writes it down.
    const { sessionsEnded, sessionEpoch: epochBelow, keptSessionId: exceptId } = account;
    const ending = sessionsEnded ?? { at: clock.now(), reason: 'ACCOUNT_DISABLED', by };
    await store.revokeWhere({ accountId: account.id, epochBelow, ordinalAtMost: null, exceptId }, ending, purgeTime(ending.at, config));
    return toAccount(account, this.deps.roles);
  }

  /** Lets the person sign in again. Nothing happens to an account that is enabled. */
  async enableUser(caller: Caller, userId: string): Promise<Account> {
    const { store, clock, audit } = this.deps;
    const account = await this.act(caller, userId, {
      leavesGranting: true,
      note: async ({ id: accountId, disabled }) => {
        if (disabled !== null) await audit.before('ACCOUNT_ENABLED', { by: actor(caller), accountId });
      },
      apply: async (read) => (read.disabled === null ? read : store.enableAccount(read.id, read.rightsVersion, clock.now())),
    });
    return toAccount(account, this.deps.roles);
  }

  /** Deletes the account: see `AccountDeletions.delete`. */
  async deleteUser(caller: Caller, userId: string): Promise<void> {
    const { audit, deletions } = this.deps;
    await this.act(caller, userId, {
      leavesGranting: false,
      note: ({ id: accountId }) => audit.before('ACCOUNT_DELETED', { by: actor(caller), accountId }),
      apply: async (account) => (await deletions.delete(account, caller.viewer.accountId)) || null,
    });
  }

  /** Mails a link to set a new password; the present one stays as it is. Throws also `ACCOUNT_DISABLED`. */
  async sendPasswordReset(caller: Caller, userId: string): Promise<void> {
    await this.deps.passwordResets.send(await this.find(caller, userId), actor(caller));
  }

  private act<Done>(caller: Caller, userId: string, { grants = [], leavesGranting, note, apply }: Act<Done>): Promise<Done> {
    const { administrators } = this.deps;
    return untilWon(async () => {
      const account = await this.find(caller, userId, grants);
      const losesGranting = administrators.canGrant(account.roles) && !leavesGranting;
      if (losesGranting && !(await administrators.secureAnother(account, caller.viewer.accountId))) return null;
      await note(account);
      return apply(account);
    });
  }

  /** Throws `AuthError` `NOT_FOUND`, and `FORBIDDEN` when the account, or a role that it gets, is not within the caller's authority by now. */
  private async find(caller: Caller, userId: string, grants: readonly string[] = []): Promise<AccountRecord> {
    const { store, roles } = this.deps;
    const permissions = await this.presentRights(caller, 'users:write');
    const account = isId(userId) ? await store.findAccount(userId) : null;
    if (account === null) throw new AuthError('NOT_FOUND', { field: 'userId' });
    if (!includes(permissions, roles.permissionsOf([...account.roles, ...grants]))) throw new AuthError('FORBIDDEN');
    return account;
  }

  /**
   * What the caller may do by now, and at most what the request began with. An operation of many acts may be under way while its caller is
   * demoted, disabled or signed out: then it does nothing more. Throws `AuthError` `UNAUTHENTICATED`, and `FORBIDDEN` without `needed`.
   */
  private async presentRights({ viewer }: Caller, needed: Permission): Promise<readonly Permission[]> {
    const { store, clock, roles } = this.deps;
    const { session, account } = await store.findCurrent(viewer.sessionId, viewer.accountId);
    const now = clock.now();
    const isOver = session === null || account === null || endOf(session, account, now) !== null || isDisabled(account, now);
    if (isOver) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    const permissions = roles.permissionsOf(account.roles).filter((permission) => viewer.permissions.includes(permission));
    if (!permissions.includes(needed)) throw new AuthError('FORBIDDEN');
    return permissions;
  }
}

const includes = (all: readonly Permission[], some: readonly Permission[]): boolean => some.every((permission) => all.includes(permission));

function checkDisabling(reason: string | null, until: EpochMs | null, now: EpochMs): void {
  if (until !== null && until <= now) throw new AuthError('BAD_USER_INPUT', { field: 'until', reason: 'OUT_OF_RANGE' });
  if (reason === null) return;
  if (!isWellFormed(reason)) throw new AuthError('BAD_USER_INPUT', { field: 'reason', reason: 'INVALID' });
  if ([...reason].length > longestReason) throw new AuthError('BAD_USER_INPUT', { field: 'reason', reason: 'OUT_OF_RANGE' });
}
