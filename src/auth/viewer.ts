import type { EpochMs } from '../store/records.js';
import type { EndedSession } from './liveness.js';
import type { Permission } from './roles.js';

/** Why a caller is nobody. A bad access token does not fail a request: sign-in and refresh work with one in the header. */
export type AnonymousReason = 'NO_TOKEN' | 'EXPIRED' | 'INVALID' | 'REVOKED';

/** Somebody signed in: an account, by a session that was alive when the viewer was settled. */
export interface SignedIn {
  readonly kind: 'account';
  readonly accountId: string;
  readonly roles: readonly string[];
  /** What the roles allow, as they are now. */
  readonly permissions: readonly Permission[];
  readonly sessionId: string;
  /** The last proof of the password for this session. */
  readonly authenticatedAt: EpochMs;
  /** The account's `sessionEpoch` when the access token was made. */
  readonly epoch: number;
}

/** Who is asking. Settled once for each request; `unavailable` when the store could not say, so that nobody is told "no" for it. */
export type Viewer =
  | SignedIn
  | {
      readonly kind: 'anonymous';
      readonly reason: AnonymousReason;
      /** The session of an authentic token that ended, and how. */
      readonly sessionId?: string;
      readonly ended?: EndedSession;
    }
  | { readonly kind: 'unavailable' };

/** What HTTP knows of a request and the product needs. */
export interface RequestFacts {
  readonly requestId: string;
  /** The client's address (the socket's, or as a trusted proxy names it); IPv4-mapped addresses as IPv4. */
  readonly ipAddress: string | null;
  /** At most 512 characters. */
  readonly userAgent: string | null;
  /** The text of `Authorization: Bearer ...`, or null. */
  readonly accessToken: string | null;
  /** Resolves when the answer has been written, or nobody waits for one any more; never rejects. */
  readonly answered: Promise<void>;
}

/** How refresh tokens travel for one request. */
export interface RefreshTokenTransport {
  readonly mode: 'bearer' | 'cookie';
  /** In cookie mode, the cookie's value; `several` when the name came twice. In bearer mode always `none`. */
  readonly presented: PresentedCookie;
  /** Cookie mode only: sets the cookie until `expiresAt` (epoch milliseconds). */
  set(token: string, expiresAt: number): void;
  /** Cookie mode only. */
  clear(): void;
}
export type PresentedCookie = { readonly kind: 'none' } | { readonly kind: 'one'; readonly token: string } | { readonly kind: 'several' };
