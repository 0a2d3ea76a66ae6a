import DataLoader from 'dataloader';
import type { Account } from '../auth/account.js';
import type { AccountDirectory } from '../auth/account-directory.js';
import type { Accounts } from '../auth/accounts.js';
import type { Administration, Caller } from '../auth/administration.js';
import type { AuditSearch } from '../auth/audit-search.js';
import type { EmailChanges } from '../auth/email-changes.js';
import type { EmailVerifications } from '../auth/email-verifications.js';
import { AuthError } from '../auth/errors.js';
import type { LiveViewer } from '../auth/live-viewers.js';
import type { Logouts } from '../auth/logouts.js';
import type { OwnAccounts } from '../auth/own-accounts.js';
import type { PasswordChanges } from '../auth/password-changes.js';
import type { PasswordResets } from '../auth/password-resets.js';
import type { Reauthentications } from '../auth/reauthentications.js';
import type { Refreshes } from '../auth/refreshes.js';
import type { SessionEvents } from '../auth/session-events.js';
import type { SessionSearch } from '../auth/session-search.js';
import type { SessionSubscription } from '../auth/session-subscription.js';
import type { Sessions } from '../auth/sessions.js';
import type { SignIns } from '../auth/sign-ins.js';
import type { ProofPolicy } from '../auth/step-up.js';
import type { IssuedTokens } from '../auth/token-issuer.js';
import type { RefreshTokenTransport, RequestFacts, SignedIn, Viewer } from '../auth/viewer.js';

/** What resolvers may call. */
export interface Services {
  readonly accounts: Accounts;
  readonly accountDirectory: AccountDirectory;
  readonly sessionSearch: SessionSearch;
  readonly administration: Administration;
  readonly signIns: SignIns;
  readonly refreshes: Refreshes;
  readonly reauthentications: Reauthentications;
  readonly sessions: Sessions;
  readonly sessionEvents: SessionEvents;
  readonly passwordChanges: PasswordChanges;
  readonly passwordResets: PasswordResets;
  readonly emailVerifications: EmailVerifications;
  readonly emailChanges: EmailChanges;
  readonly ownAccounts: OwnAccounts;
  readonly logouts: Logouts;
  readonly auditSearch: AuditSearch;
  readonly now: () => number;
  readonly serverInfo: ServerFacts;
}

export interface ServerFacts {
  readonly version: string;
  readonly signupEnabled: boolean;
  readonly emailVerificationRequired: boolean;
  readonly passwordMinLength: number;
  readonly passwordMaxLength: number;
}

/** Rows that all lists of one request may ask for together. Lists nest (a session's user's sessions ...), so pages alone bound nothing. */
const mostRows = 1_000;
/** So many ids one call of the store may name. */
const mostIds = 1_000;

/** One request's state: who asks, how, and the accounts that its answer has named so far. */
export class GraphQLContext {
  private rows = 0;
  private readonly loader = new DataLoader((ids: readonly string[]) => this.services.accounts.findMany(ids), { maxBatchSize: mostIds });

  constructor(
    readonly services: Services,
    readonly request: RequestFacts,
    readonly transport: RefreshTokenTransport,
    private settled: Viewer,
    /** As of this request's beginning. */
    readonly proofPolicy: ProofPolicy,
    /** Who is connected, where this is a subscription; null for a request. */
    private readonly live: LiveViewer | null = null,
  ) {}

  get viewer(): Viewer {
    return this.settled;
  }

  /** The signed-in viewer. Throws for anybody else: the rule of every field that calls this asks for one. */
  get signedIn(): SignedIn {
    if (this.settled.kind !== 'account') throw new Error('a field without a rule asked for the signed-in viewer');
    return this.settled;
  }

  /** For acts that the audit log tells of. Throws as `signedIn` does. */
  get caller(): Caller {
    return { viewer: this.signedIn, source: this.request };
  }

  /** A sign-in settles the viewer for its own selection, so that the rules of `AuthPayload.user.email` hold. */
  signedInBy(tokens: IssuedTokens): void {
    const { account, session } = tokens;
    const { id: accountId, roles, permissions, sessionEpoch: epoch } = account;
    this.settled = {
      kind: 'account',
      accountId,
      roles,
      permissions,
      sessionId: session.id,
      authenticatedAt: session.authenticatedAt,
      epoch,
    };
    this.remember(account.id, account);
  }

  /** The context for the next event of a subscription: the viewer as judged by now, nothing read yet. */
  afresh(): GraphQLContext {
    const { services, request, transport, settled, live } = this;
    const proofPolicy = { ...this.proofPolicy, now: services.now() };
    return new GraphQLContext(services, request, transport, live?.viewer ?? settled, proofPolicy, live);
  }

  /** Throws what `SessionEvents.subscribe` throws. */
  async followSessions(all: boolean): Promise<SessionSubscription> {
    if (this.live === null) throw new AuthError('BAD_REQUEST', { reason: 'SUBSCRIPTION_BY_HTTP' });
    return this.services.sessionEvents.subscribe(this.live, all);
  }

  /** The signed-in viewer's account. Throws `AuthError` `UNAUTHENTICATED` when it was deleted a moment ago. */
  async ownAccount(): Promise<Account> {
    const account = await this.findAccount(this.signedIn.accountId);
    if (account === null) throw new AuthError('UNAUTHENTICATED', { reason: 'REVOKED' });
    return account;
  }

  /** Takes rows from the request's budget, before they are read. Throws `AuthError` `QUERY_TOO_COMPLEX` when it is used up. */
  takeRows(count: number): void {
    this.rows += count;
    if (this.rows > mostRows) throw new AuthError('QUERY_TOO_COMPLEX', { reason: 'ROWS' });
  }

  /** Reads each account once for a request, those that are asked for at the same time by one call of the store. Null when it was deleted. */
  findAccount(id: string): Promise<Account | null> {
    return this.loader.load(id);
  }

  /** An account as it was read or changed just now; null: deleted. */
  remember(id: string, account: Account | null): void {
    this.loader.clear(id).prime(id, account);
  }
}
