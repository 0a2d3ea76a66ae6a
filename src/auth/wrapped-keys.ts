import { hkdfSync } from 'node:crypto';
import type { KeyRecord } from '../store/records.js';
import { decrypt, encrypt } from './encryption.js';

type Sealed = Pick<KeyRecord, 'id' | 'purpose' | 'algorithm' | 'wrapped'>;

interface WrappingKey {
  readonly secretId: string;
  readonly key: Buffer;
}

const derive = (secret: string, info: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'utf8'), 'latchkey', info, length));

/** Ties a ciphertext to its place, so that keys in the store cannot be swapped for one another. */
const placeOf = (key: Omit<Sealed, 'wrapped'>): Buffer =>
  Buffer.from(JSON.stringify(['latchkey key v1', key.purpose, key.id, key.algorithm]), 'utf8');

/**
 * Wraps and opens the server's keys with the configured secrets (AES-256-GCM, NIST SP 800-38D): the store holds every key
 * once per secret, so that a database dump alone opens nothing and a secret can be replaced without a moment's downtime.
 */
export class KeyWrapping {
  private readonly wrappingKeys: readonly WrappingKey[];

  /** `secrets`: the present one first, then those also accepted. */
  constructor(secrets: readonly string[]) {
    this.wrappingKeys = secrets.map((secret) => ({
      secretId: derive(secret, 'secret id', 8).toString('hex'),
      key: derive(secret, 'wrapping key', 32),
    }));
  }

  /** Under every configured secret. */
  wrap(key: Omit<Sealed, 'wrapped'>, material: Buffer): Record<string, string> {
    return Object.fromEntries(this.wrappingKeys.map((wrapping) => [wrapping.secretId, encrypt(wrapping.key, placeOf(key), material)]));
  }

  /** Null when no configured secret opens it, or it was tampered with. */
  open(key: Sealed): Buffer | null {
    for (const { secretId, key: wrappingKey } of this.wrappingKeys) {
      const ciphertext = key.wrapped[secretId];
      const material = ciphertext === undefined ? null : decrypt(wrappingKey, placeOf(key), ciphertext);
      if (material !== null) return material;
    }
    return null;
  }

  /** The configured secrets under which this key is not wrapped yet. */
  missing(key: Sealed): string[] {
    return this.wrappingKeys.map(({ secretId }) => secretId).filter((secretId) => !Object.hasOwn(key.wrapped, secretId));
  }

  /** The configured secrets that do not open this key: it is not wrapped under them, or the ciphertext was damaged. */
  failing(key: Sealed): string[] {
    const opens = ({ secretId, key: wrappingKey }: WrappingKey) => {
      const ciphertext = Object.hasOwn(key.wrapped, secretId) ? key.wrapped[secretId] : undefined;
      return ciphertext !== undefined && decrypt(wrappingKey, placeOf(key), ciphertext) !== null;
    };
    return this.wrappingKeys.filter((wrapping) => !opens(wrapping)).map(({ secretId }) => secretId);
  }

  /** The ids of secrets that are not configured, under which this key is wrapped as well. */
  foreign(key: Sealed): string[] {
    const configured = new Set(this.wrappingKeys.map(({ secretId }) => secretId));
    return Object.keys(key.wrapped).filter((secretId) => !configured.has(secretId));
  }
}
