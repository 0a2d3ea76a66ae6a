/** The claims of an access token (RFC 9068 2.2, RFC 7519 4.1). Instants are in seconds since 1970. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly aud: string;
  /** The account. */
  readonly sub: string;
  /** The session. */
  readonly sid: string;
  readonly jti: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  /** The last proof of the password in this session. */
  readonly auth_time: number;
  /** The state of the account that the token was made from. */
  readonly ver: number;
  readonly epoch: number;
  /** How often the session's refresh token had been rotated. */
  readonly gen: number;
  readonly email_verified: boolean;
  /** As they were when the token was made: what counts is in the verified token. */
  readonly roles: readonly string[];
  readonly scope: string;
  /** `email`, `username` where the server is set so, and claims of the application that embeds it. */
  readonly [claim: string]: unknown;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isName: Check = (value) => typeof value === 'string' && value !== '';
const isInstant: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

const checks: Readonly<Record<string, Check>> = {
  ...{ iss: isText, aud: isText, sub: isName, sid: isName, jti: isName, client_id: isText },
  ...{ iat: isInstant, exp: isInstant, auth_time: isInstant },
  ...{ ver: isCount, epoch: isCount, gen: isCount },
  ...{ email_verified: (value) => typeof value === 'boolean', roles: isTexts, scope: isText },
};

/** The claims where each of the profile is there with its type; null otherwise. */
export function parseClaims(payload: Readonly<Record<string, unknown>>): AccessTokenClaims | null {
  const isWhole = Object.entries(checks).every(([name, check]) => Object.hasOwn(payload, name) && check(payload[name]));
  return isWhole ? (payload as AccessTokenClaims) : null;
}
