import type { Change, ChangeFeed, Store } from '../store/port.js';
import type { EpochMs } from '../store/records.js';
import { clockLeewaySeconds } from './access-tokens.js';
import type { Clock } from './clock.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import type { Log } from './log.js';
import type { Meter, RevocationMode } from './meter.js';
import { RevocationSet, type SessionStanding } from './revocation-set.js';
import type { SessionCheck } from './revocations.js';
import type { SessionUses } from './session-uses.js';

/** What was committed longer ago than this must be proven to have been told, or the memory does not count. */
const longestUncertaintyMs = 1_500;
/** A beat this far in the future shows that this node's clock is behind the database's, and not how old the beat is. */
const mostAheadMs = 200;
/** With no beat seen for so long, this node strikes one. */
const beatAfterMs = 500;
/** A feed that tells nothing for so long is taken for dead. */
const deadAfterMs = 10_000;
const watchEveryMs = 100;
const pruneEveryMs = 10_000;
/** More entries than this are not kept: the node reads through, and looks again after a while. */
const mostEntries = 200_000;
const overflowPauseMs = 30_000;
const shortestPauseMs = 100;
const longestPauseMs = 5_000;
/** What an entry is kept for beyond the lifetime of tokens and their leeway. */
const marginSeconds = 120;

export interface RevocationFeedDeps {
  readonly store: Pick<Store, 'watchChanges' | 'recentChanges' | 'beat'>;
  readonly clock: Clock;
  /** Milliseconds that only ever run forward; they may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** Epoch milliseconds as the machine's own clock has them: it goes on while the machine sleeps. */
  readonly wall: () => number;
  readonly readThrough: SessionCheck;
  readonly uses: SessionUses;
  /** A key of the server was added or revoked. */
  readonly onKeysChanged: () => void;
  readonly meter: Pick<Meter, 'revocationsSeen'>;
  readonly log: Log;
  readonly config: { readonly accessTokenTtlSeconds: number };
}

/** What is known while the feed is proven. */
export interface ProvenRevocations {
  readonly entries: Pick<RevocationSet, 'life' | 'lastNumber' | 'since'>;
  /** Everything that was committed before then is among the entries. */
  readonly asOf: EpochMs;
}

export type RevocationListener = (change: Exclude<Change, { kind: 'keys-changed' | 'beat' }>) => void;

/**
 * Judges access tokens by what is in memory while that is proven to be up to date; otherwise session and account are read for each
 * request: slower, never wrong. The proof is a beat, struck in the database by whichever node has seen none for half a second: once it
 * has come back through the feed, everything committed before it has been told. So no node accepts a token for longer than 2 s
 * after its session was ended elsewhere. What this process ends acts at once.
 */
export class RevocationFeed implements SessionCheck {
  private readonly entries: RevocationSet;
  /** For how long a change concerns a token that may still be presented. */
  readonly keptForMs: number;
  private feed: ChangeFeed | null = null;
  /** Whether everything that a token of now could be subject to is among the entries. */
  private isComplete = false;
  private isClosed = false;
  /** By the monotonic clock: what was committed before then has been told. */
  private provenUntil = Number.NEGATIVE_INFINITY;
  /** By the wall clock, when that was found out. */
  private provenAtWall = Number.NEGATIVE_INFINITY;
  /** When the feed last told anything, or was opened, by the monotonic clock. */
  private heardAt = Number.NEGATIVE_INFINITY;
  private lastStrikeAt = Number.NEGATIVE_INFINITY;
  private openAgainAt = Number.NEGATIVE_INFINITY;
  private pauseMs = shortestPauseMs;
  private opening: Promise<void> | null = null;
  private timers: NodeJS.Timeout[] = [];
  private readonly listeners = new Set<RevocationListener>();
  private announced: RevocationMode = 'read_through';
  private readonly newsListeners = new Set<() => void>();
  private isTelling = false;

  constructor(private readonly deps: RevocationFeedDeps) {
    this.keptForMs = (deps.config.accessTokenTtlSeconds + clockLeewaySeconds + marginSeconds) * 1000;
    this.entries = new RevocationSet(this.keptForMs);
  }

  get mode(): RevocationMode {
    // By both clocks: one may have slept, the other may have been set. Where they disagree the node reads.
    const isAwake = this.deps.wall() - this.provenAtWall <= longestUncertaintyMs;
    const isProven = isAwake && this.deps.monotonic() - this.provenUntil <= longestUncertaintyMs;
    return this.isComplete && isProven ? 'feed' : 'read_through';
  }

  /** Entries in memory. */
  get size(): number {
    return this.entries.size;
  }

  /** Told of each revocation and each changed account as soon as this node knows of it. The function that comes back ends that. */
  listen(listener: RevocationListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  look(claims: AccessTokenClaims): Promise<SessionStanding> {
    if (this.mode !== 'feed') return this.deps.readThrough.look(claims);
    return Promise.resolve(this.entries.judge(claims, this.deps.clock.now()));
  }

  check(claims: AccessTokenClaims): Promise<SessionStanding> {
    this.feed?.catchUp();
    if (this.mode !== 'feed') return this.deps.readThrough.check(claims);
    const now = this.deps.clock.now();
    const standing = this.entries.judge(claims, now);
    if (standing.kind === 'alive') this.deps.uses.noteToken(claims.sid, claims.gen, now);
    return Promise.resolve(standing);
  }

  /** Null while tokens are judged by reading: what is in memory does not count then. */
  proven(): ProvenRevocations | null {
    this.feed?.catchUp();
    if (this.mode !== 'feed') return null;
    const age = this.deps.monotonic() - this.provenUntil;
    return { entries: this.entries, asOf: Math.floor(this.deps.clock.now() - age) };
  }

  /** Calls back whenever `proven` has something new to tell, and when it begins or ceases to. Returns what ends that. */
  onNews(listener: () => void): () => void {
    this.newsListeners.add(listener);
    return () => void this.newsListeners.delete(listener);
  }

  /** Opens the feed, and keeps it open. Resolves after the first attempt: a failed one is repeated, and nobody waits for that. */
  async start(): Promise<void> {
    this.timers = [
      setInterval(() => this.watch(), watchEveryMs),
      setInterval(() => this.entries.prune(this.deps.clock.now()), pruneEveryMs),
    ];
    for (const timer of this.timers) timer.unref();
    await this.openOnce();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.opening;
    await this.letGo();
    this.tellNews();
  }

  private openOnce(): Promise<void> {
    this.opening ??= this.open().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  /** The feed first, then what it comes too late for: nothing can fall between. */
  private async open(): Promise<void> {
    const { store, clock, log } = this.deps;
    try {
      let isLost = false;
      this.feed = await store.watchChanges({
        onChange: (change) => this.take(change),
        onLost: (cause) => {
          isLost = true;
          this.lose(cause);
        },
      });
      if (this.feed === null) {
        this.openAgainAt = Number.POSITIVE_INFINITY;
        log.warn({}, 'the database has no change streams: session and account are read for each request');
        return;
      }
      for (const change of await store.recentChanges(clock.now() - this.keptForMs, mostEntries + 1)) this.take(change);
      this.isComplete = !isLost && this.feed !== null;
      if (!this.isComplete) return;
      this.pauseMs = shortestPauseMs;
      this.heardAt = this.deps.monotonic();
      // Keys that were changed while nobody told of them.
      this.deps.onKeysChanged();
      this.strike();
    } catch (error) {
      this.lose(error);
    }
  }

  private take(change: Change): void {
    this.heardAt = this.deps.monotonic();
    switch (change.kind) {
      case 'beat':
        // A clock that runs ahead of the database's makes a beat look older than it is: on the safe side.
        this.prove(change.at === null ? 0 : this.deps.clock.now() - change.at);
        return;
      case 'keys-changed':
        this.deps.onKeysChanged();
        return;
      default:
        this.learn(change);
    }
  }

  private learn(change: Parameters<RevocationListener>[0]): void {
    const isNews = this.entries.add(change, this.deps.clock.now());
    if (this.entries.size > mostEntries) this.overflow();
    else if (isNews) this.tellNews();
    for (const listener of this.listeners) listener(change);
  }

  /** Not from within the store's own call, which a listener may ask again, and once for all that it tells in one go. */
  private tellNews(): void {
    if (this.isTelling) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      for (const listener of [...this.newsListeners]) listener();
    });
  }

  private prove(ageMs: number): void {
    if (ageMs < -mostAheadMs) {
      this.deps.clock.synchronize().catch((error: unknown) => this.deps.log.warn({ err: error }, "the database's clock could not be read"));
      return;
    }
    this.provenUntil = Math.max(this.provenUntil, this.deps.monotonic() - Math.max(0, ageMs));
    this.provenAtWall = this.deps.wall();
    if (this.mode !== this.announced) this.announce();
  }

  private watch(): void {
    this.announce();
    const now = this.deps.monotonic();
    if (this.feed === null) {
      if (now >= this.openAgainAt) void this.openOnce();
    } else if (now - this.provenUntil > beatAfterMs && now - this.lastStrikeAt > beatAfterMs) {
      this.strike();
      if (this.isComplete && now - this.heardAt > deadAfterMs) this.lose(new Error('the feed has told nothing for 10 s'));
    }
  }

  /** A beat that is not struck proves nothing, and the node reads through: a failure needs no more than that. */
  private strike(): void {
    this.lastStrikeAt = this.deps.monotonic();
    this.deps.store.beat().catch((error: unknown) => this.deps.log.warn({ err: error }, 'no beat could be struck'));
  }

  private lose(cause: unknown): void {
    if (this.isClosed) return;
    this.deps.log.warn(
      { err: cause },
      'the feed of revocations is lost: session and account are read for each request until it is open again',
    );
    this.pause(this.pauseMs);
    this.pauseMs = Math.min(longestPauseMs, this.pauseMs * 2);
  }

  private overflow(): void {
    this.deps.log.warn(
      { entries: this.entries.size },
      'more revocations than memory is meant for: session and account are read for each request',
    );
    this.entries.clear();
    this.pause(overflowPauseMs);
  }

  private pause(milliseconds: number): void {
    this.isComplete = false;
    this.openAgainAt = this.deps.monotonic() + milliseconds;
    void this.letGo();
  }

  private async letGo(): Promise<void> {
    const { feed } = this;
    this.feed = null;
    this.isComplete = false;
    await feed?.close();
  }

  private announce(): void {
    const { mode } = this;
    const lagMs = this.deps.monotonic() - this.provenUntil;
    this.deps.meter.revocationsSeen(mode, this.isComplete && Number.isFinite(lagMs) ? lagMs / 1000 : null, this.entries.size);
    if (mode === this.announced) return;
    this.announced = mode;
    this.tellNews();
    this.deps.log.info(
      { mode, entries: this.entries.size },
      mode === 'feed' ? 'access tokens are judged by memory' : 'access tokens are judged by reading',
    );
  }
}
