import { errors, jwtVerify } from 'jose';
import { type AccessTokenClaims, parseClaims } from './claims.js';
import { TokenRefusedError, VerifierUnavailableError } from './errors.js';
import { isObject } from './feed-page.js';
import type { KeySet } from './key-set.js';

/** What the server signs with and publishes a key for. A symmetric algorithm is not among them: who can check could forge as well. */
export type VerifiableAlgorithm = 'ES256' | 'RS256';
export const verifiableAlgorithms: readonly VerifiableAlgorithm[] = ['ES256', 'RS256'];

/** How far the clock may be off, in seconds. */
export const clockToleranceSeconds = 30;
/** Larger than any token that the server makes, in characters. */
const longestToken = 8_192;
const longestKid = 128;

interface TokenChecks {
  readonly keySet: Pick<KeySet, 'find'>;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly VerifiableAlgorithm[];
  /** Seconds since 1970. */
  readonly now: number;
  /** No token lives longer, in seconds. */
  readonly maxAgeSeconds: number;
}

/**
 * The claims of a token that is authentic, of this issuer, for this audience, and within its time (RFC 9068 4, RFC 8725 3). Throws
 * `TokenRefusedError`, and `VerifierUnavailableError` where the key cannot be looked up.
 */
export async function checkToken(token: string, checks: TokenChecks): Promise<AccessTokenClaims> {
  checkForm(token, checks.algorithms);
  try {
    const { payload } = await jwtVerify(token, checks.keySet.find, {
      typ: 'at+jwt',
      issuer: checks.issuer,
      audience: checks.audience,
      algorithms: [...checks.algorithms],
      requiredClaims: ['exp'],
      clockTolerance: clockToleranceSeconds,
      maxTokenAge: checks.maxAgeSeconds,
      currentDate: new Date(checks.now * 1000),
    });
    const claims = parseClaims(payload);
    if (claims !== null) return claims;
  } catch (error) {
    throw refusalOf(error);
  }
  throw new TokenRefusedError('INVALID', { detail: 'a claim is missing or of another type' });
}

function refusalOf(error: unknown): Error {
  if (error instanceof errors.JWTExpired) return new TokenRefusedError('EXPIRED');
  if (error instanceof errors.JOSEError) return new TokenRefusedError('INVALID', { detail: error.message });
  return error instanceof VerifierUnavailableError ? error : new VerifierUnavailableError(error);
}

/**
 * The size, three segments in their one spelling (RFC 7515 2), and a header with exactly the three members that the server writes. So there is no
 * `crit` to misunderstand and no embedded key or address to follow (RFC 8725 3.1, 3.10), before anything costs time.
 */
function checkForm(token: unknown, algorithms: readonly string[]): void {
  const refuse = (detail: string) => new TokenRefusedError('INVALID', { detail });
  if (typeof token !== 'string' || token.length > longestToken) throw refuse('no text, or too long');
  const segments = token.split('.');
  if (segments.length !== 3 || !segments.every(isCanonical)) throw refuse('no compact JWS');
  const header = parseJson(segments[0] ?? '');
  if (!isObject(header) || Object.keys(header).sort().join() !== 'alg,kid,typ') throw refuse('not the header of an access token');
  const { alg, kid, typ } = header;
  if (typ !== 'at+jwt') throw refuse('the type is not at+jwt');
  if (typeof alg !== 'string' || !algorithms.includes(alg)) throw refuse('the algorithm is not allowed');
  if (typeof kid !== 'string' || kid === '' || kid.length > longestKid) throw refuse('the kid is no name of a key');
}

const isCanonical = (segment: string): boolean => segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment;

function parseJson(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
