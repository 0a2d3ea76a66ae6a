import type { Account } from '../auth/account.js';
import { instant, moment, table } from './output.js';

/** What the JSON of every command says of an account. */
export const userFields = 'id, email, emailVerified, username, roles, permissions, createdAt, lastLoginAt, passwordChangedAt, disabled';

/** `disabled` as it was set: one whose `until` has come does not count any more. */
export function userJson(account: Account): object {
  const { disabled } = account;
  return {
    id: account.id,
    email: account.email,
    emailVerified: account.emailVerified,
    username: account.username,
    roles: account.roles,
    permissions: account.permissions,
    createdAt: instant(account.createdAt),
    lastLoginAt: instant(account.lastLoginAt),
    passwordChangedAt: instant(account.passwordChangedAt),
    disabled: disabled && { at: instant(disabled.at), until: instant(disabled.until), reason: disabled.reason },
  };
}

export function userTable(accounts: readonly Account[]): string {
  const heads = ['EMAIL', 'USERNAME', 'ROLES', 'VERIFIED', 'DISABLED', 'CREATED', 'LAST LOGIN', 'ID'];
  const rows = accounts.map(({ email, username, roles, emailVerified, disabled, createdAt, lastLoginAt, id }) => [
    email,
    username ?? '',
    roles.join(','),
    emailVerified ? 'yes' : 'no',
    disabled === null ? 'no' : disabled.until === null ? 'yes' : `until ${moment(disabled.until)}`,
    moment(createdAt),
    moment(lastLoginAt),
    id,
  ]);
  return table(heads, rows);
}
