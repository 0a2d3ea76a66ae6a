import { describe, expect, it } from '@jest/globals';
import { toAccount } from '../../src/auth/account.js';
import { RoleBook } from '../../src/auth/role-book.js';
import { permissions } from '../../src/auth/roles.js';
import { aRoleBook } from '../support/factories.js';
import { anAccount } from '../support/records.js';

describe('the built-in roles', () => {
  const roles = aRoleBook();

  it('are these three, and a new account has the one that allows nothing', () => {
    expect(roles.names).toEqual(['user', 'support', 'admin']);
    expect(roles.permissionsOf([roles.defaultRole])).toEqual([]);
  });

  it.each([
    [['support'], ['users:read', 'sessions:read']],
    [['admin'], [...permissions]],
    [
      ['user', 'support'],
      ['users:read', 'sessions:read'],
    ],
    [['support', 'admin', 'support'], [...permissions]],
    [[], []],
  ])('%j allow together %j', (names, expected) => {
    expect(roles.permissionsOf(names)).toEqual(expected);
  });

  it.each(['Admin', 'ADMIN', ' admin', 'root', '', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'are not %j, which allows nothing',
    (name) => {
      expect(roles.isRole(name)).toBe(false);
      expect(roles.permissionsOf([name])).toEqual([]);
    },
  );
});

describe('roles of the settings', () => {
  const roles = new RoleBook({
    roles: { member: [], auditor: ['audit:read', 'users:read', 'audit:read'], editor: ['users:write'] },
    defaultRole: 'member',
  });

  it('are listed in their order, each with its permissions in the order of the table, once', () => {
    expect(roles.list()).toEqual([
      { name: 'member', permissions: [] },
      { name: 'auditor', permissions: ['users:read', 'audit:read'] },
      { name: 'editor', permissions: ['users:write'] },
    ]);
    expect(roles.defaultRole).toBe('member');
  });

  it('take the place of the built-in ones: one that an account still holds allows nothing, and is shown as it is', () => {
    const account = toAccount(anAccount({ roles: ['admin', 'auditor'] }), roles);
    expect(account).toMatchObject({ roles: ['admin', 'auditor'], permissions: ['users:read', 'audit:read'] });
    expect(toAccount(anAccount({ roles: ['admin'] }), roles).permissions).toEqual([]);
  });

  it('are named to whoever names another', () => {
    expect(() => roles.check(['member', 'auditor'], 'roles')).not.toThrow();
    expect(() => roles.check(['member', 'admin'], 'roles')).toThrow(
      expect.objectContaining({
        code: 'BAD_USER_INPUT',
        details: { field: 'roles', reason: 'UNKNOWN_ROLE', known: ['member', 'auditor', 'editor'] },
      }),
    );
  });

  it('of two books in one process do not mix', () => {
    expect(aRoleBook().isRole('auditor')).toBe(false);
    expect(roles.isRole('support')).toBe(false);
  });
});
