import type { AccountRecord } from '../store/records.js';
import type { RoleBook } from './role-book.js';
import type { Permission } from './roles.js';

/** An account as everything outside the sign-in sees it: without the hashes of password and mailed secrets. */
export interface Account extends Omit<AccountRecord, 'passwordHash' | 'oneTimeTokens'> {
  /** What its roles allow. */
  readonly permissions: readonly Permission[];
}

export function toAccount({ passwordHash: _, oneTimeTokens: __, ...record }: AccountRecord, roles: RoleBook): Account {
  return { ...record, permissions: roles.permissionsOf(record.roles) };
}

type FirstFacts = Pick<AccountRecord, 'id' | 'email' | 'emailVerified' | 'username' | 'passwordHash' | 'roles' | 'createdAt'>;

/** Somebody's account in its first state, without any one-time token unless one is given. */
export function newAccount(facts: FirstFacts, oneTimeTokens: AccountRecord['oneTimeTokens'] = []): AccountRecord {
  return {
    ...facts,
    lastLoginAt: null,
    passwordChangedAt: null,
    disabled: null,
    sessionEpoch: 0,
    keptSessionId: null,
    sessionsEnded: null,
    signInCount: 0,
    version: 1,
    rightsVersion: 1,
    changedAt: facts.createdAt,
    oneTimeTokens,
  };
}
