import type { RevocationReason } from './error-codes.js';

/** Who is signed in, as the server said at the last sign-in or refresh. */
export interface AuthUser {
  readonly id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly username: string | null;
  readonly roles: readonly string[];
  /** What the roles allow, such as `sessions:revoke`. For what to show; the server decides. */
  readonly permissions: readonly string[];
}

/**
 * `NO_SESSION`: nobody had signed in here. `IDLE`, `ABSOLUTE`: the limit that the session passed. `REFRESH_TOKEN_INVALID`: the server
 * does not know the session any more. A newer server may send others.
 */
export type SignedOutReason =
  | RevocationReason
  | 'NO_SESSION'
  | 'IDLE'
  | 'ABSOLUTE'
  | 'REFRESH_TOKEN_INVALID'
  | (string & Record<never, never>);

export interface SignedOut {
  readonly kind: 'signed-out';
  readonly reason: SignedOutReason;
  /** When the session ended, by the server's clock; ISO 8601. Only where the server said it. */
  readonly at?: string;
  readonly sessionId?: string;
}
export interface SignedIn {
  readonly kind: 'signed-in';
  readonly sessionId: string;
  readonly user: AuthUser;
}
/** `unknown` until the first answer. The same object for as long as nothing changes. */
export type AuthState = SignedIn | SignedOut | { readonly kind: 'unknown' };
