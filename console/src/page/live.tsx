import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import { apollo, socket } from './connection.js';
import { SessionEventsDocument } from './generated/operations.js';

export interface Live {
  /** Whether events come in; null while that is not known. Until they do, views ask again and again. */
  readonly isLive: boolean | null;
  /** Rises with each event, and whenever some may have been missed. */
  readonly version: number;
}

const LiveContext = createContext<Live>({ isLive: null, version: 0 });
const nextTryMs = 15_000;
/** A store without events refuses the subscription sooner than that. */
const acceptedMs = 1_000;
/** A socket gets itself new tokens, so that one of a forgotten page would keep its session alive for ever. */
const unseenMs = 60_000;
/** Between questions to the server while no events come in. */
const pollMs = 4_000;

interface News {
  /** As before unless given. */
  readonly isLive?: boolean;
  /** There is something that was not shown yet, or may be. */
  readonly isMissed?: boolean;
}
type Timer = ReturnType<typeof setTimeout> | undefined;
const isSeen = (): boolean => document.visibilityState === 'visible';

/** The subscription to the person's sessions, as long as the page is seen. */
class Following {
  private subscription: { unsubscribe(): void } | null = null;
  private nextTry: Timer;
  private accepted: Timer;
  private unseen: Timer;
  private readonly stopListening: readonly (() => void)[];

  constructor(private readonly tell: (news: News) => void) {
    const stopConnected = socket.on('connected', () => this.connected());
    const stopClosed = socket.on('closed', () => this.closed());
    const look = () => this.look();
    document.addEventListener('visibilitychange', look);
    // From a window beside it, which had not hidden it; from a place without a network.
    for (const name of ['focus', 'online']) addEventListener(name, look);
    const stopLooking = () => {
      document.removeEventListener('visibilitychange', look);
      for (const name of ['focus', 'online']) removeEventListener(name, look);
    };
    this.stopListening = [stopConnected, stopClosed, stopLooking];
    this.begin();
  }

  stop(): void {
    for (const stop of this.stopListening) stop();
    clearTimeout(this.unseen);
    this.pause();
  }

  private begin(): void {
    this.subscription = apollo.subscribe({ query: SessionEventsDocument }).subscribe({
      next: ({ error }) => {
        if (error === undefined) this.tell({ isLive: true, isMissed: true });
      },
      error: () => this.tryLater(),
      complete: () => this.tryLater(),
    });
  }

  /** No event is missed from here on, if the subscription is accepted. */
  private connected(): void {
    this.tell({ isMissed: true });
    clearTimeout(this.accepted);
    this.accepted = setTimeout(() => this.tell({ isLive: true }), acceptedMs);
  }

  private closed(): void {
    clearTimeout(this.accepted);
    this.tell({ isLive: false });
  }

  private pause(): void {
    for (const timer of [this.nextTry, this.accepted]) clearTimeout(timer);
    this.subscription?.unsubscribe();
    this.subscription = null;
  }

  private tryLater(): void {
    this.pause();
    this.tell({ isLive: false, isMissed: true });
    this.nextTry = setTimeout(() => this.begin(), nextTryMs);
  }

  private look(): void {
    clearTimeout(this.unseen);
    if (!isSeen()) {
      this.unseen = setTimeout(() => this.pause(), unseenMs);
      return;
    }
    if (this.subscription === null) {
      clearTimeout(this.nextTry);
      this.begin();
    }
    // What is no event of a session may have changed too: roles, a followed link.
    this.tell({ isMissed: true });
  }
}

/** An end of this session reaches the client by the socket's close. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const [live, setLive] = useState<Live>({ isLive: null, version: 0 });
  useEffect(() => {
    const following = new Following(({ isLive, isMissed = false }) =>
      setLive((before) => ({ isLive: isLive ?? before.isLive, version: before.version + (isMissed ? 1 : 0) })),
    );
    return () => following.stop();
  }, []);
  return <LiveContext value={live}>{children}</LiveContext>;
}

interface Asked {
  readonly refetch: () => Promise<unknown>;
  /** Whether an answer is under way. */
  readonly loading: boolean;
}

/** Asks anew with each event. */
export function useLiveRefetch({ refetch, loading }: Asked): void {
  const { version } = useContext(LiveContext);
  const latest = useRef(refetch);
  latest.current = refetch;
  // What was asked for when the view came is as new as the events until then.
  const seen = useRef(version);
  useEffect(() => {
    // An answer under way may be older than the event, and come after that to a question asked meanwhile.
    if (version === seen.current || loading) return;
    seen.current = version;
    // A failure shows in the query itself.
    latest.current().catch(() => undefined);
  }, [version, loading]);
}

export const useIsLive = (): boolean | null => useContext(LiveContext).isLive;

/** The interval to ask in besides, in milliseconds; 0, none, while events come in. */
export const usePollMs = (): number => (useContext(LiveContext).isLive ? 0 : pollMs);
