import { randomUUID } from 'node:crypto';
import type { AccountQuery, AllSessionsQuery, AuditQuery, SessionQuery } from '../../src/store/queries.js';
import type {
  AccountRecord,
  AuditRecord,
  Ending,
  KeyRecord,
  MailRecord,
  OneTimeTokenRecord,
  SessionRecord,
  SignupRecord,
  TallyRecord,
} from '../../src/store/records.js';

/** An instant that tests count from: far enough in the future that no TTL index removes a record under a test. */
export const t0 = Date.UTC(2090, 0, 1);
export const minute = 60_000;
export const day = 24 * 60 * minute;

export function anAccount(overrides: Partial<AccountRecord> = {}): AccountRecord {
  const id = overrides.id ?? randomUUID();
  return {
    id,
    email: `${id}@example.com`,
    emailVerified: false,
    username: null,
    passwordHash: `hash of ${id}`,
    roles: ['USER'],
    createdAt: t0,
    lastLoginAt: null,
    passwordChangedAt: null,
    disabled: null,
    sessionEpoch: 1,
    keptSessionId: null,
    sessionsEnded: null,
    signInCount: 0,
    version: 1,
    rightsVersion: 1,
    changedAt: overrides.createdAt ?? t0,
    oneTimeTokens: [],
    ...overrides,
  };
}

/** To reset a password, of an account in its first epoch. */
export function aOneTimeToken(overrides: Partial<OneTimeTokenRecord> = {}): OneTimeTokenRecord {
  return { purpose: 'RESET', hash: `hash ${randomUUID()}`, epoch: 1, expiresAt: t0 + day, email: null, ...overrides };
}

export function aSignup(overrides: Partial<SignupRecord> = {}): SignupRecord {
  const id = overrides.id ?? randomUUID();
  return {
    id,
    email: `${id}@example.com`,
    username: null,
    passwordHash: `hash of ${id}`,
    tokenHash: `token of ${id}`,
    createdAt: t0,
    expiresAt: t0 + day,
    ...overrides,
  };
}

export function aSession(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: randomUUID(),
    accountId: randomUUID(),
    epoch: 1,
    ordinal: 1,
    generation: 0,
    confirmedGeneration: -1,
    confirmedAt: null,
    rotations: [],
    attemptId: null,
    createdAt: t0,
    lastSeenAt: t0,
    authenticatedAt: t0,
    idleExpiresAt: t0 + 7 * day,
    expiresAt: t0 + 90 * day,
    purgeAt: t0 + 120 * day,
    ipAddress: '192.0.2.1',
    userAgent: 'Test/1.0',
    device: { label: 'Firefox on Linux', browser: 'Firefox', os: 'Linux', kind: 'DESKTOP' },
    revoked: null,
    ...overrides,
  };
}

export function aKey(overrides: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: randomUUID(),
    purpose: 'signing',
    sequence: 1,
    algorithm: 'ES256',
    wrapped: { first: 'ciphertext' },
    createdAt: t0,
    activatesAt: t0 + minute,
    revokedAt: null,
    ...overrides,
  };
}

export function anAuditRecord(overrides: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: randomUUID(),
    createdAt: t0,
    type: 'LOGIN',
    actorId: null,
    accountId: randomUUID(),
    sessionId: randomUUID(),
    ipAddress: '192.0.2.1',
    userAgent: 'Test/1.0',
    count: 1,
    detail: {},
    purgeAt: t0 + 365 * day,
    ...overrides,
  };
}

export function aTally(overrides: Partial<TallyRecord> = {}): TallyRecord {
  return {
    key: randomUUID(),
    stamp: randomUUID(),
    since: t0,
    count: 1,
    lastAt: t0,
    inFlight: [],
    knownNetworks: [],
    purgeAt: t0 + day,
    ...overrides,
  };
}

/** A mail that is due at once, and waits for nobody yet. */
export function aMail(overrides: Partial<MailRecord> = {}): MailRecord {
  return {
    id: randomUUID(),
    kind: 'resetPassword',
    sealed: 'ciphertext',
    createdAt: t0,
    dueAt: t0,
    attempts: 0,
    claimId: null,
    purgeAt: t0 + 2 * day,
    ...overrides,
  };
}

/** The whole audit log. */
export function anAuditQuery(overrides: Partial<AuditQuery> = {}): AuditQuery {
  const all = { types: null, accountId: null, sessionId: null, ipAddress: null, createdAfter: null, createdBefore: null };
  return { ...all, ...overrides };
}

export function anEnding(overrides: Partial<Ending> = {}): Ending {
  return { at: t0 + minute, reason: 'REVOKED_BY_USER', by: null, ...overrides };
}

/** All states of the account's sessions, as seen a minute after `t0` by an account in its first epoch. */
export function aQuery(accountId: string, overrides: Partial<SessionQuery> = {}): SessionQuery {
  return { accountId, state: null, now: t0 + minute, epoch: 1, keptSessionId: null, epochRaisedAt: null, ...overrides };
}

/** All accounts, as of a minute after `t0`. */
export function anAccountQuery(overrides: Partial<AccountQuery> = {}): AccountQuery {
  return { search: null, role: null, disabled: null, emailVerified: null, now: t0 + minute, ...overrides };
}

/** All sessions of all accounts, as of a minute after `t0`. */
export function aSearch(overrides: Partial<AllSessionsQuery> = {}): AllSessionsQuery {
  return {
    ids: null,
    accountId: null,
    recordState: null,
    now: t0 + minute,
    ipAddress: null,
    userAgent: null,
    deviceKind: null,
    createdBefore: null,
    createdAfter: null,
    lastSeenBefore: null,
    lastSeenAfter: null,
    ...overrides,
  };
}
