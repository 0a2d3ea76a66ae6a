/** Time as this tab sees it. The wall clock may be hours off, and be set while the page is open. */
export interface Clock {
  /** Milliseconds that never go backwards; they may stand still while the machine sleeps. */
  monotonic(): number;
  /** Epoch milliseconds. Only differences are used. */
  wall(): number;
  setTimeout(work: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface LockOptions {
  /** `exclusive` unless given. */
  readonly mode?: 'shared';
  readonly signal?: AbortSignal;
}

/** `navigator.locks`, as far as it is needed. */
export interface Locks {
  request(name: string, options: LockOptions, work: () => Promise<void>): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

/** A `BroadcastChannel`, as far as it is needed. */
export interface Channel {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

/** The page that this tab shows. */
export interface Page {
  /** A page that nobody sees does not refresh by itself, or a forgotten tab would keep its session alive for ever. */
  isVisible(): boolean;
  /** Calls when time may have passed unnoticed: the page is seen again, the network is back. Returns what ends that. */
  onWake(listener: () => void): () => void;
}

/** What a browser gives. Each part can be replaced, for tests and for other surroundings. */
export interface Platform {
  readonly fetch: (uri: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** Null: each tab refreshes by itself, and the server's grace answers all of them alike. */
  readonly locks: Locks | null;
  /** Null: tabs hear nothing of each other. */
  readonly openChannel: (name: string) => Channel | null;
  /** From 0 to under 1. */
  readonly random: () => number;
  readonly page: Page;
}

const browserClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (work, milliseconds) => setTimeout(work, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

const wakingEvents = ['online', 'pageshow', 'focus'] as const;

const browserPage: Page = {
  isVisible: () => typeof document === 'undefined' || document.visibilityState === 'visible',
  onWake: (listener) => {
    if (typeof document === 'undefined') return () => undefined;
    for (const name of wakingEvents) window.addEventListener(name, listener);
    document.addEventListener('visibilitychange', listener);
    return () => {
      for (const name of wakingEvents) window.removeEventListener(name, listener);
      document.removeEventListener('visibilitychange', listener);
    };
  },
};

/** Pages that are not served over https have no locks, and a sandboxed frame may not open a channel. */
function openBrowserChannel(name: string): Channel | null {
  try {
    return typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name);
  } catch {
    return null;
  }
}

/** What this browser has. Nothing is touched before it is used, so that a server may render the page. */
export function browserPlatform(): Platform {
  return {
    // Called as a bare function, as browsers want it.
    fetch: (uri, init) => fetch(uri, init),
    clock: browserClock,
    locks: (typeof navigator === 'undefined' ? undefined : navigator.locks) ?? null,
    openChannel: openBrowserChannel,
    random: () => Math.random(),
    page: browserPage,
  };
}
