import type { AccountRecord, EpochMs, RevocationReason, SessionRecord } from '../store/records.js';

export type EndedSession =
  | { readonly kind: 'revoked'; readonly reason: RevocationReason; readonly at: EpochMs; readonly by: string | null }
  | { readonly kind: 'expired'; readonly limit: 'IDLE' | 'ABSOLUTE'; readonly at: EpochMs };

type AccountEpoch = Pick<AccountRecord, 'sessionEpoch' | 'keptSessionId' | 'sessionsEnded'>;
type SessionEnds = Pick<SessionRecord, 'id' | 'epoch' | 'revoked' | 'idleExpiresAt' | 'expiresAt'>;

/** Whether the account's last "end all" has ended this session, whatever the session's own record says. */
export function isOutsideEpoch(session: SessionEnds, account: AccountEpoch): boolean {
  return session.epoch !== account.sessionEpoch && session.id !== account.keptSessionId;
}

/** A disabled account enables itself when its `until` has come. */
export function isDisabled(account: Pick<AccountRecord, 'disabled'>, now: EpochMs): boolean {
  return account.disabled !== null && (account.disabled.until === null || now < account.disabled.until);
}

/**
 * How the session ended, or null while it lives. What came first counts: a session that had expired before its account's
 * "end all" stays expired. Outside the epoch it is dead whatever the instants say: clocks of nodes differ, epochs do not. The
 * account's being disabled is not looked at: disabling raises the epoch.
 */
export function endOf(session: SessionEnds, account: AccountEpoch | null, now: EpochMs): EndedSession | null {
  if (session.revoked !== null) return { kind: 'revoked', ...session.revoked };
  if (account === null) return { kind: 'revoked', reason: 'ACCOUNT_DELETED', at: now, by: null };
  const isOutside = isOutsideEpoch(session, account);
  const ending = account.sessionsEnded ?? { reason: 'REVOKED_BY_USER', at: now, by: null };
  const isExpired = now >= session.idleExpiresAt;
  if (isOutside && !(isExpired && ending.at >= session.idleExpiresAt)) return { kind: 'revoked', ...ending };
  if (!isExpired) return null;
  return { kind: 'expired', limit: session.idleExpiresAt < session.expiresAt ? 'IDLE' : 'ABSOLUTE', at: session.idleExpiresAt };
}
