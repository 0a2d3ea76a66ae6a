import { afterEach } from '@jest/globals';
import {
  type AuthClient,
  type AuthClientOptions,
  createAuthClient,
  type LockOptions,
  type Locks,
  type Platform,
  type TokenStorage,
  webStorage,
} from 'latchkey-client';
import { allowedOrigin } from '../support/server.js';

const open = new Set<AuthClient>();
afterEach(() => {
  for (const client of open) client.close();
  open.clear();
});

export type Send = () => Promise<Response>;
export interface Sent {
  /** The name of the operation. */
  readonly operation: string;
  readonly variables: Readonly<Record<string, unknown>>;
}
export interface BrowserOptions {
  readonly hasLocks?: boolean;
  readonly hasChannel?: boolean;
  /** Milliseconds that a message is under way. */
  readonly messageDelay?: () => number;
}

/** One browser with any number of tabs of one page: its cookies, storage, locks and channels, and the clocks of its machine. */
export class FakeBrowser {
  /** Every request that a tab made. */
  readonly requests: Sent[] = [];
  /** Every message between tabs. */
  readonly messages: unknown[] = [];
  /** Stands between a tab and the network. */
  network: (sent: Sent, send: Send) => Promise<Response> = (_sent, send) => send();
  readonly storage = new FakeStorage();
  private jar = new Map<string, string>();
  private readonly locks = new FakeLocks();
  private readonly channels = new Set<FakeChannel>();
  private readonly shift = { monotonic: 0, wall: 0 };

  constructor(
    private readonly url: string,
    private readonly options: BrowserOptions = {},
  ) {}

  /** A tab. Closed after the test. */
  tab(options: Partial<AuthClientOptions> = {}): AuthClient {
    const { hasLocks = true } = this.options;
    const platform: Partial<Platform> = {
      fetch: (uri, init) => this.fetch(uri, init),
      clock: this.clock,
      locks: hasLocks ? this.locks : null,
      openChannel: (name) => this.openChannel(name),
      page: { isVisible: () => true, onWake: () => () => undefined },
      ...options.platform,
    };
    const client = createAuthClient({ uri: this.url, transport: 'cookie', ...options, platform });
    open.add(client);
    return client;
  }

  tabs(count: number, options: Partial<AuthClientOptions> = {}): AuthClient[] {
    return Array.from({ length: count }, () => this.tab(options));
  }

  /** Bearer mode, with a storage that all tabs share. */
  bearerTabs(count: number): AuthClient[] {
    return this.tabs(count, { transport: 'bearer', storage: this.tokenStorage() });
  }

  tokenStorage(): TokenStorage {
    return webStorage(this.storage);
  }

  readonly clock: Platform['clock'] = {
    monotonic: () => performance.now() + this.shift.monotonic,
    wall: () => Date.now() + this.shift.wall,
    setTimeout: (work, milliseconds) => setTimeout(work, milliseconds).unref(),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };

  /** Time goes by while the machine runs. */
  pass(milliseconds: number): void {
    this.shift.monotonic += milliseconds;
    this.shift.wall += milliseconds;
  }

  /** Time goes by while the machine sleeps: on some systems the monotonic clock stands still. */
  sleep(milliseconds: number): void {
    this.shift.wall += milliseconds;
  }

  /** Somebody sets the clock. */
  setWallClock(milliseconds: number): void {
    this.shift.wall += milliseconds;
  }

  count(operation: string): number {
    return this.requests.filter((sent) => sent.operation === operation).length;
  }

  /** The names of the shared locks that tabs hold. */
  async sharedLocks(): Promise<string[]> {
    return (await this.locks.query()).held.map(({ name }) => name);
  }

  hasCookie(): boolean {
    return this.jar.size > 0;
  }

  cookies(): ReadonlyMap<string, string> {
    return new Map(this.jar);
  }

  setCookies(cookies: ReadonlyMap<string, string>): void {
    this.jar = new Map(cookies);
  }

  /** A script of the same origin that speaks on the channel of these tabs. */
  stranger(): FakeChannel {
    const [channel] = this.channels;
    if (channel === undefined) throw new Error('no tab has opened a channel');
    return new FakeChannel(channel.name, this.channels, [], () => 0);
  }

  /** What was said so far has been heard, in a browser whose messages take no time. */
  delivered(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  private openChannel(name: string): FakeChannel | null {
    if (this.options.hasChannel === false) return null;
    const channel = new FakeChannel(name, this.channels, this.messages, this.options.messageDelay ?? (() => 0));
    this.channels.add(channel);
    return channel;
  }

  private async fetch(uri: string, init: RequestInit): Promise<Response> {
    const { query, variables } = JSON.parse(String(init.body)) as { query: string; variables?: Record<string, unknown> };
    const sent = { operation: /^mutation (\w+)/.exec(query)?.[1] ?? query, variables: variables ?? {} };
    this.requests.push(sent);
    return this.network(sent, async () => {
      const headers = new Headers(init.headers);
      headers.set('origin', allowedOrigin);
      if (init.credentials === 'include') headers.set('cookie', [...this.jar].map((pair) => pair.join('=')).join('; '));
      const response = await fetch(uri, { ...init, headers });
      if (init.credentials === 'include') for (const line of response.headers.getSetCookie()) this.keepCookie(line);
      return response;
    });
  }

  private keepCookie(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') this.jar.delete(name);
    else this.jar.set(name, value);
  }
}

class FakeStorage {
  private readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
  removeItem = (key: string): void => void this.items.delete(key);
}

/** First come, first served, as Web Locks are; a shared one is had at once. */
export class FakeLocks implements Locks {
  private readonly ends = new Map<string, Promise<void>>();
  private readonly shared = new Set<{ readonly name: string }>();

  async query(): Promise<{ readonly held: readonly { readonly name: string }[] }> {
    return { held: [...this.shared] };
  }

  async request(name: string, { signal, mode }: LockOptions, work: () => Promise<void>): Promise<void> {
    if (mode === 'shared') return this.share(name, work);
    const before = this.ends.get(name) ?? Promise.resolve();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.ends.set(
      name,
      before.then(() => held),
    );
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    try {
      await Promise.race([before, aborted]);
      await work();
    } finally {
      release();
    }
  }

  private async share(name: string, work: () => Promise<void>): Promise<void> {
    const lock = { name };
    this.shared.add(lock);
    await work();
    this.shared.delete(lock);
  }
}

class FakeChannel {
  private readonly listeners: ((event: { readonly data: unknown }) => void)[] = [];

  constructor(
    readonly name: string,
    private readonly all: Set<FakeChannel>,
    private readonly log: unknown[],
    private readonly delay: () => number,
  ) {}

  addEventListener(_type: 'message', listener: (event: { readonly data: unknown }) => void): void {
    this.listeners.push(listener);
  }

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message);
    this.log.push(data);
    for (const other of this.all) {
      if (other === this || other.name !== this.name) continue;
      setTimeout(() => {
        if (this.all.has(other)) for (const listener of other.listeners) listener({ data });
      }, this.delay()).unref();
    }
  }

  listen(): void {
    this.all.add(this);
  }

  close(): void {
    this.all.delete(this);
  }
}
