import { setTimeout as delay } from 'node:timers/promises';
import type { EpochMs } from '../store/records.js';
import type { Clock } from './clock.js';
import { signerAt, verifiesAt } from './key-states.js';
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
/** What was changed is asked for again so often, and after so long, while the store does not answer. */
const mostRefreshTries = 10;
const refreshPauseMs = 500;

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
  private loadsBegun = 0;
  private loadApplied = 0;
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
    const key = signerAt(this.keys, this.deps.clock.now());
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
    await this.make(now, activatesAt);
  }

  /**
   * Makes the next key now, which is published at once and signs after the lead time. Gives the one that is on its way already where there
   * is one; two nodes at once make one.
   */
  async rotate(): Promise<{ readonly key: SigningKey; readonly made: boolean }> {
    await this.reload();
    for (let made = false; ; ) {
      const now = this.deps.clock.now();
      const newest = this.usable().at(-1);
      if (newest !== undefined && (made || newest.activatesAt > now)) return { key: newest, made };
      made = await this.make(now, now + publicationLeadMs);
    }
  }

  /**
   * Revokes the key; null when there is none with this `kid`. Where it is the one that signs, a successor that may sign at once is made
   * first: whoever dies in between leaves both, and a repeat revokes. `revoked` false: it had been revoked before.
   */
  async revoke(kid: string): Promise<{ readonly revoked: boolean; readonly successor: SigningKey | null } | null> {
    await this.reload();
    const key = this.keys.find((other) => other.kid === kid);
    if (key === undefined) return null;
    const signs = signerAt(this.keys, this.deps.clock.now()) === key;
    const before = signs ? await this.ensureSigner((other) => other.sequence > key.sequence) : null;
    const revoked = await this.deps.serverKeys.revoke(kid, this.deps.clock.now());
    await this.reload();
    // Somebody else may have revoked meanwhile what was left.
    const known = this.keys;
    const after = await this.ensureSigner(() => true);
    return { revoked, successor: known.includes(after) ? before : after };
  }

  /** A key that may sign now, of those that are `good`; made when there is none. */
  private async ensureSigner(good: (key: SigningKey) => boolean): Promise<SigningKey> {
    for (;;) {
      const now = this.deps.clock.now();
      const ready = this.usable().findLast((key) => good(key) && key.activatesAt <= now);
      if (ready !== undefined) return ready;
      await this.make(now, now);
    }
  }

  /** False when another node made the key of this number; either way the ring is then the store's. */
  private async make(createdAt: EpochMs, activatesAt: EpochMs): Promise<boolean> {
    const { kid, algorithm, material } = await makeSigningKey(this.deps.config.signingAlgorithm);
    const sequence = (this.keys.at(-1)?.sequence ?? 0) + 1;
    const isOurs = await this.deps.serverKeys.add({ id: kid, purpose: 'signing', sequence, algorithm, createdAt, activatesAt }, material);
    if (isOurs) this.deps.log.info({ kid, algorithm, sequence, activatesAt: new Date(activatesAt).toISOString() }, 'made a signing key');
    await this.reload();
    return isOurs;
  }

  private usable(): SigningKey[] {
    return this.keys.filter(({ revokedAt }) => revokedAt === null);
  }

  /** Learns at once what another node, or the command line, made or revoked. Repeated while the store does not answer; then `tend` comes. */
  async refresh(): Promise<void> {
    for (let tries = 0; tries < mostRefreshTries; tries += 1) {
      try {
        return await this.reload();
      } catch (error) {
        this.deps.log.warn({ err: error }, 'changed signing keys could not be loaded');
      }
      await delay(refreshPauseMs, undefined, { ref: false });
    }
  }

  private verifies(key: SigningKey, now: EpochMs): boolean {
    return verifiesAt(key, this.keys, now, this.deps.config.accessTokenTtlSeconds);
  }

  /** When a key that is to be made now would begin to sign; null when none is due. */
  private dueActivation(now: EpochMs): EpochMs | null {
    const usable = this.usable();
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
    this.loadsBegun += 1;
    const turn = this.loadsBegun;
    const opened = await this.deps.serverKeys.load('signing');
    // One that began later has seen at least as much, and may have finished first.
    if (turn < this.loadApplied) return;
    this.loadApplied = turn;
    this.keys = opened.map(
      ({ record, material }) =>
        this.keys.find(({ kid, revokedAt }) => kid === record.id && revokedAt === record.revokedAt) ?? importSigningKey(record, material),
    );
  }
}
