import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { EpochMs, KeyRecord } from '../store/records.js';

export type SigningAlgorithm = 'ES256' | 'RS256' | 'HS256';

export type PublicJwk = JsonWebKey & { readonly kid: string; readonly alg: string; readonly use: 'sig' };

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly sequence: number;
  /** A `KeyObject`: jsonwebtoken imports a string anew for each token, at thirty times the cost. */
  readonly signingKey: KeyObject;
  readonly verificationKey: KeyObject;
  /** Null for HS256. */
  readonly jwk: PublicJwk | null;
  readonly activatesAt: EpochMs;
  readonly revokedAt: EpochMs | null;
}

interface MadeKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** PKCS #8 DER, or the bare bytes for HS256. */
  readonly material: Buffer;
}

const generate = promisify(generateKeyPair);

/** A new random key. The `kid` is the RFC 7638 thumbprint, for HS256 (where a thumbprint would tell of the secret) random. */
export async function makeSigningKey(algorithm: SigningAlgorithm): Promise<MadeKey> {
  if (algorithm === 'HS256') return { kid: randomBytes(16).toString('base64url'), algorithm, material: randomBytes(32) };
  const { privateKey, publicKey } =
    algorithm === 'ES256' ? await generate('ec', { namedCurve: 'P-256' }) : await generate('rsa', { modulusLength: 2048 });
  return { kid: thumbprint(publicKey), algorithm, material: privateKey.export({ type: 'pkcs8', format: 'der' }) };
}

/** Throws when the material is not a key of that algorithm or is too weak for it (RFC 7518 3.2, 3.3). */
export function importSigningKey(record: KeyRecord, material: Buffer): SigningKey {
  const algorithm = algorithmOf(record);
  const common = { kid: record.id, algorithm, sequence: record.sequence, activatesAt: record.activatesAt, revokedAt: record.revokedAt };
  if (algorithm === 'HS256') {
    if (material.length < 32) throw new Error('an HMAC key under 256 bits');
    const secret = createSecretKey(material);
    return { ...common, signingKey: secret, verificationKey: secret, jwk: null };
  }
  const signingKey = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' });
  const verificationKey = createPublicKey(signingKey);
  assertFits(verificationKey, algorithm);
  const jwk: PublicJwk = { ...verificationKey.export({ format: 'jwk' }), kid: record.id, alg: algorithm, use: 'sig' };
  return { ...common, signingKey, verificationKey, jwk };
}

function algorithmOf(record: KeyRecord): SigningAlgorithm {
  const { algorithm } = record;
  if (algorithm === 'ES256' || algorithm === 'RS256' || algorithm === 'HS256') return algorithm;
  throw new Error('a signing key of an unknown algorithm');
}

function assertFits(key: KeyObject, algorithm: SigningAlgorithm): void {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const fits = algorithm === 'ES256' ? namedCurve === 'prime256v1' : key.asymmetricKeyType === 'rsa' && modulusLength >= 2048;
  if (!fits) throw new Error(`a key that does not fit ${algorithm}`);
}

/** RFC 7638 3: the required members, in lexical order, without white space. */
function thumbprint(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' });
  const members = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
