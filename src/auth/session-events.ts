import type { SessionChange, SessionFeed, Store } from '../store/port.js';
import type { Clock } from './clock.js';
import { serviceUnavailable } from './errors.js';
import type { LiveViewer } from './live-viewers.js';
import type { Log } from './log.js';
import { demandReader, SessionSubscription, ToldChange } from './session-subscription.js';
import { type Session, toSession } from './sessions.js';

interface SessionEventsDeps {
  readonly store: Pick<Store, 'watchSessions' | 'findSession' | 'findAccount'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A feed of the store that is open, or on its way. */
interface Following {
  feed: Promise<SessionFeed | null> | null;
}

/** What happens to sessions, while it happens. The store is asked to tell only while somebody on this node follows. */
export class SessionEvents {
  private readonly ofAll = new Set<SessionSubscription>();
  private readonly byAccount = new Map<string, Set<SessionSubscription>>();
  private following: Following | null = null;

  constructor(private readonly deps: SessionEventsDeps) {}

  /**
   * Events from now on: of the viewer's own sessions, with `all` of everybody's for `sessions:read`. It ends with an `AuthError`: `FORBIDDEN` as
   * soon as the right is lost, `SERVICE_UNAVAILABLE` when events may have been missed. Throws `UNAUTHENTICATED`, `FORBIDDEN`, what
   * `LiveViewer.attach` throws and, also where the database cannot tell of sessions, `SERVICE_UNAVAILABLE`.
   */
  async subscribe(live: LiveViewer, all: boolean): Promise<SessionSubscription> {
    const viewer = await live.judge();
    if (all) demandReader(viewer);
    const followers = all ? this.ofAll : this.followersOf(viewer.accountId);
    const subscription = new SessionSubscription(live, all, () => {
      followers.delete(subscription);
      if (!all && followers.size === 0 && this.byAccount.get(viewer.accountId) === followers) this.byAccount.delete(viewer.accountId);
      this.letGoIfUnused();
    });
    followers.add(subscription);
    try {
      await this.follow();
      return subscription;
    } catch (error) {
      await subscription.return();
      throw error;
    }
  }

  /** Subscriptions on this node. */
  get count(): number {
    return this.subscriptions().length;
  }

  /** Ends every subscription. */
  async close(): Promise<void> {
    for (const subscription of this.subscriptions()) await subscription.return();
  }

  private followersOf(accountId: string): Set<SessionSubscription> {
    const followers = this.byAccount.get(accountId) ?? new Set();
    this.byAccount.set(accountId, followers);
    return followers;
  }

  private subscriptions(): SessionSubscription[] {
    return [...this.ofAll, ...[...this.byAccount.values()].flatMap((followers) => [...followers])];
  }

  private async follow(): Promise<void> {
    const following = this.following ?? this.begin();
    try {
      if ((await following.feed) !== null) return;
    } catch (error) {
      if (this.following === following) this.following = null;
      throw error;
    }
    if (this.following === following) this.following = null;
    this.deps.log.error({}, 'sessions cannot be followed: the database has no change streams');
    throw serviceUnavailable();
  }

  private begin(): Following {
    const following: Following = { feed: null };
    const ifPresent = (act: () => void) => (this.following === following ? act() : undefined);
    following.feed = this.deps.store.watchSessions({
      onChange: (change) => ifPresent(() => this.tell(change)),
      onLost: (cause) => ifPresent(() => this.lose(cause)),
    });
    this.following = following;
    return following;
  }

  private tell(change: SessionChange): void {
    const told = new ToldChange(change, (id) => this.read(id));
    for (const followers of [this.ofAll, this.byAccount.get(change.accountId) ?? []]) {
      for (const subscription of followers) subscription.push(told);
    }
  }

  private async read(id: string): Promise<Session | null> {
    const { store, clock } = this.deps;
    const record = await store.findSession(id);
    return record && toSession(record, await store.findAccount(record.accountId), clock.now());
  }

  private lose(cause: unknown): void {
    this.deps.log.warn({ err: cause }, 'sessions are not followed any more: their subscriptions end');
    this.following = null;
    for (const subscription of this.subscriptions()) subscription.fail(serviceUnavailable(cause));
  }

  private letGoIfUnused(): void {
    if (this.ofAll.size > 0 || this.byAccount.size > 0 || this.following === null) return;
    const { feed } = this.following;
    this.following = null;
    // One that failed to open was told of where it was asked for.
    feed?.then((opened) => opened?.close()).catch(() => {});
  }
}
