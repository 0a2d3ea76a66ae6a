export const permissions = ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'] as const;
export type Permission = (typeof permissions)[number];

/** What each role allows. Rules ask for permissions, never for roles. */
const permissionsByRole: Readonly<Record<string, readonly Permission[]>> = {
  user: [],
  support: ['users:read', 'sessions:read'],
  admin: permissions,
};
/** Says what roles allow. */
export interface RolePermissions {
  permissionsOf(roles: readonly string[]): readonly Permission[];
}

export const roleNames: readonly string[] = Object.keys(permissionsByRole);

/** The role that every account starts with. */
export const defaultRole = 'user';

export const isRole = (name: string): boolean => Object.hasOwn(permissionsByRole, name);

/** What the roles allow together, in the table's order; an unknown role allows nothing. */
export function permissionsOf(roles: readonly string[]): readonly Permission[] {
  const held = new Set(roles.flatMap((role) => (isRole(role) ? (permissionsByRole[role] ?? []) : [])));
  return permissions.filter((permission) => held.has(permission));
}
