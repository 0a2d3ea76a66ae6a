import type { AccountStanding, Change } from '../store/port.js';
import type { Ending, EpochMs } from '../store/records.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import { type EndedSession, isDisabled } from './liveness.js';

export type SessionStanding =
  /** `roles`: as they are now, whatever the token says. */
  { readonly kind: 'alive'; readonly roles: readonly string[] } | { readonly kind: 'ended'; readonly ended: EndedSession };

interface Remembered<T> {
  readonly value: T;
  /** By the clock that judges tokens: from then on none is left that this could concern. */
  readonly until: number;
}

/**
 * What was revoked or changed lately, in memory. A token that is verified is good unless this says otherwise, so every entry
 * stays for longer than a token can live.
 */
export class RevocationSet {
  private readonly sessions = new Map<string, Remembered<Ending>>();
  private readonly accounts = new Map<string, Remembered<AccountStanding>>();

  /** `keptForMs`: the lifetime of access tokens, the leeway and a little more. */
  constructor(private readonly keptForMs: number) {}

  get size(): number {
    return this.sessions.size + this.accounts.size;
  }

  /** An older state of an account than the one known changes nothing: the ways by which changes come may overtake each other. */
  add(change: Exclude<Change, { kind: 'keys-changed' | 'beat' }>, now: EpochMs): void {
    const until = now + this.keptForMs;
    if (change.kind === 'session-revoked') {
      const first = this.sessions.get(change.sessionId)?.value ?? change.ending;
      put(this.sessions, change.sessionId, { value: first, until });
      return;
    }
    const known = this.accounts.get(change.account.id)?.value;
    const newest = known !== undefined && known.version > change.account.version ? known : change.account;
    put(this.accounts, change.account.id, { value: newest, until });
  }

  /** Lets go of what concerns no token any more. */
  prune(now: EpochMs): void {
    for (const entries of [this.sessions, this.accounts]) {
      for (const [id, { until }] of entries) {
        if (until > now) break;
        entries.delete(id);
      }
    }
  }

  clear(): void {
    this.sessions.clear();
    this.accounts.clear();
  }

  /** Judges the claims of a token that is authentic and not past its end. */
  judge(claims: AccessTokenClaims, now: EpochMs): SessionStanding {
    const revoked = this.sessions.get(claims.sid)?.value;
    if (revoked !== undefined) return { kind: 'ended', ended: { kind: 'revoked', ...revoked } };
    const account = this.accounts.get(claims.sub)?.value;
    // Made after the last change that this node has heard of: the token knows better.
    if (account === undefined || account.version < claims.ver) return { kind: 'alive', roles: claims.roles };
    if (isDisabled(account, now) && account.disabled !== null) {
      return { kind: 'ended', ended: { kind: 'revoked', reason: 'ACCOUNT_DISABLED', at: account.disabled.at, by: null } };
    }
    // The token was made while its session was within the epoch that it names.
    const isWithin = claims.epoch === account.sessionEpoch || claims.sid === account.keptSessionId;
    if (isWithin) return { kind: 'alive', roles: account.roles };
    return { kind: 'ended', ended: { kind: 'revoked', ...(account.sessionsEnded ?? { reason: 'REVOKED_BY_USER', at: now, by: null }) } };
  }
}

/** Last, so that the order of a map is the order in which its entries end. */
function put<T>(entries: Map<string, Remembered<T>>, id: string, entry: Remembered<T>): void {
  entries.delete(id);
  entries.set(id, entry);
}
