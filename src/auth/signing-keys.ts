import type { EpochMs } from '../store/port.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { ServerKeys } from './server-keys.js';
import { importSigningKey, makeSigningKey, type PublicJwk, type SigningAlgorithm, type SigningKey } from './signing-key.js';

/** How long others may cache the published keys, in seconds; also the `max-age` of the JWKS answer. */
export const jwksMaxAgeSeconds = 300;
/** A new key signs only when everybody must have seen it: after the cache time and 5 minutes more. */
const publicationLeadMs = (jwksMaxAgeSeconds + 300) * 1000;
/** How far apart the clocks of two nodes may be. */
const clockDifferenceMs = 60_000;
/** A token with an unknown `kid` asks the store at most this often, so that forged ones cannot flood it. */
const reloadPauseMs = 5_000;

interface SigningKeysDeps {
  readonly serverKeys: ServerKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: {
    readonly signingAlgorithm: SigningAlgorithm;
    /** 0: no rotation by schedule. */
    readonly keyRotationSeconds: number;
    readonly accessTokenTtlSeconds: number;
  };
}

/** The ring of signing keys that all nodes share: one signs, its predecessors verify until their last token is dead. */
export class SigningKeys {
  /** In order of sequence. */
  private keys: readonly SigningKey[] = [];
  private lastReload = { startedAt: Number.NEGATIVE_INFINITY, outcome: Promise.resolve() };

  private constructor(private readonly deps: SigningKeysDeps) {}

  /** Loads the ring and makes the first key when there is none. Throws `SealedKeyError` when the secrets do not open it. */
  static async open(deps: SigningKeysDeps): Promise<SigningKeys> {
    const ring = new SigningKeys(deps);
    await ring.tend();
    return ring;
  }

  /** The key that signs now: the last one to have been published for long enough. */
  current(): SigningKey {
    const now = this.deps.clock.now();
    const usable = this.keys.filter(({ revokedAt }) => revokedAt === null);
    const key = usable.findLast(({ activatesAt }) => activatesAt <= now) ?? usable[0];
    if (key === undefined) throw new Error('there is no signing key');
    return key;
  }

  /** The key with this `kid`, if tokens signed with it may still be good; null otherwise. Reads memory only. */
  find(kid: string): SigningKey | null {
    const now = this.deps.clock.now();
    return this.keys.find((key) => key.kid === kid && this.verifies(key, now)) ?? null;
  }

  /**
   * Like `find`, but asks the store for a key that this node has not seen yet. Whoever comes within the pause shares the outcome of
   * the last time: also its `StoreUnavailableError`, for a key that could not be looked up is not an unknown one.
   */
  async findOrReload(kid: string): Promise<SigningKey | null> {
    const known = this.find(kid);
    if (known !== null) return known;
    await (performance.now() - this.lastReload.startedAt < reloadPauseMs ? this.lastReload.outcome : this.reload());
    return this.find(kid);
  }

  /** RFC 7517: the public keys, those that will sign soon included. Empty for HS256, which has nothing to publish. */
  jwks(): { keys: PublicJwk[] } {
    const now = this.deps.clock.now();
    const keys = this.keys.filter((key) => this.verifies(key, now)).map(({ jwk }) => jwk);
    return { keys: keys.filter((jwk) => jwk !== null) };
  }

  /** Learns other nodes' keys and makes the next one when it is due. Run at start and every minute. */
  async tend(): Promise<void> {
    await this.reload();
    const now = this.deps.clock.now();
    const activatesAt = this.dueActivation(now);
    if (activatesAt === null) return;
    const { kid, algorithm, material } = await makeSigningKey(this.deps.config.signingAlgorithm);
    const sequence = (this.keys.at(-1)?.sequence ?? 0) + 1;
    const isOurs = await this.deps.serverKeys.add(
      { id: kid, purpose: 'signing', sequence, algorithm, createdAt: now, activatesAt },
      material,
    );
    if (isOurs) this.deps.log.info({ kid, algorithm, sequence, activatesAt: new Date(activatesAt).toISOString() }, 'made a signing key');
    await this.reload();
  }

  /** Learns at once what another node, or the command line, made or revoked. A failure is logged: `tend` comes within a minute. */
  async refresh(): Promise<void> {
    await this.reload().catch((error: unknown) => this.deps.log.warn({ err: error }, 'changed signing keys could not be loaded'));
  }

  private verifies(key: SigningKey, now: EpochMs): boolean {
    if (key.revokedAt !== null) return false;
    const successor = this.keys.find((other) => other.sequence > key.sequence && other.revokedAt === null);
    if (successor === undefined) return true;
    // A node may learn of its successor late by one tending; access tokens have 30 s of leeway.
    return now < successor.activatesAt + this.deps.config.accessTokenTtlSeconds * 1000 + 120_000;
  }

  /** When a key that is to be made now would begin to sign; null when none is due. */
  private dueActivation(now: EpochMs): EpochMs | null {
    const usable = this.keys.filter(({ revokedAt }) => revokedAt === null);
    const newest = usable.at(-1);
    // A node whose clock is a little ahead may have made the first key: it counts.
    if (newest === undefined || !usable.some(({ activatesAt }) => activatesAt <= now + clockDifferenceMs)) return now;
    // Already on its way; also where nodes are set to different algorithms for the time of a roll-out.
    if (newest.activatesAt > now) return null;
    if (newest.algorithm !== this.deps.config.signingAlgorithm) return now + publicationLeadMs;
    const rotationMs = this.deps.config.keyRotationSeconds * 1000;
    if (rotationMs === 0 || now < newest.activatesAt + rotationMs - publicationLeadMs) return null;
    return now + publicationLeadMs;
  }

  private reload(): Promise<void> {
    this.lastReload = { startedAt: performance.now(), outcome: this.load() };
    return this.lastReload.outcome;
  }

  private async load(): Promise<void> {
    const opened = await this.deps.serverKeys.load('signing');
    this.keys = opened.map(
      ({ record, material }) =>
        this.keys.find(({ kid, revokedAt }) => kid === record.id && revokedAt === record.revokedAt) ?? importSigningKey(record, material),
    );
  }
}
