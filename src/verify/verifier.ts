import { setTimeout as delay } from 'node:timers/promises';
import { bearerToken } from './bearer.js';
import type { AccessTokenClaims } from './claims.js';
import { type Clocks, machineClocks } from './clocks.js';
import { TokenRefusedError, VerifierUnavailableError } from './errors.js';
import { Introspection } from './introspection.js';
import { KeySet } from './key-set.js';
import type { Verdict } from './known-revocations.js';
import { checkOptions, type VerifierOptions } from './options.js';
import { RevocationFollower } from './revocation-follower.js';
import { addressOf, ServiceClient } from './service-client.js';
import { checkToken } from './token-checks.js';

/** By what ended sessions are found: the feed, a question to the server for each token, or nothing but the token's own end. */
export type VerifierState = 'feed' | 'introspection' | 'signature';

/** Who holds a token that is good. */
export interface VerifiedToken {
  /** The account. */
  readonly sub: string;
  /** The session. */
  readonly sid: string;
  /** As they are now, where `checkedBy` is not `signature`; then as they were when the token was made. */
  readonly roles: readonly string[];
  /** What the roles allow, separated by spaces (RFC 8693 4.2). */
  readonly scope: string;
  /** The same as a list. */
  readonly permissions: readonly string[];
  /** When the token ends, in seconds since 1970; accepted for 30 s longer. */
  readonly exp: number;
  /** Everything that the token says, as it was made. */
  readonly claims: AccessTokenClaims;
  readonly checkedBy: VerifierState;
}

/** What `createVerifier` makes. Its members may be used from everywhere at once. */
export interface Verifier {
  /**
   * Throws `TokenRefusedError` where the answer is no, `VerifierUnavailableError` where there is none: the server can be asked neither for a key
   * nor for revocations. Whatever the text is, nothing else is thrown.
   */
  verify(token: string): Promise<VerifiedToken>;
  /** The same for the value of an `Authorization` header. Without a bearer token in it: `TokenRefusedError` with the reason `NO_TOKEN`. */
  verifyHeader(authorization: string | null | undefined): Promise<VerifiedToken>;
  /** What would judge a token at this moment. */
  readonly state: VerifierState;
  /**
   * Resolves once the keys are there and, with a service token, the feed is fresh. Throws `VerifierUnavailableError` when that takes longer, by
   * default than 10 s, and when the verifier is closed. Nobody has to wait for it: until then `verify` asks the server for each token, and where
   * the server's database has no feed of changes that is how it stays.
   */
  ready(options?: { readonly timeoutSeconds?: number }): Promise<void>;
  /** Lets go of the server, so that the process can end, at most 3 s later where keys are on their way. From then on `verify` throws `VerifierUnavailableError`. May be called again. */
  close(): Promise<void>;
}

/** How often `ready` looks, in milliseconds. */
const lookEveryMs = 20;

/**
 * Verifies access tokens of a Latchkey server in another service, and begins at once to load its keys and to follow its revocations. Make one for
 * each process, and close it at the end. Throws `TypeError` for options that cannot work. `clocks`: for tests.
 */
export function createVerifier(options: VerifierOptions, clocks: Clocks = machineClocks): Verifier {
  return new RemoteVerifier(options, clocks);
}

class RemoteVerifier implements Verifier {
  private readonly options: ReturnType<typeof checkOptions>;
  private readonly keySet: KeySet;
  private readonly feed: RevocationFollower | null;
  private readonly introspection: Introspection | null;
  private isClosed = false;

  constructor(
    options: VerifierOptions,
    private readonly clocks: Clocks,
  ) {
    this.options = checkOptions(options);
    const { url, serviceToken, staleAfterSeconds, onProblem } = this.options;
    this.keySet = new KeySet(addressOf(url, '.well-known/jwks.json'), onProblem);
    const client = serviceToken === null ? null : new ServiceClient(url, serviceToken);
    this.feed = client && new RevocationFollower({ client, clocks, staleAfterSeconds, onProblem });
    this.introspection = client && new Introspection({ client, monotonic: clocks.monotonic });
  }

  get state(): VerifierState {
    if (this.feed === null) return 'signature';
    return this.feed.isFresh ? 'feed' : 'introspection';
  }

  async verify(token: string): Promise<VerifiedToken> {
    this.assertOpen();
    const { keySet, feed } = this;
    const { issuer, audience, algorithms, maxTokenAgeSeconds } = this.options;
    const maxAgeSeconds = Math.min(maxTokenAgeSeconds, feed?.ttlSeconds ?? maxTokenAgeSeconds);
    const claims = await checkToken(token, { keySet, issuer, audience, algorithms, now: this.now(), maxAgeSeconds });
    // The key may have taken a while: whether the feed is fresh counts now.
    const checkedBy = this.state;
    const verdict = await this.judge(token, claims, checkedBy);
    if (!verdict.alive) throw new TokenRefusedError('REVOKED', { at: verdict.at, revocationReason: verdict.reason });
    return {
      sub: claims.sub,
      sid: claims.sid,
      roles: verdict.roles,
      scope: verdict.scope,
      permissions: verdict.scope.split(' ').filter((permission) => permission !== ''),
      exp: Math.min(claims.exp, claims.iat + maxAgeSeconds),
      claims,
      checkedBy,
    };
  }

  async verifyHeader(authorization: string | null | undefined): Promise<VerifiedToken> {
    const token = bearerToken(authorization);
    if (token === null) throw new TokenRefusedError('NO_TOKEN');
    return this.verify(token);
  }

  async ready({ timeoutSeconds = 10 }: { readonly timeoutSeconds?: number } = {}): Promise<void> {
    const giveUpAt = this.clocks.monotonic() + timeoutSeconds * 1000;
    for (;;) {
      this.assertOpen();
      if (this.keySet.isFresh && this.state !== 'introspection') return;
      if (this.clocks.monotonic() >= giveUpAt) {
        throw new VerifierUnavailableError(new Error(`${this.keySet.isFresh ? 'the feed' : 'the key set'} is not there in time`));
      }
      await delay(lookEveryMs);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.keySet.close();
    await this.feed?.close();
  }

  private async judge(token: string, claims: AccessTokenClaims, by: VerifierState): Promise<Verdict> {
    this.assertOpen();
    if (this.feed === null || this.introspection === null) return { alive: true, roles: claims.roles, scope: claims.scope };
    return by === 'feed' ? this.feed.judge(claims, this.now()) : this.introspection.ask(token);
  }

  /** Seconds since 1970: by our clock, or by the server's where ours is behind. */
  private now(): number {
    return Math.max(this.clocks.wall() / 1000, this.feed?.serverTime ?? 0);
  }

  private assertOpen(): void {
    if (this.isClosed) throw new VerifierUnavailableError(new Error('the verifier is closed'));
  }
}
