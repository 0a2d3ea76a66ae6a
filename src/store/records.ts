/** What the store keeps: one of the three parts of its port, beside `queries.ts` and `port.ts`. */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export const revocationReasons = [
  'LOGOUT',
  'REVOKED_BY_USER',
  'REVOKED_BY_ADMIN',
  'TOKEN_REVOKED',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET',
  'EMAIL_CHANGED',
  'REUSE_DETECTED',
  'BINDING_MISMATCH',
  'ACCOUNT_DISABLED',
  'ACCOUNT_DELETED',
  'SESSION_LIMIT',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

export interface AccountRecord {
  readonly id: string;
  /** Normalized (trimmed, NFC, lower case); unique. */
  readonly email: string;
  readonly emailVerified: boolean;
  /** As typed; unique without regard to case. */
  readonly username: string | null;
  readonly passwordHash: string | null;
  readonly roles: readonly string[];
  readonly createdAt: EpochMs;
  readonly lastLoginAt: EpochMs | null;
  readonly passwordChangedAt: EpochMs | null;
  readonly disabled: AccountDisabledRecord | null;
  /** Rises with every "end all sessions". A session is alive only with this epoch, or as `keptSessionId`. */
  readonly sessionEpoch: number;
  readonly keptSessionId: string | null;
  /** The last rise of `sessionEpoch`: when, why and by whom. */
  readonly sessionsEnded: Ending | null;
  /** How many sign-ins the account has had: each takes the next number. */
  readonly signInCount: number;
  /** Rises with every change of roles, status, verification or epoch. Starts at 1. */
  readonly version: number;
  /**
   * Rises with every change of roles and status, by whoever may change others, and with nothing that people can do themselves: so that
   * nobody can keep a change of their own rights from happening. Starts at 1.
   */
  readonly rightsVersion: number;
  /** When `version` last rose; `createdAt` before the first time. */
  readonly changedAt: EpochMs;
  /** Mailed secrets, perhaps expired or void by now; of each purpose at most 5, the oldest first. */
  readonly oneTimeTokens: readonly OneTimeTokenRecord[];
}

export const oneTimePurposes = ['RESET', 'VERIFY', 'CHANGE_EMAIL', 'REVERT_EMAIL'] as const;
export type OneTimePurpose = (typeof oneTimePurposes)[number];

/** What the store knows of a mailed secret. */
export interface OneTimeTokenRecord {
  readonly purpose: OneTimePurpose;
  /** Of the secret, which is nowhere in the store. */
  readonly hash: string;
  /** The account's `sessionEpoch` when it was made: every rise makes it void, but for `REVERT_EMAIL`. */
  readonly epoch: number;
  readonly expiresAt: EpochMs;
  /** The address that the account gets by `CHANGE_EMAIL`, or gets back by `REVERT_EMAIL`; null for the others. */
  readonly email: string | null;
}

/** A sign-up whose address is not verified yet. It is no account: of several for one address, the one whose link is followed becomes it. */
export interface SignupRecord {
  /** Also of the account that it may become. */
  readonly id: string;
  /** Normalized; not unique. */
  readonly email: string;
  /** As typed; nobody keeps it free. */
  readonly username: string | null;
  readonly passwordHash: string;
  readonly tokenHash: string;
  readonly createdAt: EpochMs;
  /** From then on the record may be removed; its link has been of no use for some time. */
  readonly expiresAt: EpochMs;
}

export interface AccountDisabledRecord {
  readonly at: EpochMs;
  /** Null: until somebody enables the account. */
  readonly until: EpochMs | null;
  readonly reason: string | null;
}

/** What is left of a deleted account. */
export interface DeletionRecord {
  readonly accountId: string;
  readonly ending: Ending;
}

export interface DeviceRecord {
  readonly label: string;
  readonly browser: string | null;
  readonly os: string | null;
  readonly kind: DeviceKind;
}
export const deviceKinds = ['DESKTOP', 'MOBILE', 'TABLET', 'TV', 'BOT', 'PROGRAM', 'UNKNOWN'] as const;
export type DeviceKind = (typeof deviceKinds)[number];
/** Of a client that tells nothing, or of which nothing may be kept. */
export const unknownDevice: DeviceRecord = { label: 'Unknown device', browser: null, os: null, kind: 'UNKNOWN' };

/** Why, when and by whom (an account id; null: the server itself) something was ended. */
export interface Ending {
  readonly at: EpochMs;
  readonly reason: RevocationReason;
  readonly by: string | null;
}

export interface SessionRecord {
  readonly id: string;
  readonly accountId: string;
  /** The account's `sessionEpoch` that the sign-in read together with the password hash. */
  readonly epoch: number;
  /** The sign-in's number (`signInCount` after it was taken). */
  readonly ordinal: number;
  /** How often the refresh token has been rotated; 0 at sign-in. */
  readonly generation: number;
  /** The highest generation that the client is known to have received; -1 before the first. */
  readonly confirmedGeneration: number;
  readonly confirmedAt: EpochMs | null;
  /** Instants of the last rotations, oldest first, at most 8; the last one made `generation`. */
  readonly rotations: readonly EpochMs[];
  /** The random id of the attempt that made `generation`; null before the first rotation. */
  readonly attemptId: string | null;
  readonly createdAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  readonly authenticatedAt: EpochMs;
  /** When it ends if it is not refreshed before; never later than `expiresAt`. */
  readonly idleExpiresAt: EpochMs;
  /** When it ends however often it is refreshed. */
  readonly expiresAt: EpochMs;
  /** From then on the record may be removed. */
  readonly purgeAt: EpochMs;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly device: DeviceRecord;
  readonly revoked: Ending | null;
}

export const auditEventTypes = [
  'SIGNUP',
  'LOGIN',
  'LOGIN_FAILED',
  'LOGIN_THROTTLED',
  'LOGOUT',
  'SESSION_REVOKED',
  'SESSIONS_REVOKED',
  'REFRESH_REUSED',
  'BINDING_MISMATCH',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET_REQUESTED',
  'PASSWORD_RESET',
  'EMAIL_VERIFICATION_REQUESTED',
  'EMAIL_VERIFIED',
  'EMAIL_CHANGED',
  'EMAIL_CHANGE_REVERTED',
  'USERNAME_CHANGED',
  'REAUTHENTICATED',
  'ROLES_CHANGED',
  'ACCOUNT_CREATED',
  'ACCOUNT_DISABLED',
  'ACCOUNT_ENABLED',
  'ACCOUNT_DELETED',
  'MAIL_GIVEN_UP',
  'SIGNING_KEY_ROTATED',
  'SIGNING_KEY_REVOKED',
] as const;
export type AuditEventType = (typeof auditEventTypes)[number];

/** An event of the audit log, or like events of one minute. */
export interface AuditRecord {
  /** A UUID; of like events that share a record it says what they have in common. */
  readonly id: string;
  /** When it happened; the first of several. */
  readonly createdAt: EpochMs;
  readonly type: AuditEventType;
  /** The account that acted; null: the command line, the server itself, or somebody who is not known. */
  readonly actorId: string | null;
  /** The account that it happened to; null: none, or one that is not known. */
  readonly accountId: string | null;
  readonly sessionId: string | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  /** 1 or more. */
  readonly count: number;
  /** What the type leaves open, such as a reason or names of roles: never a secret, nor what a client submitted. */
  readonly detail: Readonly<Record<string, string>>;
  /** From then on the record may be removed. */
  readonly purgeAt: EpochMs;
}

/** How often something was tried of late. */
export interface TallyRecord {
  /** What is counted, by whom and where from, blinded: it cannot be read back without a key of the server. */
  readonly key: string;
  /** Random, another one with each write: what a compare-and-set compares. */
  readonly stamp: string;
  /** From when on `count` counts. */
  readonly since: EpochMs;
  readonly count: number;
  /** When the last one that counts was over; null before the first. */
  readonly lastAt: EpochMs | null;
  /** Begun and not settled, by a random id each. One that is never settled was begun by a process that died. */
  readonly inFlight: readonly { readonly id: string; readonly at: EpochMs }[];
  /** Of an account: the networks that it signed in from, blinded, and when last. */
  readonly knownNetworks: readonly { readonly network: string; readonly at: EpochMs }[];
  /** From then on the record says nothing any more and may be removed. */
  readonly purgeAt: EpochMs;
}

/** A mail that waits to be handed over. Its record goes when it was, or when it is given up. */
export interface MailRecord {
  /** A UUID. */
  readonly id: string;
  /** What it is for, such as `resetPassword`: for logs. */
  readonly kind: string;
  /** Address, subject and body, encrypted by the caller: a link in it lets its holder in. */
  readonly sealed: string;
  readonly createdAt: EpochMs;
  /** From when on it may be claimed; while somebody holds it, when the claim ends. */
  readonly dueAt: EpochMs;
  /** How often it was claimed. */
  readonly attempts: number;
  /** Of the claim under way; null: nobody holds it. A claim that has run out leaves its id. */
  readonly claimId: string | null;
  /** From then on the record may be removed. */
  readonly purgeAt: EpochMs;
}

/** A key of the server itself, encrypted ("wrapped") under each configured secret. */
export interface KeyRecord {
  /** The key id: the `kid` for `signing`, 8 hexadecimal digits for all others. */
  readonly id: string;
  readonly purpose: KeyPurpose;
  /** 1, 2, 3, ... within the purpose: two nodes that make the next key at once make one. */
  readonly sequence: number;
  /** The JWS algorithm for `signing`, null otherwise. */
  readonly algorithm: string | null;
  /** Secret id -> ciphertext. The key material is in no other form in the store. */
  readonly wrapped: Readonly<Record<string, string>>;
  readonly createdAt: EpochMs;
  /** From when a signing key signs; it verifies from the start. */
  readonly activatesAt: EpochMs;
  readonly revokedAt: EpochMs | null;
}
export type KeyPurpose = 'refresh-mac' | 'pepper' | 'blinding' | 'outbox' | 'signing';
