import type { EpochMs } from '../store/records.js';
import { AuthError } from './errors.js';
import type { SignedIn } from './viewer.js';

/** How far ahead of this node's clock another node's may be. */
const clockLeewayMs = 30_000;

/** What decides whether a proof of the password is recent. */
export interface ProofPolicy {
  readonly now: EpochMs;
  /** 0: every proof is. */
  readonly reauthenticationAgeSeconds: number;
}

/**
 * Null when the caller has proved the password recently enough for an act on other people's accounts, else the refusal. A proof from the
 * future is none: a clock that had leapt would make it good for as long as the leap.
 */
export function staleProof({ authenticatedAt }: SignedIn, { now, reauthenticationAgeSeconds }: ProofPolicy): AuthError | null {
  const age = now - authenticatedAt;
  const isRecent = reauthenticationAgeSeconds === 0 || (age >= -clockLeewayMs && age <= reauthenticationAgeSeconds * 1000);
  return isRecent ? null : new AuthError('REAUTHENTICATION_REQUIRED');
}
