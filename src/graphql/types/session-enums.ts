// Written out, because the schema's types depend on nothing but each other; that they agree with the services is checked by
// the compiler where resolvers map one to the other.

export const SessionState = { ACTIVE: 'ACTIVE', EXPIRED: 'EXPIRED', REVOKED: 'REVOKED' } as const;
export type SessionState = keyof typeof SessionState;

export const RevocationReason = {
  LOGOUT: 'LOGOUT',
  REVOKED_BY_USER: 'REVOKED_BY_USER',
  REVOKED_BY_ADMIN: 'REVOKED_BY_ADMIN',
  TOKEN_REVOKED: 'TOKEN_REVOKED',
  PASSWORD_CHANGED: 'PASSWORD_CHANGED',
  PASSWORD_RESET: 'PASSWORD_RESET',
  EMAIL_CHANGED: 'EMAIL_CHANGED',
  REUSE_DETECTED: 'REUSE_DETECTED',
  BINDING_MISMATCH: 'BINDING_MISMATCH',
  ACCOUNT_DISABLED: 'ACCOUNT_DISABLED',
  ACCOUNT_DELETED: 'ACCOUNT_DELETED',
  SESSION_LIMIT: 'SESSION_LIMIT',
} as const;
export type RevocationReason = keyof typeof RevocationReason;
