import { setTimeout as delay } from 'node:timers/promises';
import { type CryptoKey, createRemoteJWKSet, errors, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import { VerifierUnavailableError } from './errors.js';

/** What the server's `Cache-Control` allows: without an answer for longer, a key may have been revoked. */
const cacheMaxAgeMs = 300_000;
/** A token with an unknown `kid` asks the server at most this often, so that forged ones cannot flood it. */
const cooldownMs = 5_000;
const timeoutMs = 3_000;
/** Asked for in the background, so that no request waits for it, and a revoked key is refused a minute later. */
const refreshEveryMs = 60_000;
const retryMs = 1_000;

/** The server's public keys (RFC 7517), as last published. */
export class KeySet {
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private readonly closing = new AbortController();

  constructor(
    url: URL,
    private readonly onProblem: (error: unknown) => void,
  ) {
    this.remote = createRemoteJWKSet(url, { cooldownDuration: cooldownMs, cacheMaxAge: cacheMaxAgeMs, timeoutDuration: timeoutMs });
    void this.keepFresh();
  }

  /** Whether they are at most 5 minutes old. */
  get isFresh(): boolean {
    return this.remote.fresh;
  }

  /** The key that a header names. Throws jose's `JWKSNoMatchingKey` where there is none, `VerifierUnavailableError` where it cannot be known. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    try {
      return await this.remote(header, token);
    } catch (error) {
      throw error instanceof errors.JWKSNoMatchingKey ? error : new VerifierUnavailableError(error);
    }
  };

  close(): void {
    this.closing.abort();
  }

  private async keepFresh(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const isLoaded = await this.remote.reload().then(
        () => true,
        (error) => {
          if (!signal.aborted) this.onProblem(error);
          return false;
        },
      );
      await delay(isLoaded ? refreshEveryMs : retryMs, undefined, { ref: false, signal }).catch(() => {});
    }
  }
}
