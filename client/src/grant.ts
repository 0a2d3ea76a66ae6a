import type { Clock } from './platform.js';
import type { AuthUser } from './state.js';

/** An access token and what is known of its time, by the server's clock and by how long ago it was asked for. */
export interface Grant {
  readonly accessToken: string;
  readonly sessionId: string;
  readonly user: AuthUser;
  /** By the server's clock, epoch milliseconds: of two grants the later one is newer. */
  readonly issuedAt: number;
  readonly lifetimeMs: number;
  /** Readings of this tab's clocks when the token was asked for. */
  readonly since: Instant;
}

export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** How a grant travels between tabs. Clocks of two tabs start at different times, so their readings do not. */
export type SharedGrant = Omit<Grant, 'since'> & { readonly ageMs: number; readonly sentAt: number };

export const instantOf = (clock: Clock): Instant => ({ monotonic: clock.monotonic(), wall: clock.wall() });

/**
 * Milliseconds since then, by the clock that says more: the monotonic one may have stood still in a sleep, the other may have been
 * set back. One set forward costs an early refresh and nothing else.
 */
export function elapsedSince({ monotonic, wall }: Instant, clock: Clock): number {
  return Math.max(0, clock.monotonic() - monotonic, clock.wall() - wall);
}

/** Milliseconds until the token ends; negative when it has. */
export const remainingOf = (grant: Grant, clock: Clock): number => grant.lifetimeMs - elapsedSince(grant.since, clock);

export function share({ since, ...grant }: Grant, clock: Clock): SharedGrant {
  return { ...grant, ageMs: elapsedSince(since, clock), sentAt: clock.wall() };
}

/** A message may have waited in a frozen tab. */
export function received({ ageMs, sentAt, ...grant }: SharedGrant, clock: Clock): Grant {
  const age = ageMs + Math.max(0, clock.wall() - sentAt);
  return { ...grant, since: { monotonic: clock.monotonic() - age, wall: clock.wall() - age } };
}
