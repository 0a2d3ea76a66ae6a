import { randomUUID } from 'node:crypto';
import type { Store } from '../store/port.js';
import type { AccountRecord, SessionRecord } from '../store/records.js';
import type { Accounts, SignupInput } from './accounts.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { deviceOf } from './devices.js';
import { AuthError, asAuthError, serviceUnavailable } from './errors.js';
import { isDisabled } from './liveness.js';
import { type Meter, noMeter, type SignInKind } from './meter.js';
import type { Notices } from './notices.js';
import { idleEnd, type LifetimeConfig, purgeTime } from './session-lifetime.js';
import type { IssuedTokens, TokenIssuer } from './token-issuer.js';
import type { RequestFacts } from './viewer.js';

/** How often a sign-in that an "end all" overtook begins anew. */
const mostTries = 4;

interface SignInsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly issuer: TokenIssuer;
  readonly audit: Audit;
  readonly notices: Pick<Notices, 'signedIn'>;
  readonly config: LifetimeConfig & { readonly sessionLimit: number };
  readonly meter?: Pick<Meter, 'signInEnded'>;
}

interface SignInInput {
  readonly login: string;
  readonly password: string;
}

/** From a proven password to a session and its first tokens. */
export class SignIns {
  constructor(private readonly deps: SignInsDeps) {}

  /** Null where the address must be verified first. Throws what `Accounts.signUp` throws. */
  signUp(input: SignupInput, request: RequestFacts): Promise<IssuedTokens | null> {
    return this.metered('signup', async () => {
      const account = await this.deps.accounts.signUp(input, request);
      if (account === null) return null;
      // Overtaken only by somebody who ended the sessions of an account made this instant: signing in is then the way on.
      return (await this.start(account, request)) ?? (await this.authenticate({ login: account.email, password: input.password }, request));
    });
  }

  /**
   * Throws what `Accounts.authenticate` throws, and `SESSION_REVOKED` when so many newer sign-ins came meanwhile that the limit ends this
   * one. A sign-in that a reset, disabling or "end all" overtakes cannot survive it: its
   * session is dead, and it begins anew with the account as it is now.
   */
  signIn(input: SignInInput, request: RequestFacts): Promise<IssuedTokens> {
    return this.metered('login', () => this.authenticate(input, request));
  }

  private async metered<Outcome>(kind: SignInKind, work: () => Promise<Outcome>): Promise<Outcome> {
    const { meter = noMeter } = this.deps;
    try {
      const tokens = await work();
      meter.signInEnded(kind, 'OK');
      return tokens;
    } catch (error) {
      meter.signInEnded(kind, asAuthError(error)?.code ?? 'INTERNAL_SERVER_ERROR');
      throw error;
    }
  }

  private async authenticate(input: SignInInput, request: RequestFacts): Promise<IssuedTokens> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const account = await this.deps.accounts.authenticate(input.login, input.password, request);
      const tokens = await this.start(account, request);
      if (tokens !== null) return tokens;
    }
    throw serviceUnavailable();
  }

  /**
   * Makes the session with the epoch that was read together with the password hash, and signs only if the account still has
   * that epoch afterwards. Null when it has not; the session made is then outside the epoch, so dead, and nobody has its token.
   */
  private async start(account: AccountRecord, request: RequestFacts): Promise<IssuedTokens | null> {
    const { store, clock, issuer, audit } = this.deps;
    const ownClaims = await issuer.claimsFor(account);
    const sessionId = randomUUID();
    // Before anything is written, so that a sign-in that is refused for the log's sake leaves no session and pushes none out.
    await audit.before('LOGIN', { by: actorOf(account.id, request), accountId: account.id, sessionId });
    const now = clock.now();
    const ordinal = await store.recordSignIn(account.id, now);
    if (ordinal === null) throw new AuthError('INVALID_CREDENTIALS');
    const session = this.newSession(sessionId, account, ordinal, request, now);
    await store.createSession(session);
    const after = await store.findAccount(account.id);
    if (after === null || after.sessionEpoch !== account.sessionEpoch || isDisabled(after, now)) return null;
    await this.enforceLimit(after, session, now);
    this.deps.notices.signedIn(after, session);
    return issuer.issue(after, session, ownClaims);
  }

  /**
   * The sign-ins with the highest numbers stay. Done before the new token is handed out, so that a crash never leaves one too many in
   * use. Throws `AuthError` `SESSION_REVOKED` when newer sign-ins have pushed out this one meanwhile.
   */
  private async enforceLimit(account: AccountRecord, session: SessionRecord, now: number): Promise<void> {
    const { store, config } = this.deps;
    if (config.sessionLimit === 0) return;
    const query = {
      accountId: account.id,
      state: 'ACTIVE',
      now,
      epoch: account.sessionEpoch,
      keptSessionId: account.keptSessionId,
      epochRaisedAt: account.sessionsEnded?.at ?? null,
    } as const;
    const ordinalAtMost = await store.findOrdinalBeyond(query, config.sessionLimit);
    if (ordinalAtMost !== null) {
      const selector = { accountId: account.id, epochBelow: null, ordinalAtMost, exceptId: null };
      await store.revokeWhere(selector, { at: now, reason: 'SESSION_LIMIT', by: null }, purgeTime(now, config));
    }
    const revoked = (await store.findSession(session.id))?.revoked;
    if (revoked) throw new AuthError('SESSION_REVOKED', { reason: revoked.reason, at: revoked.at, sessionId: session.id });
  }

  private newSession(id: string, account: AccountRecord, ordinal: number, request: RequestFacts, now: number): SessionRecord {
    const { config } = this.deps;
    const expiresAt = now + config.sessionMaxAgeSeconds * 1000;
    const idleExpiresAt = idleEnd(now, expiresAt, config);
    return {
      id,
      accountId: account.id,
      epoch: account.sessionEpoch,
      ordinal,
      generation: 0,
      confirmedGeneration: -1,
      confirmedAt: null,
      rotations: [],
      attemptId: null,
      createdAt: now,
      lastSeenAt: now,
      authenticatedAt: now,
      idleExpiresAt,
      expiresAt,
      purgeAt: purgeTime(idleExpiresAt, config),
      ipAddress: request.ipAddress,
      userAgent: request.userAgent,
      device: deviceOf(request.userAgent),
      revoked: null,
    };
  }
}
