import { z } from 'zod';

/** Larger than any token that this server makes. */
const longestToken = 8_192;

const headerShape = z.strictObject({
  alg: z.enum(['ES256', 'RS256', 'HS256']),
  /** RFC 9068 4: a token of another type (an ID token, say) is not an access token. */
  typ: z.literal('at+jwt'),
  kid: z.string().min(1).max(128),
});
export type AccessTokenHeader = z.output<typeof headerShape>;

const seconds = z.number().int().positive();
const count = z.number().int().nonnegative();
const claimsShape = z.looseObject({
  iss: z.string(),
  aud: z.string(),
  sub: z.string().min(1),
  sid: z.string().min(1),
  gen: count,
  ver: count,
  epoch: count,
  client_id: z.string(),
  iat: seconds,
  exp: seconds,
  auth_time: seconds,
  jti: z.string().min(1),
  roles: z.array(z.string()).readonly(),
  scope: z.string(),
  email_verified: z.boolean(),
});
export type AccessTokenClaims = z.output<typeof claimsShape>;

/** One spelling for each sequence of bytes (RFC 7515 2): no padding, no stray bits, nothing outside the alphabet. */
const isCanonical = (segment: string): boolean => segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment;

/**
 * The header of a compact JWS that could be one of ours, or null: the size, the three segments, and exactly the three members
 * that this server writes. So there is no `crit` to misunderstand, and no embedded key or URL to follow (RFC 8725 3.1, 3.10).
 */
export function readHeader(token: string): AccessTokenHeader | null {
  if (token.length > longestToken) return null;
  const segments = token.split('.');
  if (segments.length !== 3 || !segments.every(isCanonical)) return null;
  return headerShape.safeParse(parseJson(segments[0] ?? '')).data ?? null;
}

/** The claims of a verified payload, all present and of the right type; null otherwise. */
export function parseClaims(payload: unknown): AccessTokenClaims | null {
  return claimsShape.safeParse(payload).data ?? null;
}

function parseJson(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
