import type { Store } from '../store/port.js';
import type { AccountRecord, EpochMs, SessionRecord } from '../store/records.js';
import type { Clock } from './clock.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import { type EndedSession, endOf, isDisabled } from './liveness.js';
import type { SessionStanding } from './revocation-set.js';
import type { SessionUses } from './session-uses.js';

/** Whether the session of a verified access token is still alive, and which roles its account has now. */
export interface SessionCheck {
  /** For a use of the token, which is noted. Throws `StoreUnavailableError` when it cannot be known. */
  check(claims: AccessTokenClaims): Promise<SessionStanding>;
  /** The same where the token is not used: nothing is noted. */
  look(claims: AccessTokenClaims): Promise<SessionStanding>;
}

interface ReadThroughDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly uses: SessionUses;
}

/** Reads session and account for each request: a revocation anywhere acts everywhere with the next request. */
export class ReadThroughCheck implements SessionCheck {
  constructor(private readonly deps: ReadThroughDeps) {}

  check(claims: AccessTokenClaims): Promise<SessionStanding> {
    return this.read(claims, (session, now) => this.deps.uses.note(session, claims.gen, now));
  }

  look(claims: AccessTokenClaims): Promise<SessionStanding> {
    return this.read(claims, () => {});
  }

  private async read(claims: AccessTokenClaims, onAlive: (session: SessionRecord, now: EpochMs) => void): Promise<SessionStanding> {
    const { store, clock } = this.deps;
    const { session, account } = await store.findCurrent(claims.sid, claims.sub);
    const now = clock.now();
    const deleted = { kind: 'ended', ended: { kind: 'revoked', reason: 'ACCOUNT_DELETED', at: now, by: null } } as const;
    if (account === null) return deleted;
    // A record is kept for as long as one of its tokens could be presented: without one the token is from another store.
    if (session === null || session.accountId !== account.id)
      return { kind: 'ended', ended: { kind: 'expired', limit: 'ABSOLUTE', at: now } };
    const ended = endOf(session, account, now) ?? endByDisabling(account, now);
    if (ended !== null) return { kind: 'ended', ended };
    onAlive(session, now);
    return { kind: 'alive', roles: account.roles, version: account.version };
  }
}

function endByDisabling(account: AccountRecord, now: number): EndedSession | null {
  if (!isDisabled(account, now) || account.disabled === null) return null;
  return { kind: 'revoked', reason: 'ACCOUNT_DISABLED', at: account.disabled.at, by: null };
}
