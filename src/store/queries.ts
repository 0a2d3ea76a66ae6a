import type { AuditEventType, DeviceKind, Ending, EpochMs, OneTimeTokenRecord } from './records.js';

/** What verbs of the port are asked, and what lists answer with. */

/** What `advance` writes. */
export interface Advance {
  readonly expectedGeneration: number;
  readonly at: EpochMs;
  readonly attemptId: string;
  readonly idleExpiresAt: EpochMs;
  readonly purgeAt: EpochMs;
}

/** A use of a session's tokens, noted in memory and written in a batch. */
export interface SessionUse {
  readonly sessionId: string;
  /** The generation of the token used. */
  readonly generation: number;
  readonly at: EpochMs;
}

/** An end of all of an account's sessions, `kept` excepted. */
export interface SessionsEnding extends Ending {
  /** The session that stays; the change applies only while that session is within the account's epoch. */
  readonly kept: { readonly id: string; readonly epoch: number } | null;
}

/** The one-time token that a change spends, and the account's version at which it was found good. */
export interface SpentToken {
  readonly hash: string;
  readonly expectedVersion: number;
}

/** Another address, verified, and the one-time tokens that are left then: all that there are. */
export interface EmailChange {
  readonly email: string;
  readonly tokens: readonly OneTimeTokenRecord[];
}

/** Selects sessions of one account, by what "alive" means for that account at `now`. */
export interface SessionQuery {
  readonly accountId: string;
  /** Null: every state. */
  readonly state: 'ACTIVE' | 'EXPIRED' | 'REVOKED' | null;
  readonly now: EpochMs;
  readonly epoch: number;
  readonly keptSessionId: string | null;
  /** When the epoch last rose: what had expired by then is EXPIRED, what had not is REVOKED. */
  readonly epochRaisedAt: EpochMs | null;
}

export interface Page<Position> {
  /** 1 or more. */
  readonly limit: number;
  /** Rows strictly after this position in the order of the list; null from the start. */
  readonly after: Position | null;
}
/** Where a row stands in a list that has the newest first. */
export interface CreationPosition {
  readonly createdAt: EpochMs;
  readonly id: string;
}
export type SessionPosition = CreationPosition;

/**
 * Some rows of a list over all accounts, newest first (`createdAt`, then `id`, descending). It may have fewer rows than were asked for, even
 * none, before the end of the list: one call looks at 10,000 rows at most, however few of them fit.
 */
export interface Found<Row> {
  readonly rows: readonly Row[];
  /** Where to read on; null at the end of the list. */
  readonly next: CreationPosition | null;
}

/** Selects accounts; null: whatever it is. Texts are literal: nothing in them has a meaning. */
export interface AccountQuery {
  /** Start of an email address or of a username; in lower case, as addresses are kept. */
  readonly search: string | null;
  readonly role: string | null;
  /** As of `now`: a disabling whose `until` has come does not count. */
  readonly disabled: boolean | null;
  readonly emailVerified: boolean | null;
  readonly now: EpochMs;
}

/** Selects sessions of all accounts, by their records alone; null: whatever it is. Texts are literal: nothing in them has a meaning. */
export interface AllSessionsQuery {
  /** At most 1,000. */
  readonly ids: readonly string[] | null;
  readonly accountId: string | null;
  /** Of the record as of `now`: marked as revoked, else past its idle end, else neither. Of the account's epoch it knows nothing. */
  readonly recordState: 'ACTIVE' | 'EXPIRED' | 'REVOKED' | null;
  readonly now: EpochMs;
  /** The whole of it. */
  readonly ipAddress: string | null;
  /** Any part of it, at most 512 characters, without regard to the case of A to Z. */
  readonly userAgent: string | null;
  readonly deviceKind: DeviceKind | null;
  /** Before: earlier than this. After: at this instant or later. */
  readonly createdBefore: EpochMs | null;
  readonly createdAfter: EpochMs | null;
  readonly lastSeenBefore: EpochMs | null;
  readonly lastSeenAfter: EpochMs | null;
}

/** Selects events of the audit log; null: whatever it is. Texts are literal: nothing in them has a meaning. */
export interface AuditQuery {
  /** Each once. */
  readonly types: readonly AuditEventType[] | null;
  readonly accountId: string | null;
  readonly sessionId: string | null;
  /** The whole of it. */
  readonly ipAddress: string | null;
  /** At this instant or later. */
  readonly createdAfter: EpochMs | null;
  /** Earlier than this. */
  readonly createdBefore: EpochMs | null;
}

/** How many events of each type there were in a span of time; a type that had none may be missing. */
export type AuditSums = Readonly<Partial<Record<AuditEventType, number>>>;

/** Selects active records of one account for an end that is written down session by session. */
export interface RevokeSelector {
  readonly accountId: string;
  /** Sessions of an epoch lower than this; null: of any. */
  readonly epochBelow: number | null;
  /** Sessions with this sign-in number or a lower one; null: with any. */
  readonly ordinalAtMost: number | null;
  readonly exceptId: string | null;
}
