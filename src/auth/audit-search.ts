import type { Store } from '../store/port.js';
import type { AuditQuery, CreationPosition, Page } from '../store/queries.js';
import type { AuditEventType, AuditRecord, EpochMs } from '../store/records.js';
import { fill, type ResultPage } from './account-directory.js';
import { summaryOf } from './audit-events.js';
import { AuthError } from './errors.js';
import { isId, isWellFormed } from './identifiers.js';
import type { SignedIn } from './viewer.js';

/** An event as people and administrators see it. */
export interface AuditEvent extends Pick<AuditRecord, 'id' | 'createdAt' | 'type' | 'actorId' | 'accountId' | 'sessionId' | 'count'> {
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly summary: string;
}

/** What is left out, or null, does not narrow. `types: []` fits nothing. */
export interface AuditFilter {
  readonly types?: readonly AuditEventType[] | null;
  /** On whom. */
  readonly userId?: string | null;
  readonly sessionId?: string | null;
  /** The whole address, as it is listed. */
  readonly ipAddress?: string | null;
  /** At this instant or later. */
  readonly after?: EpochMs | null;
  /** Earlier than this. */
  readonly before?: EpochMs | null;
}

export interface SignInSums {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly succeeded: number;
  readonly failed: number;
  readonly throttled: number;
}
export const mostBuckets = 200;

interface AuditSearchDeps {
  readonly store: Pick<Store, 'listAudit' | 'sumAudit'>;
}

/** The audit log, for whoever may read it. Who may read all of it is not decided here. */
export class AuditSearch {
  constructor(private readonly deps: AuditSearchDeps) {}

  /** What happened to the viewer's own account, newest first. Who else acted, and from where, is not told. */
  async activity({ accountId }: SignedIn, page: Page<CreationPosition>): Promise<ResultPage<AuditEvent>> {
    const { rows, next } = await this.list({ userId: accountId }, page);
    const isHidden = ({ actorId }: AuditEvent) => actorId !== null && actorId !== accountId;
    return { rows: rows.map((row) => (isHidden(row) ? { ...row, actorId: null, ipAddress: null, userAgent: null } : row)), next };
  }

  /** Newest first. A page may be short, even empty, before the end, where few of many events fit. */
  async list(filter: AuditFilter, page: Page<CreationPosition>): Promise<ResultPage<AuditEvent>> {
    const query = queryOf(filter);
    if (query === null) return { rows: [], next: null };
    const { rows, next } = await fill(page, (part) => this.deps.store.listAudit(query, part));
    return { rows: rows.map(toAuditEvent), next };
  }

  /**
   * Sign-ins from `from` until before `to`, in `buckets` spans of equal length (to the millisecond). Throws `AuthError` `BAD_USER_INPUT` for
   * other than 1 to 200 buckets, and where `to` does not leave each of them a millisecond.
   */
  async signInStats(from: EpochMs, to: EpochMs, buckets: number): Promise<SignInSums[]> {
    if (buckets < 1 || buckets > mostBuckets) throw new AuthError('BAD_USER_INPUT', { field: 'buckets', reason: 'OUT_OF_RANGE' });
    if (to - from < buckets) throw new AuthError('BAD_USER_INPUT', { field: 'to', reason: 'OUT_OF_RANGE' });
    const edges = Array.from({ length: buckets + 1 }, (_, index) => from + Math.floor(((to - from) * index) / buckets));
    const sums = await this.deps.store.sumAudit(['LOGIN', 'LOGIN_FAILED', 'LOGIN_THROTTLED'], edges);
    return sums.map(({ LOGIN = 0, LOGIN_FAILED = 0, LOGIN_THROTTLED = 0 }, index) => ({
      from: edges[index] ?? from,
      to: edges[index + 1] ?? to,
      succeeded: LOGIN,
      failed: LOGIN_FAILED,
      throttled: LOGIN_THROTTLED,
    }));
  }
}

/** Null: nothing can fit. */
function queryOf({ types, userId, sessionId, ipAddress, after, before }: AuditFilter): AuditQuery | null {
  if (![userId, sessionId].every((id) => id === null || id === undefined || isId(id))) return null;
  if (!isWellFormed(ipAddress ?? '')) return null;
  return {
    types: types ? [...new Set(types)] : null,
    accountId: userId ?? null,
    sessionId: sessionId ?? null,
    ipAddress: ipAddress ?? null,
    createdAfter: after ?? null,
    createdBefore: before ?? null,
  };
}

function toAuditEvent(record: AuditRecord): AuditEvent {
  const { id, createdAt, type, actorId, accountId, sessionId, ipAddress, userAgent, count, detail } = record;
  const summary = summaryOf(type, { count, isOwn: actorId !== null && actorId === accountId, detail });
  return { id, createdAt, type, actorId, accountId, sessionId, ipAddress, userAgent, count, summary };
}
