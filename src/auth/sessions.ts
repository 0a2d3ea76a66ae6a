import type { Store } from '../store/port.js';
import type { Page, SessionPosition, SessionQuery, SessionsEnding } from '../store/queries.js';
import type { AccountRecord, DeviceRecord, Ending, EpochMs, RevocationReason, SessionRecord } from '../store/records.js';
import type { Account } from './account.js';
import { type Audit, actorOf, type Source } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { isId } from './identifiers.js';
import { endOf } from './liveness.js';
import type { RoleBook } from './role-book.js';
import { type LifetimeConfig, purgeTime } from './session-lifetime.js';
import { staleProof } from './step-up.js';
import type { Throttle } from './throttle.js';
import type { SignedIn } from './viewer.js';

export const sessionStates = ['ACTIVE', 'EXPIRED', 'REVOKED'] as const;
export type SessionState = (typeof sessionStates)[number];

/** One sign-in on one device, as people and administrators see it. */
export interface Session {
  readonly id: string;
  readonly accountId: string;
  readonly state: SessionState;
  readonly createdAt: EpochMs;
  readonly lastSeenAt: EpochMs;
  /** The last proof of the password. */
  readonly authenticatedAt: EpochMs;
  readonly idleExpiresAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly device: DeviceRecord;
  readonly refreshCount: number;
  readonly revokedAt: EpochMs | null;
  readonly revocationReason: RevocationReason | null;
}

/** `account` null: it was deleted. */
export function toSession(record: SessionRecord, account: AccountEpoch | null, now: EpochMs): Session {
  const ended = endOf(record, account, now);
  const revoked = ended?.kind === 'revoked' ? ended : null;
  return {
    id: record.id,
    accountId: record.accountId,
    state: ended === null ? 'ACTIVE' : revoked === null ? 'EXPIRED' : 'REVOKED',
    createdAt: record.createdAt,
    lastSeenAt: record.lastSeenAt,
    authenticatedAt: record.authenticatedAt,
    idleExpiresAt: record.idleExpiresAt,
    expiresAt: record.expiresAt,
    ipAddress: record.ipAddress,
    userAgent: record.userAgent,
    device: record.device,
    refreshCount: record.generation,
    revokedAt: revoked?.at ?? null,
    revocationReason: revoked?.reason ?? null,
  };
}
type AccountEpoch = Pick<AccountRecord, 'sessionEpoch' | 'keptSessionId' | 'sessionsEnded'>;

export interface EndedSessions {
  readonly count: number;
  /** The newest 100 of them at most. */
  readonly sessions: readonly Session[];
}
const mostReported = 100;
/** Where a count stops. */
const mostCounted = 10_000;

interface SessionsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly roles: RoleBook;
  readonly audit: Audit;
  readonly throttle: Throttle;
  readonly config: LifetimeConfig & { readonly reauthenticationAgeSeconds: number };
}

/** The list of a person's sessions, and ending them. Who may see and end what is decided here, object by object. */
export class Sessions {
  constructor(private readonly deps: SessionsDeps) {}

  /** Newest sign-in first; `state` null: all. */
  async list(account: Account, state: SessionState | null, page: Page<SessionPosition>): Promise<Session[]> {
    const now = this.deps.clock.now();
    const records = await this.deps.store.listSessions(this.query(account, state, now), page);
    return records.map((record) => toSession(record, account, now));
  }

  /** At most 10,000. */
  count(account: Account, state: SessionState | null): Promise<number> {
    return this.deps.store.countSessions(this.query(account, state, this.deps.clock.now()), mostCounted);
  }

  /** One's own, or any for `sessions:read`; null for unknown, malformed and other people's ids alike. */
  async find(viewer: SignedIn, id: string): Promise<Session | null> {
    const record = isId(id) ? await this.deps.store.findSession(id) : null;
    if (record === null) return null;
    if (record.accountId !== viewer.accountId && !viewer.permissions.includes('sessions:read')) return null;
    return toSession(record, await this.deps.store.findAccount(record.accountId), this.deps.clock.now());
  }

  /**
   * Ends one's own session, or any for `sessions:revoke`; an ended one comes back as it is. Throws `AuthError` `NOT_FOUND` for
   * unknown, malformed and other people's ids alike, `FORBIDDEN` for one of an account that may do more than the caller, `REAUTHENTICATION_REQUIRED` for another person's session when the caller's last proof
   * of the password is too old, `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async revoke(viewer: SignedIn, id: string, source: Source): Promise<Session> {
    const { store, clock, roles, audit } = this.deps;
    const ownerId = viewer.permissions.includes('sessions:revoke') ? null : viewer.accountId;
    const found = isId(id) ? await store.findSession(id) : null;
    if (found === null || (ownerId !== null && found.accountId !== ownerId)) throw new AuthError('NOT_FOUND');
    const account = await store.findAccount(found.accountId);
    const isOwn = found.accountId === viewer.accountId;
    const isCovered = roles.permissionsOf(account?.roles ?? []).every((permission) => viewer.permissions.includes(permission));
    if (!isOwn && !isCovered) throw new AuthError('FORBIDDEN');
    if (!isOwn) this.askForRecentProof(viewer);
    const now = clock.now();
    const ended = endOf(found, account, now);
    if (ended !== null) {
      // Ended elsewhere a moment ago, or by a call whose answer was lost: writing it down again lets this node know at once. The first reason
      // stays, that of the account's epoch too.
      if (ended.kind === 'revoked') await this.end(id, ownerId, { at: ended.at, reason: ended.reason, by: ended.by });
      return toSession(found, account, now);
    }
    const reason = isOwn ? 'REVOKED_BY_USER' : 'REVOKED_BY_ADMIN';
    await audit.before('SESSION_REVOKED', { by: actorOf(viewer.accountId, source), accountId: found.accountId, sessionId: id });
    const revoked = await this.end(id, ownerId, { at: now, reason, by: viewer.accountId });
    if (revoked === null) throw new AuthError('NOT_FOUND');
    return toSession(revoked.session, account, now);
  }

  /** Ends one session of which the caller has proved possession by a token. Nothing happens when it has ended already. */
  async revokeByToken(sessionId: string, reason: 'LOGOUT' | 'TOKEN_REVOKED', source: Source): Promise<void> {
    const result = await this.end(sessionId, null, { at: this.deps.clock.now(), reason, by: null });
    if (!result?.ended) return;
    const { accountId } = result.session;
    this.deps.audit.after('LOGOUT', { by: actorOf(accountId, source), accountId, sessionId, detail: { reason } });
  }

  /** Ends all of the caller's sessions but this one. Throws `AuthError` `RATE_LIMITED`, `UNAUTHENTICATED` when this one was ended meanwhile. */
  revokeOthers(viewer: SignedIn, source: Source): Promise<EndedSessions> {
    return this.endAll(viewer, source, { id: viewer.sessionId, epoch: viewer.epoch });
  }

  /** Ends all of the caller's sessions, this one too. Throws `AuthError` `RATE_LIMITED`. */
  revokeAll(viewer: SignedIn, source: Source): Promise<EndedSessions> {
    return this.endAll(viewer, source, null);
  }

  /** One update of the account ends them; what follows only writes it down, and may be cut short or done twice. */
  private async endAll(viewer: SignedIn, source: Source, kept: SessionsEnding['kept']): Promise<EndedSessions> {
    const { store, clock, audit, throttle, config } = this.deps;
    await throttle.account('end_all', viewer.accountId);
    const now = clock.now();
    const ending = { at: now, reason: 'REVOKED_BY_USER', by: viewer.accountId } as const;
    const present = await store.findAccount(viewer.accountId);
    if (present === null) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    const before = await store.listSessions(this.query(present, 'ACTIVE', now), { limit: mostReported + 1, after: null });
    const keptRecord = kept === null ? null : await store.findSession(kept.id);
    const isKeptAlive = kept === null || (keptRecord !== null && keptRecord.revoked === null);
    if (!isKeptAlive) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    const { accountId } = viewer;
    const detail = { scope: kept === null ? 'ALL' : 'OTHERS' };
    await audit.before('SESSIONS_REVOKED', { by: actorOf(accountId, source), accountId, sessionId: kept?.id ?? null, detail });
    const account = await store.endSessions(accountId, { ...ending, kept });
    if (account === null) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    // By the account as it was read: another "end the others" may have come between, and kept a session of its own.
    const selector = { accountId: account.id, epochBelow: account.sessionEpoch, ordinalAtMost: null, exceptId: account.keptSessionId };
    const count = await store.revokeWhere(selector, ending, purgeTime(now, config));
    const ended = before.filter(({ id }) => id !== kept?.id).slice(0, mostReported);
    return { count, sessions: ended.map((record) => toSession({ ...record, revoked: ending }, account, now)) };
  }

  private askForRecentProof(viewer: SignedIn): void {
    const { reauthenticationAgeSeconds } = this.deps.config;
    const refusal = staleProof(viewer, { now: this.deps.clock.now(), reauthenticationAgeSeconds });
    if (refusal !== null) throw refusal;
  }

  private end(sessionId: string, ownerId: string | null, ending: Ending): ReturnType<Store['revoke']> {
    return this.deps.store.revoke(sessionId, ownerId, ending, purgeTime(ending.at, this.deps.config));
  }

  private query(account: AccountEpoch & { readonly id: string }, state: SessionState | null, now: EpochMs): SessionQuery {
    return {
      accountId: account.id,
      state,
      now,
      epoch: account.sessionEpoch,
      keptSessionId: account.keptSessionId,
      epochRaisedAt: account.sessionsEnded?.at ?? null,
    };
  }
}
