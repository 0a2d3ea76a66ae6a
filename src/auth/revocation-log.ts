import { serviceUnavailable } from './errors.js';
import { numberOfCursor, type RevocationPage, revocationPage } from './revocation-document.js';
import type { RevocationFeed } from './revocation-feed.js';
import type { RoleBook } from './role-book.js';

/** Each waiting request holds a connection. */
const mostWaiting = 100;

export interface RevocationQuery {
  /** The cursor of the reader's last page; null when it has none. */
  readonly after: string | null;
  /** How long to wait for something new. */
  readonly waitMs: number;
  /** Ends the waiting: the page of that moment is given. */
  readonly signal: AbortSignal;
}

interface RevocationLogDeps {
  readonly feed: Pick<RevocationFeed, 'proven' | 'onNews'>;
  readonly roles: RoleBook;
  readonly config: { readonly accessTokenTtlSeconds: number };
}

/** What this node knows of revocations, page by page, for services that verify access tokens on their own. */
export class RevocationLog {
  private waiting = 0;

  constructor(private readonly deps: RevocationLogDeps) {}

  /**
   * One page as JSON (docs/services.md). At once where there is something that the reader has not, else when there is, or when the time is
   * over. A cursor of another node, or of another life of this one, counts as none. Throws `SERVICE_UNAVAILABLE` while the feed is not
   * proven, also in the middle of waiting, since what is in memory may be out of date then; and when 100 wait already.
   */
  async read({ after, waitMs, signal }: RevocationQuery): Promise<string> {
    const page = this.pageAfter(after);
    if (!page.isEmpty || page.isWhole || waitMs === 0 || signal.aborted) return page.text;
    if (this.waiting >= mostWaiting) throw serviceUnavailable(new Error('too many requests wait for revocations'));
    this.waiting += 1;
    try {
      await this.news(after, waitMs, signal);
    } finally {
      this.waiting -= 1;
    }
    return this.pageAfter(after).text;
  }

  private pageAfter(cursor: string | null): RevocationPage & { readonly isWhole: boolean } {
    const { feed, roles, config } = this.deps;
    const proven = feed.proven();
    if (proven === null) throw serviceUnavailable(new Error('the feed of revocations is not proven'));
    const after = cursor === null ? null : numberOfCursor(cursor, proven.entries);
    return { ...revocationPage({ proven, after, roles, accessTokenTtlSeconds: config.accessTokenTtlSeconds }), isWhole: after === null };
  }

  /** Whether a reader that has all up to this cursor would be told something else than "nothing new". */
  private hasNews(cursor: string | null): boolean {
    const proven = this.deps.feed.proven();
    if (proven === null || cursor === null) return true;
    return numberOfCursor(cursor, proven.entries) !== proven.entries.lastNumber;
  }

  private news(cursor: string | null, waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(clock);
        stopListening();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const clock = setTimeout(end, waitMs);
      const stopListening = this.deps.feed.onNews(() => {
        if (this.hasNews(cursor)) end();
      });
      signal.addEventListener('abort', end);
    });
  }
}
