import type { Api, Tokens } from './api.js';
import type { Exclusive } from './exclusive.js';
import { AuthRefusedError, AuthUnavailableError } from './failures.js';
import type { FreshMark } from './fresh-mark.js';
import { elapsedSince, type Grant, type Instant, instantOf } from './grant.js';
import type { HeldSession } from './held-session.js';
import type { Platform } from './platform.js';
import { withRetries } from './retries.js';
import type { SignedOut } from './state.js';
import type { TokenStorage } from './storage.js';
import type { Tabs } from './tabs.js';

/** The session is over, whatever is tried. Every other failure leaves everybody signed in. */
const endingCodes: readonly string[] = [
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_REUSED',
  'SESSION_EXPIRED',
  'SESSION_REVOKED',
  'ACCOUNT_DISABLED',
];

/** How long other tabs have to answer. An answer that comes later costs one request more, and nothing else. */
const askMs = 100;
/** The same where one of them is known to have the answer: it may be busy. */
const askFreshMs = 2_000;

export interface RefresherDeps {
  readonly api: Api;
  readonly held: HeldSession;
  readonly tabs: Tabs;
  readonly exclusive: Exclusive;
  readonly freshMark: FreshMark;
  /** Null in cookie mode. */
  readonly storage: TokenStorage | null;
  readonly platform: Pick<Platform, 'clock' | 'random'>;
}

/** Gets new access tokens: from another tab if one has it, else by one request, however many callers and tabs there are. */
export class Refresher {
  private flight: Promise<Grant | null> | null = null;
  private holdOff: { readonly error: AuthUnavailableError; readonly since: Instant } | null = null;

  constructor(private readonly deps: RefresherDeps) {}

  /**
   * A token newer than the one held. Null when the session has ended; the state then says why. Throws `AuthUnavailableError` where that
   * cannot be known, at once while a server that was asked wants to be left alone.
   */
  refresh(): Promise<Grant | null> {
    if (this.flight !== null) return this.flight;
    const newerThan = this.deps.held.issuedAt;
    this.deps.tabs.ask(newerThan);
    return this.fly(newerThan);
  }

  /** The same, from the server in any case. */
  async refreshFromServer(): Promise<Grant | null> {
    await this.flight?.catch(() => undefined);
    return this.fly(Number.POSITIVE_INFINITY);
  }

  private fly(newerThan: number): Promise<Grant | null> {
    const { held, platform, exclusive } = this.deps;
    const { holdOff } = this;
    if (holdOff !== null && elapsedSince(holdOff.since, platform.clock) < (holdOff.error.retryAfterMs ?? 0)) {
      return Promise.reject(holdOff.error);
    }
    const changes = held.changes;
    const own = withRetries(() => exclusive.run(() => this.attempt(newerThan, changes)), platform).catch((error: unknown) => {
      if (error instanceof AuthUnavailableError) this.holdOff = { error, since: instantOf(platform.clock) };
      throw error;
    });
    const heard = this.hear(newerThan);
    // Another tab may answer while this one still waits for its turn.
    const flight = Promise.race([own, heard.grant]);
    this.flight = flight;
    const land = () => {
      heard.stop();
      if (this.flight === flight) this.flight = null;
    };
    flight.then(land, land);
    return flight;
  }

  /** Runs exclusively. */
  private async attempt(newerThan: number, changes: number): Promise<Grant | null> {
    const { held, api, storage, freshMark } = this.deps;
    // The tab that had the lock before has told its result, which may not have come yet: so it is asked for.
    const hasEnded = () => held.state.kind === 'signed-out' && held.changes !== changes;
    const known = held.newerThan(newerThan) ?? (hasEnded() ? null : await this.askTabs(newerThan));
    if (known !== null || hasEnded()) return known;
    const presented = storage === null ? null : await storage.read();
    if (storage !== null && presented === null) return this.end({ kind: 'signed-out', reason: 'NO_SESSION' });
    try {
      const tokens = await api.refresh(presented);
      await this.keep(presented, tokens);
      held.take(tokens.grant);
      await freshMark.show(tokens.grant.issuedAt);
      return tokens.grant;
    } catch (error) {
      if (!(error instanceof AuthRefusedError) || !endingCodes.includes(error.code)) throw error;
      return this.refused(error, presented);
    }
  }

  /** Before the access token is handed out: a page that is closed in between still has its session. */
  private async keep(presented: string | null, { refreshToken }: Tokens): Promise<void> {
    const { storage } = this.deps;
    if (storage === null || refreshToken === null) return;
    // Another tab that did not wait may be further: an older token must not come back.
    if ((await storage.read()) === presented) await storage.write(refreshToken);
  }

  private async refused({ code, extensions }: AuthRefusedError, presented: string | null): Promise<null> {
    const { storage, held } = this.deps;
    if (storage !== null) {
      const now = await storage.read();
      // Somebody signed in meanwhile: what was refused is not what counts.
      if (now !== null && now !== presented) throw new AuthUnavailableError('Another tab has changed the session');
      await storage.write(null);
    }
    const hadNone = code === 'REFRESH_TOKEN_INVALID' && storage === null && held.state.kind !== 'signed-in';
    const { reason = hadNone ? 'NO_SESSION' : code, at, sessionId } = extensions;
    return this.end({ kind: 'signed-out', reason, ...(at !== undefined && { at }), ...(sessionId !== undefined && { sessionId }) });
  }

  private end(state: SignedOut): null {
    this.deps.held.end(state);
    return null;
  }

  private async askTabs(newerThan: number): Promise<Grant | null> {
    const { tabs, freshMark, platform } = this.deps;
    if (!tabs.canAsk || newerThan === Number.POSITIVE_INFINITY) return null;
    const heard = this.hear(newerThan);
    tabs.ask(newerThan);
    const patienceMs = (await freshMark.isShown(newerThan)) ? askFreshMs : askMs;
    const { clock } = platform;
    let timer: unknown;
    const silence = new Promise<null>((resolve) => {
      timer = clock.setTimeout(() => resolve(null), patienceMs);
    });
    return Promise.race([heard.grant, silence]).finally(() => {
      clock.clearTimeout(timer);
      heard.stop();
    });
  }

  /** Null when the session has ended meanwhile. */
  private hear(newerThan: number): { readonly grant: Promise<Grant | null>; readonly stop: () => void } {
    const { held } = this.deps;
    let stop = () => {};
    const grant = new Promise<Grant | null>((resolve) => {
      stop = held.onMove(() => {
        const newer = held.newerThan(newerThan);
        if (newer !== null || held.state.kind === 'signed-out') resolve(newer);
      });
    });
    return { grant, stop };
  }
}
