import type { Store } from '../store/port.js';
import type { Accounts } from './accounts.js';
import { type Audit, actorOf } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { endOf, isDisabled } from './liveness.js';
import type { IssuedTokens, TokenIssuer } from './token-issuer.js';
import type { RequestFacts, SignedIn } from './viewer.js';

interface ReauthenticationsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly issuer: TokenIssuer;
  readonly audit: Audit;
}

/** A fresh proof of the password for a session that is there already. */
export class Reauthentications {
  constructor(private readonly deps: ReauthenticationsDeps) {}

  /**
   * A new access token that says when the password was proved, and the session's present refresh token: nothing is rotated. Throws what
   * `Accounts.reauthenticate` throws, and `AuthError` `UNAUTHENTICATED` when the session was ended meanwhile, which no proof undoes,
   * and `SERVICE_UNAVAILABLE` when the audit log cannot be written.
   */
  async reauthenticate(viewer: SignedIn, password: string, request: RequestFacts): Promise<IssuedTokens> {
    const { store, clock, accounts, issuer, audit } = this.deps;
    const proved = await accounts.reauthenticate(viewer.accountId, password, request);
    const ownClaims = await issuer.claimsFor(proved);
    await audit.before('REAUTHENTICATED', { by: actorOf(proved.id, request), accountId: proved.id, sessionId: viewer.sessionId });
    const session = await store.reauthenticate(viewer.sessionId, proved.id, clock.now());
    // After the write, so that an "end all" that came before it is seen: the account's epoch ends sessions, not their records.
    const account = await store.findAccount(proved.id);
    if (session === null || account === null) throw await this.ended(viewer);
    const now = clock.now();
    if (endOf(session, account, now) !== null || isDisabled(account, now)) throw await this.ended(viewer);
    return issuer.issue(account, session, ownClaims);
  }

  /** The refusal, with what became of the session. */
  private async ended({ sessionId, accountId }: SignedIn): Promise<AuthError> {
    const { session, account } = await this.deps.store.findCurrent(sessionId, accountId);
    const ended = session === null ? null : endOf(session, account, this.deps.clock.now());
    const reason = ended?.kind === 'expired' ? 'EXPIRED' : 'REVOKED';
    return new AuthError('UNAUTHENTICATED', { reason, sessionId, ...(ended !== null && { at: ended.at }) });
  }
}
