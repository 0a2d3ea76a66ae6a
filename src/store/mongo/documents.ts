import type { AccountStanding } from '../port.js';
import {
  type AccountRecord,
  type AuditEventType,
  type AuditRecord,
  type DeviceRecord,
  type Ending,
  type KeyPurpose,
  type KeyRecord,
  type OneTimePurpose,
  type OneTimeTokenRecord,
  oneTimePurposes,
  type RevocationReason,
  type SessionRecord,
  type SignupRecord,
  type TallyRecord,
} from '../records.js';

/** Documents as they lie in MongoDB: instants are dates, so that the TTL index and people can read them. */
export interface EndingDocument {
  readonly at: Date;
  readonly reason: RevocationReason;
  readonly by: string | null;
}

export interface AccountDocument {
  readonly _id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly username: string | null;
  /** `username` in lower case, for the unique index. */
  readonly usernameKey: string | null;
  readonly passwordHash: string | null;
  readonly roles: string[];
  readonly createdAt: Date;
  readonly lastLoginAt: Date | null;
  readonly passwordChangedAt: Date | null;
  readonly disabled: { readonly at: Date; readonly until: Date | null; readonly reason: string | null } | null;
  readonly sessionEpoch: number;
  readonly keptSessionId: string | null;
  readonly sessionsEnded: EndingDocument | null;
  readonly signInCount: number;
  readonly version: number;
  readonly rightsVersion: number;
  readonly changedAt: Date;
  /** By purpose, so that adding one can drop the oldest. Missing in accounts from before there were any. */
  readonly oneTimeTokens?: OneTimeTokensDocument;
  /** This and the next two only where the account was deleted. */
  readonly deletedAt?: Date;
  readonly purgeAt?: Date;
  readonly unfinishedSince?: Date | null;
}

interface OneTimeTokenDocument {
  readonly hash: string;
  readonly epoch: number;
  readonly expiresAt: Date;
  readonly email: string | null;
}
type OneTimeTokensDocument = Partial<Record<OneTimePurpose, OneTimeTokenDocument[]>>;

export interface SignupDocument {
  readonly _id: string;
  readonly email: string;
  readonly username: string | null;
  readonly passwordHash: string;
  readonly tokenHash: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface SessionDocument {
  readonly _id: string;
  readonly accountId: string;
  readonly epoch: number;
  readonly ordinal: number;
  readonly generation: number;
  readonly confirmedGeneration: number;
  readonly confirmedAt: Date | null;
  readonly rotations: Date[];
  readonly attemptId: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly authenticatedAt: Date;
  readonly idleExpiresAt: Date;
  readonly expiresAt: Date;
  readonly purgeAt: Date;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly device: DeviceRecord;
  readonly revoked: EndingDocument | null;
  /** Rises with each `assertCurrent`: see there. */
  readonly assertions: number;
}

export interface KeyDocument {
  readonly _id: string;
  readonly purpose: KeyPurpose;
  readonly sequence: number;
  readonly algorithm: string | null;
  /** By `wrappingField` of the secret's id. */
  readonly wrapped: Record<string, string>;
  readonly createdAt: Date;
  readonly activatesAt: Date;
  readonly revokedAt: Date | null;
}

export interface AuditDocument {
  readonly _id: string;
  readonly createdAt: Date;
  readonly type: AuditEventType;
  readonly actorId: string | null;
  readonly accountId: string | null;
  readonly sessionId: string | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly count: number;
  readonly detail: Record<string, string>;
  readonly purgeAt: Date;
}

export interface TallyDocument {
  readonly _id: string;
  readonly stamp: string;
  readonly since: Date;
  readonly count: number;
  readonly lastAt: Date | null;
  readonly inFlight: { readonly id: string; readonly at: Date }[];
  readonly knownNetworks: { readonly network: string; readonly at: Date }[];
  readonly purgeAt: Date;
}

export interface MailDocument {
  readonly _id: string;
  readonly kind: string;
  readonly sealed: string;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly attempts: number;
  readonly claimId: string | null;
  readonly purgeAt: Date;
}

export function usernameKey(username: string): string {
  return username.toLowerCase();
}

/** A secret's id as the name of a field: dots and dollars would have a meaning there. */
export function wrappingField(secretId: string): string {
  return encodeURIComponent(secretId).replaceAll('.', '%2E');
}

function toDate(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

function toMs(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

export function endingDocument({ at, reason, by }: Ending): EndingDocument {
  return { at: new Date(at), reason, by };
}

export function toEnding(document: EndingDocument | null): Ending | null {
  return document && { at: document.at.getTime(), reason: document.reason, by: document.by };
}

export function disabledDocument(disabled: NonNullable<AccountRecord['disabled']>): NonNullable<AccountDocument['disabled']> {
  return { at: new Date(disabled.at), until: toDate(disabled.until), reason: disabled.reason };
}

export function accountDocument(account: AccountRecord): AccountDocument {
  return {
    _id: account.id,
    email: account.email,
    emailVerified: account.emailVerified,
    username: account.username,
    usernameKey: account.username === null ? null : usernameKey(account.username),
    passwordHash: account.passwordHash,
    roles: [...account.roles],
    createdAt: new Date(account.createdAt),
    lastLoginAt: toDate(account.lastLoginAt),
    passwordChangedAt: toDate(account.passwordChangedAt),
    disabled: account.disabled && disabledDocument(account.disabled),
    sessionEpoch: account.sessionEpoch,
    keptSessionId: account.keptSessionId,
    sessionsEnded: account.sessionsEnded && endingDocument(account.sessionsEnded),
    signInCount: account.signInCount,
    version: account.version,
    rightsVersion: account.rightsVersion,
    changedAt: new Date(account.changedAt),
    oneTimeTokens: tokensDocument(account.oneTimeTokens),
  };
}

export function tokenDocument({ hash, epoch, expiresAt, email }: OneTimeTokenRecord): OneTimeTokenDocument {
  return { hash, epoch, expiresAt: new Date(expiresAt), email };
}

export function tokensDocument(tokens: readonly OneTimeTokenRecord[]): OneTimeTokensDocument {
  const of = (purpose: OneTimePurpose) => tokens.filter((token) => token.purpose === purpose).map(tokenDocument);
  return Object.fromEntries(oneTimePurposes.map((purpose) => [purpose, of(purpose)]));
}

function toTokens(document: OneTimeTokensDocument = {}): OneTimeTokenRecord[] {
  return oneTimePurposes.flatMap((purpose) =>
    (document[purpose] ?? []).map(({ hash, epoch, expiresAt, email }) => ({
      purpose,
      hash,
      epoch,
      expiresAt: expiresAt.getTime(),
      email: email ?? null,
    })),
  );
}

export function signupDocument(signup: SignupRecord): SignupDocument {
  const { id: _id, email, username, passwordHash, tokenHash, createdAt, expiresAt } = signup;
  return { _id, email, username, passwordHash, tokenHash, createdAt: new Date(createdAt), expiresAt: new Date(expiresAt) };
}

export function toSignup({ _id: id, createdAt, expiresAt, ...signup }: SignupDocument): SignupRecord {
  const { email, username, passwordHash, tokenHash } = signup;
  return { id, email, username, passwordHash, tokenHash, createdAt: createdAt.getTime(), expiresAt: expiresAt.getTime() };
}

export function toAccount(document: AccountDocument): AccountRecord {
  const { disabled } = document;
  return {
    id: document._id,
    email: document.email,
    emailVerified: document.emailVerified,
    username: document.username,
    passwordHash: document.passwordHash,
    roles: document.roles,
    createdAt: document.createdAt.getTime(),
    lastLoginAt: toMs(document.lastLoginAt),
    passwordChangedAt: toMs(document.passwordChangedAt),
    disabled: disabled && { at: disabled.at.getTime(), until: toMs(disabled.until), reason: disabled.reason },
    sessionEpoch: document.sessionEpoch,
    keptSessionId: document.keptSessionId,
    sessionsEnded: toEnding(document.sessionsEnded),
    signInCount: document.signInCount,
    version: document.version,
    rightsVersion: document.rightsVersion,
    changedAt: document.changedAt.getTime(),
    oneTimeTokens: toTokens(document.oneTimeTokens),
  };
}

export function standingOf(account: AccountRecord, deleted = false): AccountStanding {
  const { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled } = account;
  return { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled, deleted };
}

/** Of a deleted account too. */
export function toStanding(document: AccountDocument): AccountStanding {
  return standingOf(toAccount(document), document.deletedAt !== undefined);
}

export function sessionDocument(session: SessionRecord): SessionDocument {
  const { label, browser, os, kind } = session.device;
  return {
    _id: session.id,
    accountId: session.accountId,
    epoch: session.epoch,
    ordinal: session.ordinal,
    generation: session.generation,
    confirmedGeneration: session.confirmedGeneration,
    confirmedAt: toDate(session.confirmedAt),
    rotations: session.rotations.map((at) => new Date(at)),
    attemptId: session.attemptId,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    authenticatedAt: new Date(session.authenticatedAt),
    idleExpiresAt: new Date(session.idleExpiresAt),
    expiresAt: new Date(session.expiresAt),
    purgeAt: new Date(session.purgeAt),
    ipAddress: session.ipAddress,
    userAgent: session.userAgent,
    device: { label, browser, os, kind },
    revoked: session.revoked && endingDocument(session.revoked),
    assertions: 0,
  };
}

export function toSession(document: SessionDocument): SessionRecord {
  const { label, browser, os, kind } = document.device;
  return {
    id: document._id,
    accountId: document.accountId,
    epoch: document.epoch,
    ordinal: document.ordinal,
    generation: document.generation,
    confirmedGeneration: document.confirmedGeneration,
    confirmedAt: toMs(document.confirmedAt),
    rotations: document.rotations.map((date) => date.getTime()),
    attemptId: document.attemptId,
    createdAt: document.createdAt.getTime(),
    lastSeenAt: document.lastSeenAt.getTime(),
    authenticatedAt: document.authenticatedAt.getTime(),
    idleExpiresAt: document.idleExpiresAt.getTime(),
    expiresAt: document.expiresAt.getTime(),
    purgeAt: document.purgeAt.getTime(),
    ipAddress: document.ipAddress,
    userAgent: document.userAgent,
    device: { label, browser, os, kind },
    revoked: toEnding(document.revoked),
  };
}

export function keyDocument(key: KeyRecord): KeyDocument {
  return {
    _id: key.id,
    purpose: key.purpose,
    sequence: key.sequence,
    algorithm: key.algorithm,
    wrapped: mapFields(key.wrapped, wrappingField),
    createdAt: new Date(key.createdAt),
    activatesAt: new Date(key.activatesAt),
    revokedAt: toDate(key.revokedAt),
  };
}

export function toKey(document: KeyDocument): KeyRecord {
  return {
    id: document._id,
    purpose: document.purpose,
    sequence: document.sequence,
    algorithm: document.algorithm,
    wrapped: mapFields(document.wrapped, decodeURIComponent),
    createdAt: document.createdAt.getTime(),
    activatesAt: document.activatesAt.getTime(),
    revokedAt: toMs(document.revokedAt),
  };
}

export function auditDocument({ id, createdAt, purgeAt, detail, ...rest }: AuditRecord): AuditDocument {
  const { type, actorId, accountId, sessionId, ipAddress, userAgent, count } = rest;
  return {
    _id: id,
    createdAt: new Date(createdAt),
    type,
    actorId,
    accountId,
    sessionId,
    ipAddress,
    userAgent,
    count,
    detail: { ...detail },
    purgeAt: new Date(purgeAt),
  };
}

export function toAuditRecord(document: AuditDocument): AuditRecord {
  const { _id: id, createdAt, type, actorId, accountId, sessionId, ipAddress, userAgent, count, detail, purgeAt } = document;
  const instants = { createdAt: createdAt.getTime(), purgeAt: purgeAt.getTime() };
  return { id, type, actorId, accountId, sessionId, ipAddress, userAgent, count, detail, ...instants };
}

export function tallyDocument(tally: TallyRecord): TallyDocument {
  return {
    _id: tally.key,
    stamp: tally.stamp,
    since: new Date(tally.since),
    count: tally.count,
    lastAt: toDate(tally.lastAt),
    inFlight: tally.inFlight.map(({ id, at }) => ({ id, at: new Date(at) })),
    knownNetworks: tally.knownNetworks.map(({ network, at }) => ({ network, at: new Date(at) })),
    purgeAt: new Date(tally.purgeAt),
  };
}

export function toTally(document: TallyDocument): TallyRecord {
  return {
    key: document._id,
    stamp: document.stamp,
    since: document.since.getTime(),
    count: document.count,
    lastAt: toMs(document.lastAt),
    inFlight: document.inFlight.map(({ id, at }) => ({ id, at: at.getTime() })),
    knownNetworks: document.knownNetworks.map(({ network, at }) => ({ network, at: at.getTime() })),
    purgeAt: document.purgeAt.getTime(),
  };
}

function mapFields(record: Readonly<Record<string, string>>, rename: (name: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [rename(name), value]));
}
