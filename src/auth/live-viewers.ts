import { AuthError, serviceUnavailable } from './errors.js';
import type { RevocationFeed } from './revocation-feed.js';
import type { SignedIn, Viewer } from './viewer.js';
import type { Viewers } from './viewers.js';

/** Connections that one account may hold on this node. */
export const mostConnectionsPerAccount = 20;
/** Subscriptions of one connection, and of all connections of an account on this node. */
export const mostSubscriptions = 10;
const mostSubscriptionsPerAccount = 20;
/** How often everybody connected is judged again: ends of tokens and, while the revocation feed is not proven, of sessions. */
const lookEveryMs = 1_000;
/** While the feed is not proven each look reads the store. */
const looksAtOnce = 20;

export type AnonymousViewer = Extract<Viewer, { kind: 'anonymous' }>;

/** Why a connection has to end: its viewer is nobody any more, or it takes less than it is told. */
export type ConnectionEnd = { readonly kind: 'nobody'; readonly viewer: AnonymousViewer } | { readonly kind: 'too-slow' };

interface LiveViewersDeps {
  readonly viewers: Viewers;
  readonly revocations: Pick<RevocationFeed, 'listen'>;
}

/** Everybody who is connected to this node, judged again whenever something about them changes, and every second. */
export class LiveViewers {
  private readonly bySession = new Map<string, Set<LiveViewer>>();
  private readonly byAccount = new Map<string, Set<LiveViewer>>();
  private readonly timer: NodeJS.Timeout;
  private readonly stopListening: () => void;
  private isLooking = false;

  constructor(private readonly deps: LiveViewersDeps) {
    this.stopListening = deps.revocations.listen((change) => {
      const concerned = change.kind === 'session-revoked' ? this.bySession.get(change.sessionId) : this.byAccount.get(change.account.id);
      for (const live of concerned ?? []) void live.look();
    });
    this.timer = setInterval(() => void this.lookAtAll(), lookEveryMs);
    this.timer.unref();
  }

  /**
   * `onEnd` is called once, when the connection has to end for a reason of the viewer's. Throws `AuthError`: `UNAUTHENTICATED` with its reason,
   * `RATE_LIMITED` beyond 20 connections of the account, `SERVICE_UNAVAILABLE` when the store cannot say who it is.
   */
  async open(accessToken: string | null, onEnd: (end: ConnectionEnd) => void): Promise<LiveViewer> {
    const viewer = await this.deps.viewers.connect(accessToken);
    if (viewer.kind !== 'account' || accessToken === null) throw refusalOf(viewer);
    const { accountId, sessionId } = viewer;
    if ((this.byAccount.get(accountId)?.size ?? 0) >= mostConnectionsPerAccount) throw new AuthError('RATE_LIMITED', { retryAfter: 60 });
    const leave = (live: LiveViewer) => {
      remove(this.bySession, sessionId, live);
      remove(this.byAccount, accountId, live);
    };
    const live = new LiveViewer(viewer, {
      settle: () => this.deps.viewers.look(accessToken),
      onEnd,
      leave,
      subscriptionsOfAccount: () => [...(this.byAccount.get(accountId) ?? [])].reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    });
    add(this.bySession, sessionId, live);
    add(this.byAccount, accountId, live);
    return live;
  }

  close(): void {
    clearInterval(this.timer);
    this.stopListening();
  }

  /** One round at a time: where the store is slow the next one waits for this one's end. */
  private async lookAtAll(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const pending = [...this.byAccount.values()].flatMap((lives) => [...lives]);
      const worker = async () => {
        for (let live = pending.pop(); live !== undefined; live = pending.pop()) await live.look();
      };
      await Promise.all(Array.from({ length: looksAtOnce }, worker));
    } finally {
      this.isLooking = false;
    }
  }
}

interface LiveViewerDeps {
  readonly settle: () => Promise<Viewer>;
  readonly onEnd: (end: ConnectionEnd) => void;
  readonly leave: (live: LiveViewer) => void;
  /** Those of the account's other connections, and of this one. */
  readonly subscriptionsOfAccount: () => number;
}

/** Somebody who stays connected. */
export class LiveViewer {
  private readonly attached = new Set<() => void>();
  private readonly rightsListeners = new Set<(viewer: SignedIn) => void>();
  private isClosed = false;
  private current: Viewer;

  constructor(
    viewer: SignedIn,
    private readonly deps: LiveViewerDeps,
  ) {
    this.current = viewer;
  }

  /** As last judged; anonymous for good once that was found. */
  get viewer(): Viewer {
    return this.current;
  }

  /** How many there are. */
  get subscriptions(): number {
    return this.attached.size;
  }

  /**
   * `end` is called when the connection ends; the function that comes back undoes that. Whatever a client says of its subscriptions, they
   * are counted here: throws `AuthError` `RATE_LIMITED` beyond 10, or 20 of the account, and `SERVICE_UNAVAILABLE` when the connection has gone.
   */
  attach(end: () => void): () => void {
    if (this.isClosed) throw serviceUnavailable(new Error('the connection has gone'));
    if (this.attached.size >= mostSubscriptions || this.deps.subscriptionsOfAccount() >= mostSubscriptionsPerAccount) {
      throw new AuthError('RATE_LIMITED', { retryAfter: 1 });
    }
    this.attached.add(end);
    return () => this.attached.delete(end);
  }

  /** Judges afresh. Throws `AuthError` `UNAUTHENTICATED` for who is nobody any more, `SERVICE_UNAVAILABLE` when it cannot be known. */
  async judge(): Promise<SignedIn> {
    const viewer = await this.look();
    if (viewer.kind !== 'account' || this.isClosed) throw refusalOf(viewer);
    return viewer;
  }

  /** The same without an error. Where the store cannot say, nothing changes; a fault of the server counts as that. */
  async look(): Promise<Viewer> {
    if (this.isClosed) return this.current;
    const found = await this.deps.settle().catch((): Viewer => ({ kind: 'unavailable' }));
    // Another look may have found the end meanwhile, and that is final.
    if (this.isClosed || found.kind === 'unavailable') return this.isClosed ? this.current : found;
    this.current = found;
    if (found.kind === 'account') for (const listener of this.rightsListeners) listener(found);
    else this.end({ kind: 'nobody', viewer: found });
    return found;
  }

  /** `listener` is told how the viewer was judged. The function that comes back ends that. */
  onRights(listener: (viewer: SignedIn) => void): () => void {
    this.rightsListeners.add(listener);
    return () => this.rightsListeners.delete(listener);
  }

  /** The connection takes less than it is told. */
  tooSlow(): void {
    this.end({ kind: 'too-slow' });
  }

  /** The connection has gone. */
  close(): void {
    this.isClosed = true;
    this.deps.leave(this);
    for (const end of [...this.attached]) end();
  }

  private end(end: ConnectionEnd): void {
    if (this.isClosed) return;
    this.close();
    this.deps.onEnd(end);
  }
}

function refusalOf(viewer: Viewer): AuthError {
  if (viewer.kind !== 'anonymous') return serviceUnavailable();
  const { reason, sessionId, ended } = viewer;
  return new AuthError('UNAUTHENTICATED', { reason, sessionId, at: ended?.at });
}

function add(lives: Map<string, Set<LiveViewer>>, id: string, live: LiveViewer): void {
  lives.set(id, (lives.get(id) ?? new Set()).add(live));
}

function remove(lives: Map<string, Set<LiveViewer>>, id: string, live: LiveViewer): void {
  const left = lives.get(id);
  left?.delete(live);
  if (left?.size === 0) lives.delete(id);
}
