import { Api, type LoginInput, type SignupInput, type Tokens } from './api.js';
import { Exclusive } from './exclusive.js';
import { AuthUnavailableError } from './failures.js';
import { FreshMark } from './fresh-mark.js';
import { HeldSession } from './held-session.js';
import { browserPlatform, type Platform } from './platform.js';
import { Refresher } from './refresher.js';
import { Renewal } from './renewal.js';
import { withRetries } from './retries.js';
import type { AuthState } from './state.js';
import { memoryStorage, type TokenStorage } from './storage.js';
import { Tabs } from './tabs.js';

const defaultRequestTimeoutMs = 10_000;
/** For the lock: longer than a tab may hold it, with one request and one question to the others. */
const lockReserveMs = 4_000;

export interface AuthClientOptions {
  /** Of the GraphQL endpoint, such as `/graphql`. The same in all tabs: those with the same one share a session. */
  readonly uri: string;
  /** `cookie` on the server's site: the refresh token is in an `HttpOnly` cookie. `bearer` elsewhere: it is in `storage`. */
  readonly transport: 'cookie' | 'bearer';
  /** Bearer mode only. In memory unless given. */
  readonly storage?: TokenStorage;
  /** Milliseconds after which an answer counts as lost; 10,000 unless given. */
  readonly requestTimeoutMs?: number;
  /** Parts of the browser to replace. */
  readonly platform?: Partial<Platform>;
}

/**
 * One person's session in this page, in step with the page's other tabs. Where a promise rejects with `AuthUnavailableError`, the
 * server could not be asked and nothing has changed; `AuthRefusedError` has the server's code and reason.
 */
export class AuthClient {
  private readonly api: Api;
  private readonly tabs: Tabs;
  private readonly held: HeldSession;
  private readonly exclusive: Exclusive;
  private readonly freshMark: FreshMark;
  private readonly refresher: Refresher;
  private readonly renewal: Renewal;

  private constructor(
    private readonly storage: TokenStorage | null,
    private readonly platform: Platform,
    options: AuthClientOptions,
  ) {
    const { uri, transport, requestTimeoutMs = defaultRequestTimeoutMs } = options;
    const { clock } = platform;
    // A refresh token in this tab's memory is nobody else's business: then there is nothing to agree upon.
    const sharedAs = storage === null ? 'cookie' : storage.sharedAs;
    const name = `latchkey ${transport} ${sharedAs} ${uri}`;
    this.api = new Api({ uri, transport, platform, requestTimeoutMs });
    this.tabs = new Tabs(() => (sharedAs === null ? null : platform.openChannel(name)));
    this.held = new HeldSession({ clock, tabs: this.tabs });
    const locks = sharedAs === null ? null : platform.locks;
    this.exclusive = new Exclusive({ name, locks, clock, waitMs: requestTimeoutMs + lockReserveMs });
    this.freshMark = new FreshMark({ name, locks, clock });
    const { api, held, tabs, exclusive, freshMark } = this;
    this.refresher = new Refresher({ api, held, tabs, exclusive, freshMark, storage, platform });
    this.renewal = new Renewal({ held, refresher: this.refresher, platform });
    held.onMove(() => {
      this.renewal.check();
      // Nobody is to wait for what is over.
      if (held.state.kind !== 'signed-in') freshMark.close();
    });
  }

  static create(options: AuthClientOptions): AuthClient {
    const storage = options.transport === 'cookie' ? null : (options.storage ?? memoryStorage());
    return new AuthClient(storage, { ...browserPlatform(), ...options.platform }, options);
  }

  /** As far as this tab knows now; `unknown` until `start` has been answered. */
  get state(): AuthState {
    return this.held.state;
  }

  /** Calls with the new state whenever it changes, in whichever tab that began. Returns what ends that. */
  onChange(listener: (state: AuthState) => void): () => void {
    return this.held.onChange(listener);
  }

  /**
   * Finds out who is signed in: asks other tabs, then the server. From now on the session is kept fresh. Every other method does it as
   * well; a second call asks nobody again unless the first failed. After a failure it is tried again each half minute and whenever the
   * page is seen anew.
   */
  async start(): Promise<AuthState> {
    this.listen();
    if (this.held.state.kind === 'unknown') {
      await this.refresher.refresh().catch((error: unknown) => {
        this.renewal.retryLater();
        throw error;
      });
    }
    return this.held.state;
  }

  /** Rejects with `INVALID_CREDENTIALS`, `RATE_LIMITED` and others: see the manual of errors. Never tried twice by itself. */
  async login(input: LoginInput): Promise<AuthState> {
    await this.signIn(() => this.api.login(input));
    return this.held.state;
  }

  /** Signs in too, unless the address must be verified first: then the state stays as it is. */
  async signup(input: SignupInput): Promise<{ readonly emailVerificationRequired: boolean }> {
    let emailVerificationRequired = false;
    await this.signIn(async () => {
      const answer = await this.api.signup(input);
      emailVerificationRequired = answer.emailVerificationRequired;
      return answer.tokens;
    });
    return { emailVerificationRequired };
  }

  /**
   * Ends the session on the server, and then in every tab. Where the server cannot be reached, the session is not over: it rejects with
   * `AuthUnavailableError`, and the state stays.
   */
  async logout(): Promise<void> {
    this.listen();
    await withRetries(() => this.exclusive.run(() => this.endSession()), this.platform);
  }

  /**
   * An access token that is good for some seconds at least, refreshed if need be; null when nobody is signed in. Rejects with
   * `AuthUnavailableError` when there is none and the server cannot be asked, after about four tries.
   */
  async getAccessToken(): Promise<string | null> {
    const { kind } = await this.start();
    if (kind !== 'signed-in') return null;
    const usable = this.held.usable();
    if (usable !== null) return usable.accessToken;
    try {
      const grant = await this.refresher.refresh();
      return grant?.accessToken ?? null;
    } catch (error) {
      const last = this.held.grant;
      if (error instanceof AuthUnavailableError && last !== null && this.held.remaining() > 0) return last.accessToken;
      throw error;
    }
  }

  /**
   * A new access token from the server, whatever is held: call it after `reauthenticate` or `changePassword`, and leave the tokens of
   * their answers alone. Rejects as `getAccessToken` does.
   */
  async refresh(): Promise<AuthState> {
    this.listen();
    await this.refresher.refreshFromServer();
    return this.held.state;
  }

  /**
   * Says that a server refused this token with `UNAUTHENTICATED`. Comes back with another one to repeat the call with: the one held, if
   * that is newer, else from a refresh. Null when nobody is signed in any more, and the state says why. Rejects as `getAccessToken` does.
   */
  async handleUnauthenticated(refusedToken: string): Promise<string | null> {
    this.listen();
    this.held.refuse(refusedToken);
    const usable = this.held.usable();
    if (usable !== null) return usable.accessToken;
    if (this.held.state.kind === 'signed-out') return null;
    const grant = await this.refresher.refresh();
    return grant?.accessToken ?? null;
  }

  /** Lets go of timers, events and the channel to other tabs. Nobody is signed out. The next call takes them up again. */
  close(): void {
    this.renewal.stop();
    this.tabs.close();
    this.freshMark.close();
  }

  private listen(): void {
    this.tabs.open(this.held);
    this.renewal.start();
  }

  private async signIn(ask: () => Promise<Tokens | null>): Promise<void> {
    this.listen();
    await this.exclusive.run(async () => {
      const tokens = await ask();
      if (tokens === null) return;
      await this.storage?.write(tokens.refreshToken);
      this.held.take(tokens.grant);
      await this.freshMark.show(tokens.grant.issuedAt);
    });
  }

  private async endSession(): Promise<void> {
    const accessToken = this.held.grant?.accessToken;
    const refreshToken = (await this.storage?.read()) ?? null;
    if (this.storage === null || accessToken !== undefined) await this.api.logout(accessToken);
    else if (refreshToken !== null) await this.api.revoke(refreshToken);
    await this.storage?.write(null);
    this.held.end({ kind: 'signed-out', reason: 'LOGOUT' });
  }
}

/** Nothing is sent or opened before the first call. */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  return AuthClient.create(options);
}
