import type { AccountRecord, EpochMs, SessionRecord } from '../store/records.js';
import type { AccessTokens } from './access-tokens.js';
import { type Account, toAccount } from './account.js';
import type { Clock } from './clock.js';
import { checkOwnClaims, type OwnClaims, type OwnClaimsSource } from './own-claims.js';
import type { RefreshTokens } from './refresh-tokens.js';
import type { RoleBook } from './role-book.js';
import { type Session, toSession } from './sessions.js';

/** What a sign-in or refresh hands out. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenExpiresAt: EpochMs;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: EpochMs;
  readonly serverTime: EpochMs;
  readonly account: Account;
  readonly session: Session;
}

interface TokenIssuerDeps {
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly clock: Clock;
  readonly roles: RoleBook;
  /** Null: the embedding application has none. */
  readonly ownClaims: OwnClaimsSource | null;
}

/** Signs for a session that the caller has just found, or made, alive. */
export class TokenIssuer {
  constructor(private readonly deps: TokenIssuerDeps) {}

  /**
   * The application's own claims. Asked for before anything is written, so that a fault in them leaves nothing half-done. Throws
   * `OwnClaimsError`, and what the application throws.
   */
  async claimsFor(account: AccountRecord): Promise<OwnClaims> {
    const { ownClaims, roles } = this.deps;
    return ownClaims === null ? {} : checkOwnClaims(await ownClaims(toAccount(account, roles)));
  }

  issue(account: AccountRecord, session: SessionRecord, ownClaims: OwnClaims): IssuedTokens {
    const now = this.deps.clock.now();
    const access = this.deps.accessTokens.issue(account, session, ownClaims);
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken: this.deps.refreshTokens.mint({ sessionId: session.id, generation: session.generation }),
      refreshTokenExpiresAt: session.idleExpiresAt,
      serverTime: now,
      account: toAccount(account, this.deps.roles),
      session: toSession(session, account, now),
    };
  }
}
