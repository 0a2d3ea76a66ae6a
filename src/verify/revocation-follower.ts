import { setTimeout as delay } from 'node:timers/promises';
import type { AccessTokenClaims } from './claims.js';
import { type Clocks, elapsedMs, type Moment, momentOf } from './clocks.js';
import { type FeedPage, parsePage } from './feed-page.js';
import { KnownRevocations, type Verdict } from './known-revocations.js';
import type { ServiceClient } from './service-client.js';

/** Between two whole sets, and after a failure. */
const pauseMs = 1_000;
/** For the answer, beyond what the server was asked to wait. */
const answerMs = 5_000;

interface FollowerDeps {
  readonly client: ServiceClient;
  readonly clocks: Clocks;
  /** For how long an answer counts, from when it was asked for; the server is asked to wait for a third of it. */
  readonly staleAfterSeconds: number;
  readonly onProblem: (error: unknown) => void;
}

/** Follows `GET /revocations`, and says what is known and whether that is fresh. */
export class RevocationFollower {
  private readonly known = new KnownRevocations();
  private readonly closing = new AbortController();
  private readonly following: Promise<void>;
  private cursor: string | null = null;
  /** When the last answer with nothing left behind it was asked for: whatever was ended before then is known. */
  private askedAt: Moment | null = null;
  /** An instant by the server's clock (seconds), and when we learnt of it by ours. */
  private told: { readonly asOf: number; readonly learntAt: number } | null = null;
  private tokenTtlSeconds: number | null = null;

  constructor(private readonly deps: FollowerDeps) {
    this.following = this.follow();
  }

  /** The longest lifetime of an access token, in seconds; null before the first answer. */
  get ttlSeconds(): number | null {
    return this.tokenTtlSeconds;
  }

  get isFresh(): boolean {
    return this.askedAt !== null && elapsedMs(this.askedAt, this.deps.clocks) < this.deps.staleAfterSeconds * 1000;
  }

  /**
   * What the server's clock shows at least, in seconds; null before the first answer. A clock of ours that is slow would take tokens for good
   * whose revocation has been forgotten.
   */
  get serverTime(): number | null {
    return this.told && this.told.asOf + (this.deps.clocks.monotonic() - this.told.learntAt) / 1000;
  }

  judge(claims: AccessTokenClaims, now: number): Verdict {
    return this.known.judge(claims, now);
  }

  /** Nothing is fresh from then on. Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.closing.abort();
    this.askedAt = null;
    await this.following;
  }

  private async follow(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const mustPause = await this.next().catch((error: unknown) => {
        if (!signal.aborted) this.deps.onProblem(error);
        return true;
      });
      if (mustPause) await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Asks once. Says whether the next question has to wait: after a whole set it has, for where nodes take turns each answer is one. */
  private async next(): Promise<boolean> {
    const { clocks } = this.deps;
    const askedAt = momentOf(clocks);
    const page = await this.ask();
    if (this.closing.signal.aborted) return false;
    this.known.take(page);
    this.cursor = page.cursor;
    this.tokenTtlSeconds = page.ttl;
    this.told = { asOf: page.as_of, learntAt: clocks.monotonic() };
    if (!page.more) this.askedAt = askedAt;
    return page.complete && !page.more;
  }

  private async ask(): Promise<FeedPage> {
    const wait = Math.floor(this.deps.staleAfterSeconds / 3);
    const query = new URLSearchParams({ wait: `${wait}`, ...(this.cursor !== null && { after: this.cursor }) });
    const request = new AbortController();
    const abort = () => request.abort(this.closing.signal.reason);
    const timer = setTimeout(() => request.abort(new Error('revocations: no answer in time')), wait * 1000 + answerMs);
    this.closing.signal.addEventListener('abort', abort);
    try {
      return parsePage(await this.deps.client.ask(`revocations?${query}`, request.signal));
    } finally {
      clearTimeout(timer);
      this.closing.signal.removeEventListener('abort', abort);
    }
  }
}
