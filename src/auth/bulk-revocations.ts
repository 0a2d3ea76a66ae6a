import type { Store } from '../store/port.js';
import type { CreationPosition } from '../store/queries.js';
import type { Ending } from '../store/records.js';
import type { Actor, Audit } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { type LifetimeConfig, purgeTime } from './session-lifetime.js';
import type { FoundSession, SessionFilter, SessionSearch } from './session-search.js';

export interface BulkRevocation {
  readonly filter: SessionFilter;
  /** Who acts; null: an operator at the command line. */
  readonly by: Actor | null;
  /** Only counts. */
  readonly dryRun: boolean;
  /** Sessions that stay, whatever the filter says. */
  readonly spared?: readonly string[];
  /** Asked before each batch: which accounts' sessions may be ended, by their roles. What it throws ends the work. */
  readonly authority?: () => Promise<(roles: readonly string[]) => boolean>;
  /** Called after each batch with the number of sessions ended (on a dry run: found) so far. */
  readonly onProgress?: (count: number) => void;
}

export interface RevokedSessions {
  readonly count: number;
  readonly dryRun: boolean;
  /** At most 100 of them, the newest. */
  readonly sessions: readonly FoundSession[];
}

/** So many are ended at a time, so that memory and locks are bounded however many there are. */
const batchRows = 500;
const mostReported = 100;
const everybodys = async () => () => true;

interface BulkRevocationsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly search: SessionSearch;
  readonly audit: Audit;
  readonly config: LifetimeConfig;
}

/** Ends of many sessions at once, by a filter over all accounts. Who may do it is not decided here. */
export class BulkRevocations {
  constructor(private readonly deps: BulkRevocationsDeps) {}

  /**
   * Ends the active sessions that fit, newest first, as they are when their batch comes; a sign-in after the start is not among them. Two
   * at once share the work; one that was cut short is finished by a repeat. Throws `AuthError` `BAD_USER_INPUT` for an empty filter, an unknown
   * role and too many ids, `SERVICE_UNAVAILABLE` when the audit log cannot be written: then what this batch would end is not ended.
   */
  async run({ filter, by, dryRun, spared = [], authority = everybodys, onProgress }: BulkRevocation): Promise<RevokedSessions> {
    if (isEmpty(filter)) throw new AuthError('BAD_USER_INPUT', { field: 'filter', reason: 'INVALID' });
    const sample: FoundSession[] = [];
    let count = 0;
    if (filter.state && filter.state !== 'ACTIVE') return { count, dryRun, sessions: sample };
    let after: CreationPosition | null = null;
    do {
      const page = await this.deps.search.list({ ...filter, state: 'ACTIVE' }, { limit: batchRows, after });
      const covers = await authority();
      const found = page.rows.filter(({ session, account }) => !spared.includes(session.id) && covers(account?.roles ?? []));
      const ended = dryRun ? found : await this.end(found, by);
      count += ended.length;
      sample.push(...ended.slice(0, mostReported - sample.length));
      if (found.length > 0) onProgress?.(count);
      after = page.next;
    } while (after !== null);
    return { count, dryRun, sessions: sample };
  }

  /**
   * Ends every session of an account by one update of it, sign-ins under way included. What follows only writes it down. `count` is of
   * those that were active before, at most 10,000. Throws `AuthError` `NOT_FOUND`, and `SERVICE_UNAVAILABLE` when the audit log cannot be
   * written.
   */
  async endAllOf(accountId: string, by: Actor | null): Promise<RevokedSessions> {
    const { store, clock, search, audit, config } = this.deps;
    const active = { userId: accountId, state: 'ACTIVE' } as const;
    const before = await search.list(active, { limit: mostReported, after: null });
    const count = await search.count(active);
    const present = await store.findAccount(accountId);
    if (present === null) throw new AuthError('NOT_FOUND', { field: 'user' });
    await audit.before('SESSIONS_REVOKED', { by, accountId, detail: { scope: 'ALL', count: String(count) } });
    const ending = { at: clock.now(), reason: 'REVOKED_BY_ADMIN', by: by?.accountId ?? null } as const;
    const account = await store.endSessions(accountId, { ...ending, kept: null });
    if (account === null) throw new AuthError('NOT_FOUND', { field: 'user' });
    const selector = { accountId, epochBelow: account.sessionEpoch, ordinalAtMost: null, exceptId: account.keptSessionId };
    await store.revokeWhere(selector, ending, purgeTime(ending.at, config));
    return { count, dryRun: false, sessions: before.rows.map((found) => withEnding(found, ending)) };
  }

  /** Those that this call has ended, as they are now. */
  private async end(found: readonly FoundSession[], by: Actor | null): Promise<FoundSession[]> {
    if (found.length === 0) return [];
    await this.note(found, by);
    const ending = { at: this.deps.clock.now(), reason: 'REVOKED_BY_ADMIN', by: by?.accountId ?? null } as const;
    const ids = found.map(({ session }) => session.id);
    const ended = new Set(await this.deps.store.revokeMany(ids, ending, purgeTime(ending.at, this.deps.config)));
    return found.filter(({ session }) => ended.has(session.id)).map((row) => withEnding(row, ending));
  }

  /** One event for each account, so that its owner reads of it. */
  private note(found: readonly FoundSession[], by: Actor | null): Promise<void> {
    const idsByAccount = new Map<string, string[]>();
    for (const { session } of found) idsByAccount.set(session.accountId, [...(idsByAccount.get(session.accountId) ?? []), session.id]);
    const entries = [...idsByAccount].map(([accountId, ids]) => ({
      by,
      accountId,
      sessionId: ids.length === 1 ? (ids[0] ?? null) : null,
      detail: { scope: 'SOME', count: String(ids.length) },
    }));
    return this.deps.audit.beforeAll('SESSIONS_REVOKED', entries);
  }
}

function withEnding({ session, account }: FoundSession, { at, reason }: Ending): FoundSession {
  return { session: { ...session, state: 'REVOKED', revokedAt: at, revocationReason: reason }, account };
}

/** A filter that would select everything: an empty text is a part of every user agent, and only active sessions are ended anyway. */
function isEmpty({ state: _, ...filter }: SessionFilter): boolean {
  return Object.values(filter).every((value) => value === null || value === undefined || value === '');
}
