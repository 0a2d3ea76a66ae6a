import type { EpochMs, KeyRecord } from '../store/records.js';

/**
 * `next`: published, does not sign yet. `signing`: signs. `verifying`: tokens signed with it may still be good. `retired`: none can be.
 * `revoked`: its tokens are refused.
 */
export const signingKeyStates = ['next', 'signing', 'verifying', 'retired', 'revoked'] as const;
export type SigningKeyState = (typeof signingKeyStates)[number];

/** A node may learn of its successor late by one tending; access tokens have 30 s of leeway. */
const lateMs = 120_000;

type RingKey = Pick<KeyRecord, 'sequence' | 'activatesAt' | 'revokedAt'>;

/** The key that signs at `now`: the last one to have been published for long enough. `ring` in order of sequence; undefined: there is none. */
export function signerAt<Key extends RingKey>(ring: readonly Key[], now: EpochMs): Key | undefined {
  const usable = ring.filter(({ revokedAt }) => revokedAt === null);
  return usable.findLast(({ activatesAt }) => activatesAt <= now) ?? usable[0];
}

/** Whether a token signed with the key may still be good at `now`. */
export function verifiesAt(key: RingKey, ring: readonly RingKey[], now: EpochMs, accessTokenTtlSeconds: number): boolean {
  if (key.revokedAt !== null) return false;
  const successor = ring.find((other) => other.sequence > key.sequence && other.revokedAt === null);
  return successor === undefined || now < successor.activatesAt + accessTokenTtlSeconds * 1000 + lateMs;
}

export function stateAt<Key extends RingKey>(key: Key, ring: readonly Key[], now: EpochMs, accessTokenTtlSeconds: number): SigningKeyState {
  if (key.revokedAt !== null) return 'revoked';
  if (signerAt(ring, now) === key) return 'signing';
  if (key.activatesAt > now) return 'next';
  return verifiesAt(key, ring, now, accessTokenTtlSeconds) ? 'verifying' : 'retired';
}
