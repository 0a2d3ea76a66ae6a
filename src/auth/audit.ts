import { createHash, randomUUID } from 'node:crypto';
import type { Store } from '../store/port.js';
import type { AuditEventType, AuditRecord } from '../store/records.js';
import type { DetailOf, WrittenAt } from './audit-events.js';
import { AuditQueue } from './audit-queue.js';
import { networkOf } from './binding.js';
import type { Clock } from './clock.js';
import { serviceUnavailable } from './errors.js';
import type { Log } from './log.js';
import type { RequestFacts, SignedIn } from './viewer.js';

/** From where an act came. */
export type Source = Pick<RequestFacts, 'ipAddress' | 'userAgent'>;

/** Who acts, and from where. `accountId` null: somebody who is not known. */
export interface Actor extends Source {
  readonly accountId: string | null;
}

export const actorOf = (accountId: SignedIn['accountId'] | null, { ipAddress, userAgent }: Source): Actor => ({
  accountId,
  ipAddress,
  userAgent,
});

/** What a caller tells of an event. */
export interface AuditEntry<T extends AuditEventType> {
  /** Null: an operator at the command line. */
  readonly by: Actor | null;
  /** The account that it happens to; null: none, or one that is not known. */
  readonly accountId: string | null;
  readonly sessionId?: string | null;
  readonly detail?: DetailOf<T>;
}

interface AuditDeps {
  readonly store: Pick<Store, 'appendAudit' | 'countAudit'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: { readonly auditHistorySeconds: number };
}

const minuteMs = 60_000;
const leastHistorySeconds = 86_400;
/** The most that one call of the store takes. */
const mostAtOnce = 1_000;

/**
 * Writes the audit log. Whether an event is written before its act or after it stands in the table `auditEventKinds`, by its type, and a
 * call of the other method does not compile.
 */
export class Audit {
  private readonly queue: AuditQueue;

  constructor(private readonly deps: AuditDeps) {
    this.queue = new AuditQueue(deps);
  }

  /**
   * Writes the event of an act that is about to be done. Throws `AuthError` `SERVICE_UNAVAILABLE` when it cannot be written, or that is not
   * known: then the act is not done.
   */
  before<T extends WrittenAt<'before'>>(type: T, entry: AuditEntry<T>): Promise<void> {
    return this.beforeAll(type, [entry]);
  }

  /** As `before`, for an act with any number of events. When it throws some may be written. */
  async beforeAll<T extends WrittenAt<'before'>>(type: T, entries: readonly AuditEntry<T>[]): Promise<void> {
    const events = entries.map((entry) => this.event(randomUUID(), type, entry));
    try {
      for (let start = 0; start < events.length; start += mostAtOnce) {
        await this.deps.store.appendAudit(events.slice(start, start + mostAtOnce));
      }
    } catch (error) {
      throw serviceUnavailable(error);
    }
  }

  /** Notes the event of an act that was done, and comes back at once. Never throws. */
  after<T extends WrittenAt<'after'>>(type: T, entry: AuditEntry<T>): void {
    this.queue.put(this.event(randomUUID(), type, entry), false);
  }

  /** As `after`, where like events of one minute (type, account, network, detail) share a record that counts them. */
  count<T extends WrittenAt<'after'>>(type: T, entry: AuditEntry<T>): void {
    const minute = Math.floor(this.deps.clock.now() / minuteMs);
    const common = [type, minute, entry.accountId, networkOf(entry.by?.ipAddress ?? null), entry.detail ?? {}];
    this.queue.put(this.event(derivedId(JSON.stringify(common)), type, entry), true);
  }

  /** Resolves when what was noted is written, or the store did not answer. */
  flush(): Promise<void> {
    return this.queue.flush();
  }

  /** Writes what was noted, for the last time. */
  close(): Promise<void> {
    return this.queue.close();
  }

  private event<T extends AuditEventType>(
    id: string,
    type: T,
    { by, accountId, sessionId = null, detail = {} }: AuditEntry<T>,
  ): AuditRecord {
    const createdAt = this.deps.clock.now();
    return {
      id,
      createdAt,
      type,
      actorId: by?.accountId ?? null,
      accountId,
      sessionId,
      ipAddress: by?.ipAddress ?? null,
      userAgent: by?.userAgent ?? null,
      count: 1,
      detail: detail as Readonly<Record<string, string>>,
      purgeAt: createdAt + Math.max(this.deps.config.auditHistorySeconds, leastHistorySeconds) * 1000,
    };
  }
}

/** A UUID of version 8 (RFC 9562 5.8): the same for the same text, on every node. */
function derivedId(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'[Number.parseInt(digest[16] ?? '0', 16) & 3];
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
