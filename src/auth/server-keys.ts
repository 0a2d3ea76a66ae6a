import { randomBytes } from 'node:crypto';
import type { Store } from '../store/port.js';
import type { EpochMs, KeyPurpose, KeyRecord } from '../store/records.js';
import type { KeyWrapping } from './wrapped-keys.js';

/** The configured secrets do not open a key of the store: the start is refused. */
export class SealedKeyError extends Error {
  override readonly name = 'SealedKeyError';
  constructor() {
    super(
      'LATCHKEY_SECRET does not open the keys in the store: it belongs to another database, or a secret was replaced ' +
        'without naming the old one in LATCHKEY_PREVIOUS_SECRETS',
    );
  }
}

interface ServerKeysDeps {
  readonly store: Store;
  readonly wrapping: KeyWrapping;
}

export interface OpenedKey {
  readonly record: KeyRecord;
  readonly material: Buffer;
}

/** The server's own random keys, kept in the store, wrapped. All nodes share them. */
export class ServerKeys {
  constructor(private readonly deps: ServerKeysDeps) {}

  /**
   * Every key of the purpose, lowest sequence first, each wrapped from now on under every configured secret. Throws
   * `SealedKeyError` when one does not open.
   */
  async load(purpose: KeyPurpose): Promise<OpenedKey[]> {
    const records = (await this.deps.store.listKeys()).filter((record) => record.purpose === purpose);
    const opened: OpenedKey[] = [];
    for (const record of records) {
      const material = this.deps.wrapping.open(record);
      if (material === null) throw new SealedKeyError();
      await this.completeWrapping(record, material);
      opened.push({ record, material });
    }
    return opened;
  }

  /** The keys of a purpose that needs one from the start: the first is made when there is none yet. Two nodes at once make one. */
  async loadOrCreate(purpose: Exclude<KeyPurpose, 'signing'>, now: EpochMs): Promise<OpenedKey[]> {
    const existing = await this.load(purpose);
    if (existing.length > 0) return existing;
    await this.add(
      { id: randomBytes(4).toString('hex'), purpose, sequence: 1, algorithm: null, createdAt: now, activatesAt: now },
      randomBytes(32),
    );
    return this.load(purpose);
  }

  /** False when the sequence number is taken: another node made the key, and this material is forgotten. */
  add(key: Omit<KeyRecord, 'wrapped' | 'revokedAt'>, material: Buffer): Promise<boolean> {
    return this.deps.store.addKey({ ...key, wrapped: this.deps.wrapping.wrap(key, material), revokedAt: null });
  }

  /** Once: false when it was revoked already, or there is no signing key of this id. */
  revoke(kid: string, at: EpochMs): Promise<boolean> {
    return this.deps.store.revokeKey(kid, at);
  }

  private async completeWrapping(record: KeyRecord, material: Buffer): Promise<void> {
    const missing = this.deps.wrapping.missing(record);
    if (missing.length === 0) return;
    const wrapped = this.deps.wrapping.wrap(record, material);
    for (const secretId of missing) {
      const ciphertext = wrapped[secretId];
      if (ciphertext !== undefined) await this.deps.store.addWrapping(record.id, secretId, ciphertext);
    }
  }
}
