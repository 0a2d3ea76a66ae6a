import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { AccountRecord, EpochMs, SessionRecord } from '../store/records.js';
import type { Clock } from './clock.js';
import { type AccessTokenClaims, parseClaims, readHeader } from './jwt-checks.js';
import type { OwnClaims } from './own-claims.js';
import type { RoleBook } from './role-book.js';
import type { SigningKeys } from './signing-keys.js';

/** How far a verifier's clock may be off, in seconds. */
export const clockLeewaySeconds = 30;
/** Verified tokens that are remembered, so that a busy caller costs one signature check. */
const rememberedTokens = 10_000;

export type VerifiedAccessToken =
  | { readonly kind: 'valid'; readonly claims: AccessTokenClaims }
  /** Authentic, and past its end. */
  | { readonly kind: 'expired'; readonly claims: AccessTokenClaims }
  | { readonly kind: 'invalid' };

interface AccessTokensDeps {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly roles: RoleBook;
  readonly config: {
    readonly publicUrl: string;
    readonly audience: string;
    readonly clientId: string;
    readonly accessTokenTtlSeconds: number;
    readonly tokenClaims: readonly string[];
  };
  /** 0 to 1; for tests. */
  readonly random?: () => number;
}

/** Makes and verifies access tokens: JWTs by the profile of RFC 9068. */
export class AccessTokens {
  private readonly remembered = new Map<string, { readonly kid: string; readonly claims: AccessTokenClaims }>();

  constructor(private readonly deps: AccessTokensDeps) {}

  /**
   * `expiresAt` in epoch milliseconds: up to 5 % sooner than the setting at random, and never after the session's end. `ownClaims`:
   * checked by `checkOwnClaims`.
   */
  issue(
    account: AccountRecord,
    session: SessionRecord,
    ownClaims: OwnClaims = {},
  ): { readonly token: string; readonly expiresAt: EpochMs } {
    const { config, keys, clock, roles, random = Math.random } = this.deps;
    const now = clock.now();
    const issuedAt = Math.floor(now / 1000);
    const lifetime = Math.floor(config.accessTokenTtlSeconds * (1 - 0.05 * random()));
    const expiresAt = Math.min(issuedAt + lifetime, Math.floor(session.idleExpiresAt / 1000));
    const claims: AccessTokenClaims = {
      ...ownClaims,
      iss: config.publicUrl,
      aud: config.audience,
      sub: account.id,
      sid: session.id,
      gen: session.generation,
      ver: account.version,
      epoch: account.sessionEpoch,
      client_id: config.clientId,
      iat: issuedAt,
      exp: expiresAt,
      auth_time: Math.floor(session.authenticatedAt / 1000),
      jti: randomUUID(),
      roles: account.roles,
      scope: roles.permissionsOf(account.roles).join(' '),
      email_verified: account.emailVerified,
      ...(config.tokenClaims.includes('email') && { email: account.email }),
      ...(config.tokenClaims.includes('username') && account.username !== null && { username: account.username }),
    };
    const key = keys.current();
    const header = { alg: key.algorithm, typ: 'at+jwt', kid: key.kid };
    const token = jwt.sign(claims, key.signingKey, { algorithm: key.algorithm, header });
    return { token, expiresAt: expiresAt * 1000 };
  }

  /**
   * `leewaySeconds`: for how long after its end a token still counts as valid. Throws `StoreUnavailableError` only for a `kid` that this node
   * has yet to learn.
   */
  async verify(token: string, leewaySeconds = clockLeewaySeconds): Promise<VerifiedAccessToken> {
    const known = this.remembered.get(token);
    if (known !== undefined && this.deps.keys.find(known.kid) !== null) return this.judge(known.claims, leewaySeconds);
    this.remembered.delete(token);
    const header = readHeader(token);
    if (header === null) return { kind: 'invalid' };
    const key = await this.deps.keys.findOrReload(header.kid);
    if (key === null || key.algorithm !== header.alg) return { kind: 'invalid' };
    const claims = this.verifySignature(token, key);
    if (claims === null) return { kind: 'invalid' };
    const judged = this.judge(claims, leewaySeconds);
    if (judged.kind === 'valid') this.remember(token, key.kid, claims);
    return judged;
  }

  /** jsonwebtoken checks the signature, `iss` and `aud`; what it leaves out (RFC 8725 3.1, 3.8, 3.11) stands in `jwt-checks`. */
  private verifySignature(token: string, key: NonNullable<ReturnType<SigningKeys['find']>>): AccessTokenClaims | null {
    try {
      const payload = jwt.verify(token, key.verificationKey, {
        algorithms: [key.algorithm],
        issuer: this.deps.config.publicUrl,
        audience: this.deps.config.audience,
        clockTimestamp: Math.floor(this.deps.clock.now() / 1000),
        clockTolerance: clockLeewaySeconds,
        ignoreExpiration: true,
      });
      return parseClaims(payload);
    } catch {
      return null;
    }
  }

  /** A token older than the configured lifetime is expired whatever its `exp` says: shortening the setting acts at once. */
  private judge(claims: AccessTokenClaims, leewaySeconds: number): VerifiedAccessToken {
    const now = this.deps.clock.now() / 1000;
    if (claims.iat > now + clockLeewaySeconds) return { kind: 'invalid' };
    const end = Math.min(claims.exp, claims.iat + this.deps.config.accessTokenTtlSeconds);
    return { kind: now < end + leewaySeconds ? 'valid' : 'expired', claims };
  }

  private remember(token: string, kid: string, claims: AccessTokenClaims): void {
    if (this.remembered.size >= rememberedTokens) {
      const oldest = this.remembered.keys().next().value;
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.set(token, { kid, claims });
  }
}
