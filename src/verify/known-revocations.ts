import type { AccessTokenClaims } from './claims.js';
import type { FeedPage, ToldAccount, ToldSession } from './feed-page.js';

/** `roles` and `scope`: as they are now. `reason` and `at`: where they are known. */
export type Verdict =
  | { readonly alive: true; readonly roles: readonly string[]; readonly scope: string }
  | { readonly alive: false; readonly reason?: string; readonly at?: number };

/** How often what concerns no token any more is looked for, in seconds: each time costs a look at every entry. */
const pruneEverySeconds = 60;

/** What the feed has told, for as long as there may be a token that it concerns. The rules are those of docs/services.md. */
export class KnownRevocations {
  private readonly sessions = new Map<string, ToldSession>();
  private readonly accounts = new Map<string, ToldAccount>();
  private prunedAt = 0;

  get size(): number {
    return this.sessions.size + this.accounts.size;
  }

  /**
   * Merges, whole sets too: another node may have learnt less so far, and nothing that was known may be forgotten for that. Ends are final, and of
   * two states of an account the one with the higher `ver` is newer. Ages are judged by the server's clock alone.
   */
  take({ sessions, accounts, as_of }: Pick<FeedPage, 'sessions' | 'accounts' | 'as_of'>): void {
    for (const session of sessions) this.sessions.set(session.sid, session);
    for (const account of accounts) {
      const known = this.accounts.get(account.sub);
      if (known === undefined || known.ver <= account.ver) this.accounts.set(account.sub, account);
    }
    if (as_of < this.prunedAt + pruneEverySeconds) return;
    this.prunedAt = as_of;
    for (const known of [this.sessions, this.accounts]) for (const [id, { exp }] of known) if (exp < as_of) known.delete(id);
  }

  /** `claims`: of a token that is authentic and not past its end. `now`: seconds since 1970. */
  judge(claims: AccessTokenClaims, now: number): Verdict {
    const session = this.sessions.get(claims.sid);
    if (session !== undefined) return { alive: false, reason: session.reason, at: session.at };
    const account = this.accounts.get(claims.sub);
    // Made after the last change that was told: the token knows better.
    if (account === undefined || account.ver < claims.ver) return { alive: true, roles: claims.roles, scope: claims.scope };
    const { disabled } = account;
    if (disabled !== null && (disabled.until === null || now < disabled.until)) {
      return { alive: false, reason: 'ACCOUNT_DISABLED', at: disabled.at };
    }
    const isWithin = claims.epoch === account.epoch || claims.sid === account.kept_sid;
    if (isWithin) return { alive: true, roles: account.roles, scope: account.scope };
    return { alive: false, reason: account.reason ?? undefined, at: account.at ?? undefined };
  }
}
