import type { AccessTokens } from './access-tokens.js';
import type { Source } from './audit.js';
import { AuthError } from './errors.js';
import type { RefreshTokens } from './refresh-tokens.js';
import type { Sessions } from './sessions.js';
import type { RefreshTokenTransport, RequestFacts } from './viewer.js';

interface LogoutsDeps {
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly sessions: Sessions;
}

/** Ending a session by whoever holds one of its tokens, fresh or stale (RFC 7009). */
export class Logouts {
  constructor(private readonly deps: LogoutsDeps) {}

  /**
   * Ends the session of the argument or, without one, of the cookie; any authentic token serves, superseded and expired ones
   * too, and for any other text nothing happens. Clears the cookie if it names that session. Throws `AuthError`
   * `REFRESH_TOKEN_INVALID` when the cookie is asked for and came twice.
   */
  async revokeToken(argument: string | null, source: Source, transport: RefreshTokenTransport): Promise<void> {
    const cookieSessionId = this.sessionOfCookie(transport, argument === null);
    const sessionId = argument === null ? cookieSessionId : await this.sessionOf(argument);
    if (sessionId === null) return;
    await this.deps.sessions.revokeByToken(sessionId, 'TOKEN_REVOKED', source);
    if (sessionId === cookieSessionId) transport.clear();
  }

  /**
   * Ends the session of the access token and, in cookie mode, of the cookie, and clears the cookie. Throws `AuthError`
   * `REFRESH_TOKEN_INVALID` when there is no access token and the cookie came twice: which of them to end cannot be known.
   */
  async logOut(request: RequestFacts, transport: RefreshTokenTransport): Promise<void> {
    const { accessToken } = request;
    const named = accessToken === null ? null : await this.sessionOf(accessToken);
    const sessionIds = new Set([named, this.sessionOfCookie(transport, named === null)]);
    for (const sessionId of sessionIds) {
      if (sessionId !== null) await this.deps.sessions.revokeByToken(sessionId, 'LOGOUT', request);
    }
    if (transport.mode === 'cookie') transport.clear();
  }

  private sessionOfCookie({ presented }: RefreshTokenTransport, isNeeded: boolean): string | null {
    if (presented.kind === 'several' && isNeeded) throw new AuthError('REFRESH_TOKEN_INVALID');
    return presented.kind === 'one' ? (this.deps.refreshTokens.read(presented.token)?.sessionId ?? null) : null;
  }

  /** The session that an authentic token names, ended or not; null for any other text. */
  private async sessionOf(token: string): Promise<string | null> {
    const refresh = this.deps.refreshTokens.read(token);
    if (refresh !== null) return refresh.sessionId;
    const access = await this.deps.accessTokens.verify(token);
    return access.kind === 'invalid' ? null : access.claims.sid;
  }
}
