import { StoreUnavailableError } from '../store/port.js';
import { type AccessTokens, clockLeewaySeconds, type VerifiedAccessToken } from './access-tokens.js';
import type { AccessTokenClaims } from './jwt-checks.js';
import { type AccessTokenResult, type Meter, noMeter } from './meter.js';
import type { SessionStanding } from './revocation-set.js';
import type { SessionCheck } from './revocations.js';
import type { RoleBook } from './role-book.js';
import { SealedKeyError } from './server-keys.js';
import type { Viewer } from './viewer.js';

interface ViewersDeps {
  readonly accessTokens: AccessTokens;
  readonly sessionCheck: SessionCheck;
  readonly roles: RoleBook;
  readonly meter?: Pick<Meter, 'accessTokenChecked'>;
}

type StandingOf = (claims: AccessTokenClaims) => Promise<SessionStanding>;

/** Settles who is asking, once for each request. */
export class Viewers {
  constructor(private readonly deps: ViewersDeps) {}

  /** Never throws for a bad token: the viewer is then anonymous with the reason. */
  settle(accessToken: string | null): Promise<Viewer> {
    return this.metered(accessToken, clockLeewaySeconds);
  }

  /** As `settle`, for who wants to stay connected: a token that is past its very end, by this server's clock, is expired. */
  connect(accessToken: string | null): Promise<Viewer> {
    return this.metered(accessToken, 0);
  }

  /** Judges somebody connected again: this is no use of the token, and not counted. While the revocation feed is proven it reads nothing. */
  look(accessToken: string): Promise<Viewer> {
    return this.check(accessToken, 0, (claims) => this.deps.sessionCheck.look(claims));
  }

  private async metered(accessToken: string | null, leewaySeconds: number): Promise<Viewer> {
    if (accessToken === null) return { kind: 'anonymous', reason: 'NO_TOKEN' };
    const { meter = noMeter } = this.deps;
    try {
      const viewer = await this.check(accessToken, leewaySeconds, (claims) => this.deps.sessionCheck.check(claims));
      meter.accessTokenChecked(resultOf(viewer));
      return viewer;
    } catch (error) {
      meter.accessTokenChecked('failed');
      throw error;
    }
  }

  private async check(accessToken: string, leewaySeconds: number, standingOf: StandingOf): Promise<Viewer> {
    try {
      return await this.judge(await this.deps.accessTokens.verify(accessToken, leewaySeconds), standingOf);
    } catch (error) {
      // A key that this node's secrets do not open is one that it should have: nobody is to be signed out for that.
      if (error instanceof StoreUnavailableError || error instanceof SealedKeyError) return { kind: 'unavailable' };
      throw error;
    }
  }

  private async judge(verified: VerifiedAccessToken, standingOf: StandingOf): Promise<Viewer> {
    if (verified.kind === 'invalid') return { kind: 'anonymous', reason: 'INVALID' };
    const { sid: sessionId, sub: accountId, epoch, auth_time } = verified.claims;
    if (verified.kind === 'expired') return { kind: 'anonymous', reason: 'EXPIRED', sessionId };
    const standing = await standingOf(verified.claims);
    if (standing.kind === 'alive') {
      const { roles } = standing;
      const permissions = this.deps.roles.permissionsOf(roles);
      return { kind: 'account', accountId, roles, permissions, sessionId, authenticatedAt: auth_time * 1000, epoch };
    }
    const reason = standing.ended.kind === 'revoked' ? 'REVOKED' : 'EXPIRED';
    return { kind: 'anonymous', reason, sessionId, ended: standing.ended };
  }
}

const resultOfReason = { NO_TOKEN: 'invalid', INVALID: 'invalid', EXPIRED: 'expired', REVOKED: 'revoked' } as const;

function resultOf(viewer: Viewer): AccessTokenResult {
  if (viewer.kind === 'anonymous') return resultOfReason[viewer.reason];
  return viewer.kind === 'account' ? 'valid' : 'unavailable';
}
