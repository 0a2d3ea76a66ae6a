import { afterEach } from '@jest/globals';
import { type AuthClient, type AuthClientOptions, createAuthClient, type Platform } from 'latchkey-client';

const open = new Set<AuthClient>();
afterEach(() => {
  for (const client of open) client.close();
  open.clear();
});

/** A machine's clocks and timers, standing still until they are moved. */
export class ManualClock {
  private monotonicNow = 1_000;
  private wallNow = Date.parse('2026-01-01T00:00:00Z');
  private readonly timers = new Set<{ readonly at: number; readonly work: () => void }>();

  readonly clock: Platform['clock'] = {
    monotonic: () => this.monotonicNow,
    wall: () => this.wallNow,
    setTimeout: (work, milliseconds) => {
      const timer = { at: this.monotonicNow + milliseconds, work };
      this.timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void this.timers.delete(timer as never),
  };

  /** Time goes by, and what is due happens, in its order and with all that follows from it. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.monotonicNow + milliseconds;
    for (;;) {
      await settled();
      const [next] = [...this.timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.timers.delete(next);
      this.move(Math.max(0, next.at - this.monotonicNow));
      next.work();
    }
    this.move(until - this.monotonicNow);
  }

  /** The machine sleeps: timers and the monotonic clock stand still. */
  sleep(milliseconds: number): void {
    this.wallNow += milliseconds;
  }

  setWall(instant: number): void {
    this.wallNow = instant;
  }

  private move(milliseconds: number): void {
    this.monotonicNow += milliseconds;
    this.wallNow += milliseconds;
  }
}

/** Whatever is under way has come as far as it comes without a timer. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const refusal = (code: string, extensions: object = {}, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json({ data: null, errors: [{ message: `the text of ${code}`, extensions: { code, ...extensions } }] }, { status, headers });

const user = { id: 'u', email: 'ada@example.com', emailVerified: true, username: null, roles: ['user'], permissions: [] };

/** An API that answers by the book: each step is one request. Beyond the last step it refreshes. */
export class ScriptedApi {
  readonly operations: string[] = [];
  readonly presented: unknown[] = [];
  lifetimeMs = 3_600_000;
  /** What the server's clock says, as far from the tab's as you like. */
  serverNow = Date.parse('2031-05-05T05:05:05Z');
  private tokens = 0;

  constructor(readonly steps: ((signal: AbortSignal) => Response | Promise<Response>)[] = []) {}

  readonly fetch: Platform['fetch'] = async (_uri, init) => {
    const { query, variables } = JSON.parse(String(init.body)) as { query: string; variables?: { token?: string } };
    const operation = /^mutation (\w+)/.exec(query)?.[1] ?? query;
    this.operations.push(operation);
    if (operation === 'RefreshToken') this.presented.push(variables?.token);
    const step = this.steps.shift() ?? (() => this.grant(operation));
    const { signal } = init;
    if (!signal) throw new Error('a request that nobody can give up');
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return Promise.race([step(signal), aborted]);
  };

  grant(operation: string): Response {
    if (operation === 'Logout') return Response.json({ data: { logout: true } });
    this.tokens += 1;
    this.serverNow += 1;
    const payload = {
      accessToken: `access-${this.tokens}`,
      accessTokenExpiresAt: new Date(this.serverNow + this.lifetimeMs).toISOString(),
      refreshToken: `refresh-${this.tokens}`,
      serverTime: new Date(this.serverNow).toISOString(),
      session: { id: 's' },
      user,
    };
    return Response.json({ data: operation === 'Login' ? { login: payload } : { refreshToken: payload } });
  }
}

export interface Scripted {
  readonly auth: AuthClient;
  readonly api: ScriptedApi;
  readonly time: ManualClock;
  /** The page is seen, or the network is back. */
  wake(): void;
  page: { isVisible: boolean };
}

/** One tab, in bearer mode with memory unless told otherwise, before a scripted API and with clocks that stand still. */
export function scripted(options: Partial<AuthClientOptions> = {}, random = () => 0): Scripted {
  const api = new ScriptedApi();
  const time = new ManualClock();
  const page = { isVisible: true };
  const listeners = new Set<() => void>();
  const auth = createAuthClient({
    uri: 'https://auth.example.com/graphql',
    transport: 'bearer',
    ...options,
    platform: {
      fetch: api.fetch,
      clock: time.clock,
      locks: null,
      openChannel: () => null,
      random,
      page: {
        isVisible: () => page.isVisible,
        onWake: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      ...options.platform,
    },
  });
  open.add(auth);
  return {
    auth,
    api,
    time,
    page,
    wake: () => {
      for (const listener of listeners) listener();
    },
  };
}

export const credentials = { login: 'ada@example.com', password: 'correct horse battery' };
