import { randomUUID } from 'node:crypto';
import { type Store, StoreUnavailableError } from '../store/port.js';
import type { AccountRecord, RevocationReason, SessionRecord } from '../store/records.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError, asAuthError, serviceUnavailable } from './errors.js';
import { endOf } from './liveness.js';
import type { Log } from './log.js';
import { type Meter, noMeter, type RefreshOutcome } from './meter.js';
import type { Notices } from './notices.js';
import { decideRefresh, type RefreshDecision, type RefreshPolicy, rememberedRotations } from './refresh-decision.js';
import type { RefreshTokenContent, RefreshTokens } from './refresh-tokens.js';
import { idleEnd, type LifetimeConfig, purgeTime } from './session-lifetime.js';
import type { SessionUses } from './session-uses.js';
import type { Throttle } from './throttle.js';
import type { IssuedTokens, TokenIssuer } from './token-issuer.js';
import type { PresentedCookie, RefreshTokenTransport, RequestFacts } from './viewer.js';

/** A compare-and-set is lost only to somebody who moved the session on, so few tries settle it. */
const mostTries = 6;
/** Past this a store that fails is not asked again within the call: the caller is answered within 3 s, and repeats. */
const patienceMs = 150;

interface RefreshesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly refreshTokens: RefreshTokens;
  readonly uses: SessionUses;
  readonly throttle: Throttle;
  readonly issuer: TokenIssuer;
  readonly notices: Notices;
  readonly audit: Audit;
  readonly log: Log;
  readonly config: LifetimeConfig & {
    readonly refreshGraceSeconds: number;
    readonly sessionBinding: RefreshPolicy['binding'];
  };
  readonly meter?: Pick<Meter, 'refreshEnded'>;
}

/** One call to `refresh`: what was presented, and the id by which it knows its own rotation again. */
interface Attempt {
  readonly presented: RefreshTokenContent;
  readonly request: RequestFacts;
  readonly mode: RefreshPolicy['mode'];
  readonly attemptId: string;
  readonly startedAt: number;
  /** The last decision, the one that stands when the call ends; `invalid` until there is one. */
  decided: RefreshDecision['kind'];
}

/** Rotation: read, decide, apply by compare-and-set; whoever loses reads and decides again. */
export class Refreshes {
  constructor(private readonly deps: RefreshesDeps) {}

  /**
   * New tokens for an authentic refresh token: the argument, or in cookie mode the cookie. Throws `AuthError`:
   * `REFRESH_TOKEN_INVALID`, `REFRESH_TOKEN_REUSED` (the session is ended), `SESSION_REVOKED`, `SESSION_EXPIRED`,
   * `ACCOUNT_DISABLED`, `BAD_USER_INPUT` (argument and cookie together), `RATE_LIMITED`, `SERVICE_UNAVAILABLE`; after the last
   * two the token is as good as before.
   */
  async refresh(argument: string | null, request: RequestFacts, transport: RefreshTokenTransport): Promise<IssuedTokens> {
    const { refreshTokens, throttle, meter = noMeter } = this.deps;
    let attempt: Attempt | undefined;
    try {
      const token = presentedToken(argument, transport.presented);
      const presented = token === null ? null : refreshTokens.read(token);
      if (presented === null) throw new AuthError('REFRESH_TOKEN_INVALID');
      // After the token was read: nobody uses up a network's refreshes with tokens that are none.
      await throttle.network('refresh', request);
      attempt = { presented, request, mode: transport.mode, attemptId: randomUUID(), startedAt: performance.now(), decided: 'invalid' };
      const tokens = await this.settle(attempt);
      meter.refreshEnded(outcomeOf(attempt.decided));
      return tokens;
    } catch (error) {
      meter.refreshEnded(outcomeOf(attempt?.decided ?? 'invalid', error));
      throw error;
    }
  }

  private async settle(attempt: Attempt): Promise<IssuedTokens> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      try {
        const tokens = await this.tryOnce(attempt);
        if (tokens !== null) return tokens;
      } catch (error) {
        const isLostReply = error instanceof StoreUnavailableError && performance.now() - attempt.startedAt < patienceMs;
        if (!isLostReply) throw error;
      }
    }
    throw serviceUnavailable();
  }

  /** Null when somebody else moved the session on in between. */
  private async tryOnce(attempt: Attempt): Promise<IssuedTokens | null> {
    const { store, clock, uses, issuer, config } = this.deps;
    const { presented, request, mode } = attempt;
    const found = await store.findSession(presented.sessionId);
    const account = found === null ? null : await store.findAccount(found.accountId);
    const session = found === null ? null : uses.overlay(found);
    const now = clock.now();
    const policy = { graceMs: config.refreshGraceSeconds * 1000, binding: config.sessionBinding, mode };
    const facts = { generation: presented.generation, ipAddress: request.ipAddress, userAgent: request.userAgent };
    // The rotation is there and it is ours: an earlier try's reply from the store was lost.
    const isWon = session?.attemptId === attempt.attemptId && endOf(session, account, now) === null;
    const decision: RefreshDecision = isWon ? { kind: 'repeat', confirm: false } : decideRefresh(session, account, facts, now, policy);
    attempt.decided = isWon ? 'rotate' : decision.kind;
    const { sessionId } = presented;
    if (decision.kind === 'revoked') throw new AuthError('SESSION_REVOKED', { reason: decision.reason, at: decision.at, sessionId });
    if (session === null || account === null || decision.kind === 'invalid') throw new AuthError('REFRESH_TOKEN_INVALID');
    if (decision.kind === 'rotate') return this.rotate(attempt, session, account);
    if (decision.kind === 'repeat') {
      const ownClaims = await issuer.claimsFor(account);
      const isCurrent = await store.assertCurrent(session.id, session.generation, clock.now(), decision.confirm);
      return isCurrent ? issuer.issue(account, session, ownClaims) : null;
    }
    return this.refuse(decision, session, account, now, request);
  }

  private async rotate(attempt: Attempt, session: SessionRecord, account: AccountRecord): Promise<IssuedTokens | null> {
    const { store, clock, config, issuer } = this.deps;
    const ownClaims = await issuer.claimsFor(account);
    const now = clock.now();
    const idleExpiresAt = idleEnd(now, session.expiresAt, config);
    const change = {
      expectedGeneration: session.generation,
      at: now,
      attemptId: attempt.attemptId,
      idleExpiresAt,
      purgeAt: purgeTime(idleExpiresAt, config),
    };
    if (!(await store.advance(session.id, change))) return null;
    const rotations = [...session.rotations, now].slice(-rememberedRotations);
    const rotated = { ...session, generation: session.generation + 1, rotations, lastSeenAt: now, idleExpiresAt };
    return issuer.issue(account, rotated, ownClaims);
  }

  /** Throws; comes back with null when the session that was to be ended had been ended by somebody else, whose reason then counts. */
  private async refuse(
    decision: Exclude<RefreshDecision, { kind: 'invalid' | 'revoked' | 'rotate' | 'repeat' }>,
    session: SessionRecord,
    account: AccountRecord,
    now: number,
    request: RequestFacts,
  ): Promise<null> {
    const { id: sessionId, accountId } = session;
    const entry = { by: actorOf(null, request), accountId, sessionId };
    switch (decision.kind) {
      case 'account-disabled':
        await this.end(sessionId, 'ACCOUNT_DISABLED', now);
        throw new AuthError('ACCOUNT_DISABLED', { sessionId });
      case 'expired':
        throw new AuthError('SESSION_EXPIRED', { reason: decision.limit, at: decision.at, sessionId });
      case 'clock-leapt':
        this.deps.log.error({ sessionId }, 'a rotation lies in the future: a clock has leapt, and nothing is decided on it');
        throw serviceUnavailable();
      case 'too-often':
        throw new AuthError('RATE_LIMITED', { retryAfter: decision.retryAfterSeconds, sessionId });
      case 'binding-mismatch':
        if (!(await this.end(sessionId, 'BINDING_MISMATCH', now))) return null;
        this.deps.audit.after('BINDING_MISMATCH', entry);
        throw new AuthError('SESSION_REVOKED', { reason: 'BINDING_MISMATCH', at: now, sessionId });
      case 'reuse':
        if (!(await this.end(sessionId, 'REUSE_DETECTED', now))) return null;
        this.deps.audit.after('REFRESH_REUSED', entry);
        this.deps.log.warn({ sessionId, accountId }, 'a superseded refresh token was used again: its session is ended');
        this.deps.notices.reuseDetected(account, session);
        throw new AuthError('REFRESH_TOKEN_REUSED', { reason: 'REUSE_DETECTED', at: now, sessionId });
    }
  }

  private async end(sessionId: string, reason: RevocationReason, now: number): Promise<boolean> {
    const ending = { at: now, reason, by: null };
    const result = await this.deps.store.revoke(sessionId, null, ending, purgeTime(now, this.deps.config));
    return result?.ended ?? false;
  }
}

const outcomes: Readonly<Record<RefreshDecision['kind'], RefreshOutcome>> = {
  rotate: 'rotated',
  repeat: 'repeated',
  reuse: 'reused',
  revoked: 'revoked',
  expired: 'expired',
  invalid: 'invalid',
  'account-disabled': 'disabled',
  'binding-mismatch': 'binding_mismatch',
  'too-often': 'rate_limited',
  'clock-leapt': 'unavailable',
};

/** The decision says it, unless the call ended with an error that no decision asks for. */
function outcomeOf(decided: RefreshDecision['kind'], error?: unknown): RefreshOutcome {
  if (error === undefined) return outcomes[decided];
  const known = asAuthError(error);
  if (known === null) return 'failed';
  if (known.code === 'RATE_LIMITED') return 'rate_limited';
  return known.code === 'SERVICE_UNAVAILABLE' ? 'unavailable' : outcomes[decided];
}

/** Null when there is none, or a cookie came twice: somebody else may have planted one of them. */
function presentedToken(argument: string | null, cookie: PresentedCookie): string | null {
  if (argument !== null && cookie.kind !== 'none') throw new AuthError('BAD_USER_INPUT', { field: 'token', reason: 'TOKEN_GIVEN_TWICE' });
  return argument ?? (cookie.kind === 'one' ? cookie.token : null);
}
