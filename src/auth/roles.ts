export const permissions = ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'] as const;
export type Permission = (typeof permissions)[number];

/** Those that change something of other people. */
export const writingPermissions: readonly Permission[] = ['users:write', 'sessions:revoke'];

/** Which roles there are, what each allows, and which one every new account has. */
export interface RoleSettings {
  readonly roles: Readonly<Record<string, readonly Permission[]>>;
  readonly defaultRole: string;
}

/** Where the settings name no others. */
export const builtInRoles: RoleSettings = {
  roles: { user: [], support: ['users:read', 'sessions:read'], admin: permissions },
  defaultRole: 'user',
};
