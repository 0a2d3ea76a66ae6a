import type { EpochMs } from '../store/records.js';
import { clockLeewaySeconds } from './access-tokens.js';

export interface LifetimeConfig {
  readonly refreshTokenTtlSeconds: number;
  readonly sessionMaxAgeSeconds: number;
  readonly sessionHistorySeconds: number;
  readonly accessTokenTtlSeconds: number;
}

/** The idle end of a session that is signed in or refreshed at `now`: never past the absolute end. */
export function idleEnd(now: EpochMs, expiresAt: EpochMs, config: LifetimeConfig): EpochMs {
  return Math.min(now + config.refreshTokenTtlSeconds * 1000, expiresAt);
}

/**
 * When the record of a session that ends at `endsAt` may go. However short the history, not while one of its access tokens could
 * still be presented: until then the record is what says that it is revoked.
 */
export function purgeTime(endsAt: EpochMs, config: LifetimeConfig): EpochMs {
  const leastSeconds = config.accessTokenTtlSeconds + clockLeewaySeconds + 120;
  return endsAt + Math.max(config.sessionHistorySeconds, leastSeconds) * 1000;
}
