import type { Store } from '../store/port.js';
import type { AllSessionsQuery, CreationPosition, Page } from '../store/queries.js';
import type { DeviceKind, EpochMs, SessionRecord } from '../store/records.js';
import { type Account, toAccount } from './account.js';
import { fill, type ResultPage } from './account-directory.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { isId, isWellFormed } from './identifiers.js';
import type { RoleBook } from './role-book.js';
import { type Session, type SessionState, toSession } from './sessions.js';

/** What is left out, or null, does not narrow. `ids: []` fits nothing. */
export interface SessionFilter {
  /** At most 1,000. */
  readonly ids?: readonly string[] | null;
  readonly userId?: string | null;
  readonly state?: SessionState | null;
  /** The whole address, as it is listed. */
  readonly ipAddress?: string | null;
  /** Any part, without regard to the case of A to Z. */
  readonly userAgent?: string | null;
  readonly deviceKind?: DeviceKind | null;
  /** Before: earlier than this. After: at this instant or later. */
  readonly createdBefore?: EpochMs | null;
  readonly createdAfter?: EpochMs | null;
  readonly lastSeenBefore?: EpochMs | null;
  readonly lastSeenAfter?: EpochMs | null;
  /** Holders of this role. */
  readonly role?: string | null;
}

/** A session with its account; null: it was deleted. */
export interface FoundSession {
  readonly session: Session;
  readonly account: Account | null;
}

const mostIds = 1_000;
const mostCounted = 10_000;
/** So many records, and their accounts, are read at once; where some may not fit, at least so many. */
const readRows = { least: 100, most: 500 };

interface SessionSearchDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly roles: RoleBook;
}

/** The sessions of all accounts, each judged with its account. Who may see them is not decided here. */
export class SessionSearch {
  constructor(private readonly deps: SessionSearchDeps) {}

  /**
   * Newest sign-in first. A page may be short, even empty, before the end: a state or role that few sessions have is looked for among a
   * bounded number of rows at a time. Throws `AuthError` `BAD_USER_INPUT` for an unknown role and for too many ids.
   */
  async list(filter: SessionFilter, page: Page<CreationPosition>): Promise<ResultPage<FoundSession>> {
    const query = this.query(filter);
    if (query === null) return { rows: [], next: null };
    return fill(page, ({ limit, after }) => this.read(query, filter, limit, after));
  }

  /** At most 10,000; looks at every row that may fit. Throws what `list` throws. */
  async count(filter: SessionFilter): Promise<number> {
    const query = this.query(filter);
    if (query === null) return 0;
    if (!(filter.state || filter.role)) return this.deps.store.countAllSessions(query, mostCounted);
    let count = 0;
    let after: CreationPosition | null = null;
    do {
      const page: ResultPage<FoundSession> = await this.read(query, filter, readRows.most, after);
      count += page.rows.length;
      after = page.next;
    } while (after !== null && count < mostCounted);
    return Math.min(count, mostCounted);
  }

  /**
   * The sessions that fit among the next rows of the store. More rows are read than are wanted, since some may not fit; the page then ends
   * after the last one wanted.
   */
  private async read(
    query: AllSessionsQuery,
    filter: SessionFilter,
    limit: number,
    after: CreationPosition | null,
  ): Promise<ResultPage<FoundSession>> {
    const isJudged = Boolean(filter.state || filter.role);
    const wanted = isJudged ? Math.max(2 * limit, readRows.least) : limit;
    const found = await this.deps.store.listAllSessions(query, { limit: Math.min(wanted, readRows.most), after });
    const fitting = (await this.judge(found.rows)).filter((row) => fits(row, filter));
    const rows = fitting.slice(0, limit);
    const last = rows.at(-1)?.session;
    const isCut = fitting.length > rows.length && last !== undefined;
    return { rows, next: isCut ? { createdAt: last.createdAt, id: last.id } : found.next };
  }

  /** The accounts of a page by one call. Read after the sessions, so that an "end all" in between counts. */
  private async judge(records: readonly SessionRecord[]): Promise<FoundSession[]> {
    const ids = [...new Set(records.map(({ accountId }) => accountId))];
    const accounts = new Map((ids.length === 0 ? [] : await this.deps.store.findAccounts(ids)).map((account) => [account.id, account]));
    const { clock, roles } = this.deps;
    const now = clock.now();
    return records.map((record) => {
      const account = accounts.get(record.accountId);
      return { session: toSession(record, account ?? null, now), account: account === undefined ? null : toAccount(account, roles) };
    });
  }

  /** Null: nothing can fit. */
  private query(filter: SessionFilter): AllSessionsQuery | null {
    if (filter.role !== null && filter.role !== undefined) this.deps.roles.check([filter.role], 'role');
    const ids = filter.ids ?? null;
    if (ids !== null && ids.length > mostIds) throw new AuthError('BAD_USER_INPUT', { field: 'ids', reason: 'OUT_OF_RANGE' });
    const texts = [filter.userId, filter.ipAddress, filter.userAgent];
    if (!texts.every((text) => isWellFormed(text ?? ''))) return null;
    return {
      ids: ids?.filter(isId) ?? null,
      accountId: filter.userId ?? null,
      recordState: recordStateOf(filter.state ?? null),
      now: this.deps.clock.now(),
      ipAddress: filter.ipAddress ?? null,
      userAgent: filter.userAgent ?? null,
      deviceKind: filter.deviceKind ?? null,
      createdBefore: filter.createdBefore ?? null,
      createdAfter: filter.createdAfter ?? null,
      lastSeenBefore: filter.lastSeenBefore ?? null,
      lastSeenAfter: filter.lastSeenAfter ?? null,
    };
  }
}

/** What a record must say for its session to be in this state. One that its account's epoch ended says nothing of it. */
function recordStateOf(state: SessionState | null): AllSessionsQuery['recordState'] {
  return state === 'REVOKED' ? null : state;
}

function fits({ session, account }: FoundSession, { state, role }: SessionFilter): boolean {
  if (state && session.state !== state) return false;
  return !role || (account?.roles.includes(role) ?? false);
}
