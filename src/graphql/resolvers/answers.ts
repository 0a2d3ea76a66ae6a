import type { Account } from '../../auth/account.js';
import type { SessionFilter as WantedSessions } from '../../auth/session-search.js';
import type { EndedSessions, Session as SessionView } from '../../auth/sessions.js';
import type { IssuedTokens } from '../../auth/token-issuer.js';
import type { GraphQLContext } from '../context.js';
import type { AccountDisabled, RevokedSessions, Session, User } from '../types/account.js';
import type { SessionFilter } from '../types/administration.js';
import type { AuthPayload } from '../types/tokens.js';

const dateOf = (instant: number | null): Date | null => (instant === null ? null : new Date(instant));

export function toDisabled(disabled: Account['disabled']): AccountDisabled | null {
  return disabled && { at: new Date(disabled.at), until: dateOf(disabled.until), reason: disabled.reason };
}

export function toUser(account: Account): User {
  return {
    id: account.id,
    email: account.email,
    emailVerified: account.emailVerified,
    username: account.username,
    roles: [...account.roles],
    permissions: [...account.permissions],
    createdAt: new Date(account.createdAt),
    lastLoginAt: dateOf(account.lastLoginAt),
    passwordChangedAt: dateOf(account.passwordChangedAt),
  };
}

export function toSessionType(session: SessionView): Session {
  return {
    ...session,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    idleExpiresAt: new Date(session.idleExpiresAt),
    expiresAt: new Date(session.expiresAt),
    revokedAt: dateOf(session.revokedAt),
  };
}

export function toRevokedSessions({ count, sessions }: EndedSessions, dryRun = false): RevokedSessions {
  return { count, dryRun, sessions: sessions.map(toSessionType) };
}

const instantOf = (date: Date | null | undefined): number | null => date?.getTime() ?? null;

export function toSessionFilter(filter: SessionFilter): WantedSessions {
  return {
    ...filter,
    createdBefore: instantOf(filter.createdBefore),
    createdAfter: instantOf(filter.createdAfter),
    lastSeenBefore: instantOf(filter.lastSeenBefore),
    lastSeenAfter: instantOf(filter.lastSeenAfter),
  };
}

/** Whether the browser sent the very refresh token that an answer has: a reply that a refresh overtakes on its way must not put an older one back. */
export function isPresentCookie({ transport: { presented } }: GraphQLContext, { refreshToken }: IssuedTokens): boolean {
  return presented.kind === 'one' && presented.token === refreshToken;
}

/**
 * Settles the viewer for the rest of the answer, and puts the refresh token where this client wants it: cookie or body. `isCookieKept`: the
 * browser's cookie is the right one, and is left alone.
 */
export function toAuthPayload(context: GraphQLContext, tokens: IssuedTokens, isCookieKept = false): AuthPayload {
  context.signedInBy(tokens);
  const isCookieMode = context.transport.mode === 'cookie';
  if (isCookieMode && !isCookieKept) context.transport.set(tokens.refreshToken, tokens.refreshTokenExpiresAt);
  return {
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: new Date(tokens.accessTokenExpiresAt),
    refreshToken: isCookieMode ? null : tokens.refreshToken,
    refreshTokenExpiresAt: new Date(tokens.refreshTokenExpiresAt),
    tokenType: 'Bearer',
    serverTime: new Date(tokens.serverTime),
    user: toUser(tokens.account),
    session: toSessionType(tokens.session),
  };
}
