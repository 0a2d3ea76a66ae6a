import type { AccessTokens } from './access-tokens.js';
import { serviceUnavailable } from './errors.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import type { SessionStanding } from './revocation-set.js';
import type { SessionCheck } from './revocations.js';
import type { RoleBook } from './role-book.js';
import { SealedKeyError } from './server-keys.js';

/** RFC 7662 2.2. `sid`, `roles` and `ver` are those of the access token's profile. */
export interface ActiveToken {
  readonly active: true;
  readonly token_type: 'Bearer';
  readonly scope: string;
  readonly client_id: string;
  readonly username?: string;
  readonly exp: number;
  readonly iat: number;
  readonly sub: string;
  readonly aud: string;
  readonly iss: string;
  readonly jti: string;
  readonly sid: string;
  readonly roles: readonly string[];
  readonly ver: number;
}
export type IntrospectedToken = ActiveToken | { readonly active: false };

interface IntrospectionDeps {
  readonly accessTokens: Pick<AccessTokens, 'verify'>;
  readonly sessionCheck: SessionCheck;
  readonly roles: RoleBook;
  readonly config: { readonly accessTokenTtlSeconds: number; readonly tokenClaims: readonly string[] };
}

/** Tells other services what an access token is worth now (RFC 7662). */
export class Introspection {
  constructor(private readonly deps: IntrospectionDeps) {}

  /**
   * One answer for whatever is not an access token of a living session. A refresh token is for this server alone (RFC 6749 1.5): who
   * serves resources and is shown one learns nothing of it. Throws `StoreUnavailableError` or `SERVICE_UNAVAILABLE` when it cannot be known.
   */
  async introspect(token: string): Promise<IntrospectedToken> {
    const verified = await this.verify(token);
    if (verified.kind !== 'valid') return { active: false };
    const standing = await this.deps.sessionCheck.check(verified.claims);
    return standing.kind === 'alive' ? this.describe(verified.claims, standing) : { active: false };
  }

  private async verify(token: string) {
    try {
      return await this.deps.accessTokens.verify(token);
    } catch (error) {
      // A key that this node's secrets do not open is one that it should have: nobody is to be refused for that.
      if (error instanceof SealedKeyError) throw serviceUnavailable(error);
      throw error;
    }
  }

  private describe(claims: AccessTokenClaims, now: SessionStanding & { kind: 'alive' }): ActiveToken {
    const { accessTokenTtlSeconds, tokenClaims } = this.deps.config;
    const { client_id, exp, iat, sub, aud, iss, jti, sid, username } = claims;
    return {
      active: true,
      token_type: 'Bearer',
      scope: this.deps.roles.permissionsOf(now.roles).join(' '),
      client_id,
      ...(tokenClaims.includes('username') && typeof username === 'string' && { username }),
      // Shortening the setting ends tokens that were made before.
      exp: Math.min(exp, iat + accessTokenTtlSeconds),
      iat,
      sub,
      aud,
      iss,
      jti,
      sid,
      roles: now.roles,
      ver: now.version,
    };
  }
}
