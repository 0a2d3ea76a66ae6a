import type { Store } from '../store/port.js';
import type { EpochMs, KeyPurpose, KeyRecord } from '../store/records.js';
import type { Actor, Audit } from './audit.js';
import type { Clock } from './clock.js';
import { AuthError } from './errors.js';
import { type SigningKeyState, stateAt } from './key-states.js';
import { SealedKeyError } from './server-keys.js';
import type { SigningKeys } from './signing-keys.js';
import type { KeyWrapping } from './wrapped-keys.js';

/** `current`: makes new tokens or hashes; `accepted`: what was made with it is still good. For keys that are not signing keys. */
export type KeyState = SigningKeyState | 'current' | 'accepted';

/** A key as an operator sees it: never its material. */
export interface KeyFacts {
  readonly kid: string;
  readonly purpose: KeyPurpose;
  readonly algorithm: string | null;
  readonly state: KeyState;
  readonly createdAt: EpochMs;
  readonly activatesAt: EpochMs;
  readonly revokedAt: EpochMs | null;
}

export interface RotatedKey {
  readonly key: KeyFacts;
  /** False: it was on its way already. */
  readonly made: boolean;
}
export interface RevokedKey {
  readonly key: KeyFacts;
  /** False: it had been revoked before. */
  readonly revoked: boolean;
  /** The key that was made to sign from now on; null where none was needed. */
  readonly successor: KeyFacts | null;
}
export interface Rewrapping {
  readonly keys: number;
  /** Ciphertexts under a configured secret that were (or, on a dry run, would be) written. */
  readonly added: number;
  /** Ciphertexts under other secrets that were (or would be) removed. */
  readonly removed: number;
  /** Keys whose ciphertexts somebody else changed meanwhile, so that nothing was removed from them: repeat. */
  readonly contested: number;
}

interface KeyAdministrationDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly wrapping: KeyWrapping;
  readonly signingKeys: SigningKeys;
  readonly audit: Audit;
  readonly config: { readonly accessTokenTtlSeconds: number };
}

/** What an operator may see of the server's keys, and do with them. */
export class KeyAdministration {
  constructor(private readonly deps: KeyAdministrationDeps) {}

  /** In order of purpose and sequence. */
  async list(): Promise<KeyFacts[]> {
    return keyFacts(await this.deps.store.listKeys(), this.deps.clock.now(), this.deps.config.accessTokenTtlSeconds);
  }

  /**
   * Makes the next signing key, unless one is on its way already. It is published at once and signs after the lead time. Throws `AuthError`
   * `SERVICE_UNAVAILABLE` when the audit log cannot be written. `by` null: an operator at the command line.
   */
  async rotate(by: Actor | null = null): Promise<RotatedKey> {
    const newest = (await this.list()).findLast(({ purpose, revokedAt }) => purpose === 'signing' && revokedAt === null);
    const isOnItsWay = newest !== undefined && newest.activatesAt > this.deps.clock.now();
    if (!isOnItsWay) await this.deps.audit.before('SIGNING_KEY_ROTATED', { by, accountId: null });
    const { key, made } = await this.deps.signingKeys.rotate();
    return { key: await this.find(key.kid), made };
  }

  /**
   * Revokes a signing key: tokens signed with it are refused by every node that has read the store since. Throws `AuthError` `NOT_FOUND` for
   * an unknown id, `BAD_USER_INPUT` for a key that signs no tokens, `SERVICE_UNAVAILABLE` when the audit log cannot be written. `by` null: an
   * operator at the command line.
   */
  async revoke(kid: string, by: Actor | null = null): Promise<RevokedKey> {
    const { purpose, revokedAt } = await this.find(kid);
    if (purpose !== 'signing') throw new AuthError('BAD_USER_INPUT', { field: 'kid', reason: 'INVALID' });
    if (revokedAt === null) await this.deps.audit.before('SIGNING_KEY_REVOKED', { by, accountId: null, detail: { kid } });
    const result = await this.deps.signingKeys.revoke(kid);
    if (result === null) throw new AuthError('NOT_FOUND', { field: 'kid' });
    const { revoked, successor } = result;
    return { key: await this.find(kid), revoked, successor: successor && (await this.find(successor.kid)) };
  }

  /**
   * Wraps every key under every configured secret and removes the ciphertexts under others; with `dryRun` only says what there is to do.
   * Throws `SealedKeyError`, before anything is changed, when a key does not open. May be repeated, and cut short at any point.
   */
  async rewrap(dryRun: boolean): Promise<Rewrapping> {
    const { store, wrapping } = this.deps;
    const records = await store.listKeys();
    const opened = records.map((record) => ({ record, material: wrapping.open(record) }));
    if (opened.some(({ material }) => material === null)) throw new SealedKeyError();
    let [added, removed, contested] = [0, 0, 0];
    for (const { record, material } of opened) {
      const failing = wrapping.failing(record);
      const foreign = wrapping.foreign(record);
      if (!dryRun && material !== null) await this.wrap(record, material, failing);
      const done = dryRun || foreign.length === 0 || (await this.unwrap(record.id, foreign));
      added += failing.length;
      removed += done ? foreign.length : 0;
      contested += done ? 0 : 1;
    }
    return { keys: records.length, added, removed, contested };
  }

  private async wrap(record: KeyRecord, material: Buffer, secretIds: readonly string[]): Promise<void> {
    const wrapped = this.deps.wrapping.wrap(record, material);
    for (const secretId of secretIds) {
      const ciphertext = wrapped[secretId];
      if (ciphertext !== undefined) await this.deps.store.addWrapping(record.id, secretId, ciphertext);
    }
  }

  /** Only while every configured secret opens the key as it lies in the store: another operator may keep other secrets. */
  private async unwrap(kid: string, foreign: readonly string[]): Promise<boolean> {
    const { store, wrapping } = this.deps;
    const record = (await store.listKeys()).find(({ id }) => id === kid);
    if (record === undefined || wrapping.failing(record).length > 0) return false;
    const kept = Object.fromEntries(Object.entries(record.wrapped).filter(([secretId]) => !foreign.includes(secretId)));
    return store.removeWrappings(kid, foreign, kept);
  }

  private async find(kid: string): Promise<KeyFacts> {
    const key = (await this.list()).find((other) => other.kid === kid);
    if (key === undefined) throw new AuthError('NOT_FOUND', { field: 'kid' });
    return key;
  }
}

/** `records` in order of purpose and sequence. */
export function keyFacts(records: readonly KeyRecord[], now: EpochMs, accessTokenTtlSeconds: number): KeyFacts[] {
  return records.map((record) => {
    const ring = records.filter(({ purpose }) => purpose === record.purpose);
    const other = ring.at(-1) === record ? 'current' : 'accepted';
    return {
      kid: record.id,
      purpose: record.purpose,
      algorithm: record.algorithm,
      state: record.purpose === 'signing' ? stateAt(record, ring, now, accessTokenTtlSeconds) : other,
      createdAt: record.createdAt,
      activatesAt: record.activatesAt,
      revokedAt: record.revokedAt,
    };
  });
}
