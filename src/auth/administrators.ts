import type { Store } from '../store/port.js';
import type { CreationPosition, Found } from '../store/queries.js';
import type { AccountRecord } from '../store/records.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { isDisabled } from './liveness.js';
import type { RoleBook } from './role-book.js';

const rowsPerLook = 20;

interface AdministratorsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly roles: RoleBook;
}

/**
 * Sees to it that some enabled account can always grant roles, however many lose that at the same moment, in however many processes, and
 * without a transaction or a lock that a crash could leave behind.
 *
 * Whoever takes the right from account X (1) reads X, (2) raises the version of another account that has the right, by compare-and-set,
 * and only then (3) changes X by compare-and-set on the version of (1). Suppose X were the last one at (3). Then the other lost the right
 * between (2) and (3), and whoever did that had read it after (2) and, by its own step (2), had found a third one that kept the right at an
 * instant between; not X, whose version has not changed since (1). That third one lost it before (3) in the same way, to a fourth, later
 * still; and so on without an end, which finitely many changes cannot be. A crash after (2) leaves a version that rose, and nothing else.
 */
export class Administrators {
  constructor(private readonly deps: AdministratorsDeps) {}

  /** Whether these roles let an account give roles to others. */
  canGrant(roles: readonly string[]): boolean {
    return this.deps.roles.permissionsOf(roles).includes('users:write');
  }

  /**
   * Step (2) for `target`, as it was read by the caller: false when it was lost, and everything is to be read again. Throws `AuthError`
   * `FORBIDDEN` when `callerId`, if it is another account, has lost the right meanwhile, and `BAD_USER_INPUT` (`LAST_ADMINISTRATOR`), with the
   * argument that names the account, if one does.
   */
  async secureAnother(target: AccountRecord, callerId: string, field: string | null = 'userId'): Promise<boolean> {
    const { store, clock } = this.deps;
    const other = target.id === callerId ? await this.findAnother(target.id, field) : await store.findAccount(callerId);
    if (other === null || isDisabled(other, clock.now()) || !this.canGrant(other.roles)) throw new AuthError('FORBIDDEN');
    return (await store.setRoles(other.id, other.rightsVersion, other.roles, clock.now())) !== null;
  }

  private async findAnother(id: string, field: string | null): Promise<AccountRecord> {
    for (const role of this.deps.roles.names.filter((name) => this.canGrant([name]))) {
      const query = { search: null, role, disabled: false, emailVerified: null, now: this.deps.clock.now() };
      let after: CreationPosition | null = null;
      do {
        const found: Found<AccountRecord> = await this.deps.store.listAccounts(query, { limit: rowsPerLook, after });
        // Who has no password yet may never get one.
        const other = found.rows.find((account) => account.id !== id && account.passwordHash !== null);
        if (other !== undefined) return other;
        after = found.next;
      } while (after !== null);
    }
    throw new AuthError('BAD_USER_INPUT', { ...(field !== null && { field }), reason: 'LAST_ADMINISTRATOR' });
  }
}
