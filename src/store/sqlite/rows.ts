import type { AccountStanding } from '../port.js';
import type {
  AccountDisabledRecord,
  AccountRecord,
  AuditEventType,
  AuditRecord,
  DeviceRecord,
  Ending,
  KeyPurpose,
  KeyRecord,
  OneTimeTokenRecord,
  SessionRecord,
  SignupRecord,
  TallyRecord,
} from '../records.js';
import type { Values } from './connection.js';

/** Rows as `json_object` renders them: columns that hold JSON arrive parsed. */
export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly email_verified: 0 | 1;
  readonly username: string | null;
  readonly password_hash: string | null;
  readonly roles: string[];
  readonly created_at: number;
  readonly last_login_at: number | null;
  readonly password_changed_at: number | null;
  readonly disabled: AccountDisabledRecord | null;
  readonly session_epoch: number;
  readonly kept_session_id: string | null;
  readonly sessions_ended: Ending | null;
  readonly sign_in_count: number;
  readonly version: number;
  readonly rights_version: number;
  readonly changed_at: number;
  readonly one_time_tokens: OneTimeTokenRecord[];
  readonly deleted_at: number | null;
}

export interface SessionRow {
  readonly id: string;
  readonly account_id: string;
  readonly epoch: number;
  readonly ordinal: number;
  readonly generation: number;
  readonly confirmed_generation: number;
  readonly confirmed_at: number | null;
  readonly rotations: number[];
  readonly attempt_id: string | null;
  readonly created_at: number;
  readonly last_seen_at: number;
  readonly authenticated_at: number;
  readonly idle_expires_at: number;
  readonly expires_at: number;
  readonly purge_at: number;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly device: DeviceRecord;
  readonly revoked: Ending | null;
}

export interface SignupRow {
  readonly id: string;
  readonly email: string;
  readonly username: string | null;
  readonly password_hash: string;
  readonly token_hash: string;
  readonly created_at: number;
  readonly expires_at: number;
}

export interface KeyRow {
  readonly id: string;
  readonly purpose: KeyPurpose;
  readonly sequence: number;
  readonly algorithm: string | null;
  readonly wrapped: Record<string, string>;
  readonly created_at: number;
  readonly activates_at: number;
  readonly revoked_at: number | null;
}

export interface AuditRow {
  readonly id: string;
  readonly created_at: number;
  readonly type: AuditEventType;
  readonly actor_id: string | null;
  readonly account_id: string | null;
  readonly session_id: string | null;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly count: number;
  readonly detail: Record<string, string>;
  readonly purge_at: number;
}

export interface TallyRow {
  readonly key: string;
  readonly stamp: string;
  readonly since: number;
  readonly count: number;
  readonly last_at: number | null;
  readonly in_flight: TallyRecord['inFlight'];
  readonly known_networks: TallyRecord['knownNetworks'];
  readonly purge_at: number;
}

export const accountObject = jsonObject(
  `id email email_verified username password_hash created_at last_login_at password_changed_at session_epoch
   kept_session_id sign_in_count version rights_version changed_at deleted_at`,
  'roles disabled sessions_ended one_time_tokens',
);
export const sessionObject = jsonObject(
  `id account_id epoch ordinal generation confirmed_generation confirmed_at attempt_id created_at last_seen_at
   authenticated_at idle_expires_at expires_at purge_at ip_address user_agent`,
  'rotations device revoked',
);
export const keyObject = jsonObject('id purpose sequence algorithm created_at activates_at revoked_at', 'wrapped');

export const auditObject = jsonObject('id created_at type actor_id account_id session_id ip_address user_agent count purge_at', 'detail');

export const tallyObject = jsonObject('key stamp since count last_at purge_at', 'in_flight known_networks');

export const signupObject = jsonObject('id email username password_hash token_hash created_at expires_at');

/** `json`: columns that hold JSON. */
export function jsonObject(plain: string, json = ''): string {
  const columns = [
    ...plain.split(/\s+/).map((column) => `'${column}', ${column}`),
    ...json.split(/\s+/).flatMap((column) => (column === '' ? [] : [`'${column}', json(${column})`])),
  ];
  return `json_object(${columns.join(', ')})`;
}

export function usernameKey(username: string): string {
  return username.toLowerCase();
}

export function toAccount(row: AccountRow): AccountRecord {
  return {
    id: row.id,
    email: row.email,
    emailVerified: row.email_verified === 1,
    username: row.username,
    passwordHash: row.password_hash,
    roles: row.roles,
    createdAt: row.created_at,
    lastLoginAt: row.last_login_at,
    passwordChangedAt: row.password_changed_at,
    disabled: row.disabled,
    sessionEpoch: row.session_epoch,
    keptSessionId: row.kept_session_id,
    sessionsEnded: row.sessions_ended,
    signInCount: row.sign_in_count,
    version: row.version,
    rightsVersion: row.rights_version,
    changedAt: row.changed_at,
    oneTimeTokens: row.one_time_tokens,
  };
}

/** Of a deleted account too. */
export function standingOf(row: AccountRow): AccountStanding {
  const { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled } = toAccount(row);
  return { id, version, sessionEpoch, keptSessionId, sessionsEnded, roles, disabled, deleted: row.deleted_at !== null };
}

export function accountValues(account: AccountRecord): Values {
  return {
    id: account.id,
    email: account.email,
    email_verified: account.emailVerified ? 1 : 0,
    username: account.username,
    username_key: account.username === null ? null : usernameKey(account.username),
    password_hash: account.passwordHash,
    roles: JSON.stringify(account.roles),
    created_at: account.createdAt,
    last_login_at: account.lastLoginAt,
    password_changed_at: account.passwordChangedAt,
    disabled: account.disabled && disabledJson(account.disabled),
    session_epoch: account.sessionEpoch,
    kept_session_id: account.keptSessionId,
    sessions_ended: account.sessionsEnded && endingJson(account.sessionsEnded),
    sign_in_count: account.signInCount,
    version: account.version,
    rights_version: account.rightsVersion,
    changed_at: account.changedAt,
    one_time_tokens: tokensJson(account.oneTimeTokens),
  };
}

export function toSession(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    accountId: row.account_id,
    epoch: row.epoch,
    ordinal: row.ordinal,
    generation: row.generation,
    confirmedGeneration: row.confirmed_generation,
    confirmedAt: row.confirmed_at,
    rotations: row.rotations,
    attemptId: row.attempt_id,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    authenticatedAt: row.authenticated_at,
    idleExpiresAt: row.idle_expires_at,
    expiresAt: row.expires_at,
    purgeAt: row.purge_at,
    ipAddress: row.ip_address,
    userAgent: row.user_agent,
    device: row.device,
    revoked: row.revoked,
  };
}

export function sessionValues(session: SessionRecord): Values {
  return {
    id: session.id,
    account_id: session.accountId,
    epoch: session.epoch,
    ordinal: session.ordinal,
    generation: session.generation,
    confirmed_generation: session.confirmedGeneration,
    confirmed_at: session.confirmedAt,
    rotations: JSON.stringify(session.rotations),
    attempt_id: session.attemptId,
    created_at: session.createdAt,
    last_seen_at: session.lastSeenAt,
    authenticated_at: session.authenticatedAt,
    idle_expires_at: session.idleExpiresAt,
    expires_at: session.expiresAt,
    purge_at: session.purgeAt,
    ip_address: session.ipAddress,
    user_agent: session.userAgent,
    device: deviceJson(session.device),
    revoked: session.revoked && endingJson(session.revoked),
  };
}

export function toSignup(row: SignupRow): SignupRecord {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    passwordHash: row.password_hash,
    tokenHash: row.token_hash,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

export function signupValues(signup: SignupRecord): Values {
  return {
    id: signup.id,
    email: signup.email,
    username: signup.username,
    password_hash: signup.passwordHash,
    token_hash: signup.tokenHash,
    created_at: signup.createdAt,
    expires_at: signup.expiresAt,
  };
}

export function toKey(row: KeyRow): KeyRecord {
  return {
    id: row.id,
    purpose: row.purpose,
    sequence: row.sequence,
    algorithm: row.algorithm,
    wrapped: row.wrapped,
    createdAt: row.created_at,
    activatesAt: row.activates_at,
    revokedAt: row.revoked_at,
  };
}

export function keyValues(key: KeyRecord): Values {
  return {
    id: key.id,
    purpose: key.purpose,
    sequence: key.sequence,
    algorithm: key.algorithm,
    wrapped: JSON.stringify(key.wrapped),
    created_at: key.createdAt,
    activates_at: key.activatesAt,
    revoked_at: key.revokedAt,
  };
}

export function deviceJson({ label, browser, os, kind }: DeviceRecord): string {
  return JSON.stringify({ label, browser, os, kind });
}

export function toAuditRecord(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    createdAt: row.created_at,
    type: row.type,
    actorId: row.actor_id,
    accountId: row.account_id,
    sessionId: row.session_id,
    ipAddress: row.ip_address,
    userAgent: row.user_agent,
    count: row.count,
    detail: row.detail,
    purgeAt: row.purge_at,
  };
}

export function auditValues(event: AuditRecord): Values {
  return {
    id: event.id,
    created_at: event.createdAt,
    type: event.type,
    actor_id: event.actorId,
    account_id: event.accountId,
    session_id: event.sessionId,
    ip_address: event.ipAddress,
    user_agent: event.userAgent,
    count: event.count,
    detail: JSON.stringify(event.detail),
    purge_at: event.purgeAt,
  };
}

export function toTally(row: TallyRow): TallyRecord {
  const { key, stamp, since, count, last_at: lastAt, in_flight: inFlight, known_networks: knownNetworks, purge_at: purgeAt } = row;
  return { key, stamp, since, count, lastAt, inFlight, knownNetworks, purgeAt };
}

export function tallyValues(tally: TallyRecord): Values {
  return {
    key: tally.key,
    stamp: tally.stamp,
    since: tally.since,
    count: tally.count,
    last_at: tally.lastAt,
    in_flight: JSON.stringify(tally.inFlight),
    known_networks: JSON.stringify(tally.knownNetworks),
    purge_at: tally.purgeAt,
  };
}

export function endingJson({ at, reason, by }: Ending): string {
  return JSON.stringify({ at, reason, by });
}

export function disabledJson({ at, until, reason }: AccountDisabledRecord): string {
  return JSON.stringify({ at, until, reason });
}

export function tokensJson(tokens: readonly OneTimeTokenRecord[]): string {
  return JSON.stringify(tokens.map(({ purpose, hash, epoch, expiresAt, email }) => ({ purpose, hash, epoch, expiresAt, email })));
}

/** `INSERT` of exactly the columns that `values` names. */
export function insertInto(
  table: 'accounts' | 'sessions' | 'keys' | 'audit_events' | 'tallies' | 'mails' | 'signups',
  values: Values,
): string {
  const columns = Object.keys(values);
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `:${column}`).join(', ')})`;
}
