import { AuthError } from './errors.js';
import { type Permission, permissions, type RoleSettings } from './roles.js';

export interface Role {
  readonly name: string;
  /** In the order of the table of permissions. */
  readonly permissions: readonly Permission[];
}

/**
 * The roles of one service, as its settings say. Rules ask for permissions, never for roles. A role that an account holds and the book
 * does not know allows nothing.
 */
export class RoleBook {
  /** A map, since `constructor` is a name like any other. */
  private readonly roles: ReadonlyMap<string, Role>;
  /** The role that every account starts with. */
  readonly defaultRole: string;

  constructor(settings: RoleSettings) {
    const roles = Object.entries(settings.roles).map(([name, allowed]) => ({ name, permissions: inOrder(new Set(allowed)) }));
    this.roles = new Map(roles.map((role) => [role.name, role]));
    this.defaultRole = settings.defaultRole;
  }

  /** In the order of the settings. */
  get names(): readonly string[] {
    return [...this.roles.keys()];
  }

  isRole(name: string): boolean {
    return this.roles.has(name);
  }

  /** What the roles allow together, in the order of the table of permissions. */
  permissionsOf(names: readonly string[]): readonly Permission[] {
    return inOrder(new Set(names.flatMap((name) => this.roles.get(name)?.permissions ?? [])));
  }

  /** In the order of the settings. */
  list(): readonly Role[] {
    return [...this.roles.values()];
  }

  /** Throws `AuthError` `BAD_USER_INPUT` (`UNKNOWN_ROLE`, with the names that there are) unless each is a role. `field`: the input at fault. */
  check(names: readonly string[], field: string): void {
    if (names.every((name) => this.isRole(name))) return;
    throw new AuthError('BAD_USER_INPUT', { field, reason: 'UNKNOWN_ROLE', known: this.names });
  }
}

const inOrder = (held: ReadonlySet<Permission>): readonly Permission[] => permissions.filter((permission) => held.has(permission));
