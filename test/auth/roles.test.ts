import { describe, expect, it } from '@jest/globals';
import { defaultRole, isRole, permissions, permissionsOf, roleNames } from '../../src/auth/roles.js';

describe('roles', () => {
  it('are these three, and a new account has the one that allows nothing', () => {
    expect(roleNames).toEqual(['user', 'support', 'admin']);
    expect(permissionsOf([defaultRole])).toEqual([]);
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
  ])('%j allow together %j', (roles, expected) => {
    expect(permissionsOf(roles)).toEqual(expected);
  });

  it.each(['Admin', 'ADMIN', ' admin', 'root', '', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'are not %j, which allows nothing',
    (name) => {
      expect(isRole(name)).toBe(false);
      expect(permissionsOf([name])).toEqual([]);
    },
  );
});
