/**
 * `NO_TOKEN`: there was none to look at. `INVALID`: it is no access token of this issuer for this audience. `EXPIRED`: it was one, and its time
 * is over. `REVOKED`: its session has ended. The words are those of the server's own `UNAUTHENTICATED`.
 */
export type RefusalReason = 'NO_TOKEN' | 'INVALID' | 'EXPIRED' | 'REVOKED';

const descriptions: Readonly<Record<RefusalReason, string>> = {
  NO_TOKEN: 'an access token is needed',
  INVALID: 'the access token is not valid here',
  EXPIRED: 'the access token has expired',
  REVOKED: 'the session of the access token has ended',
};

/** What is known of a refusal beyond its reason. */
interface RefusalFacts {
  readonly at?: number;
  readonly revocationReason?: string;
  readonly detail?: string;
}

/** The answer is no, whoever asks again: 401. Nothing of it tells what was submitted. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError';
  readonly statusCode = 401;
  /** `WWW-Authenticate` of RFC 6750 3: without an error code where there was no token (3.1). */
  readonly headers: Readonly<Record<string, string>>;
  /** `REVOKED` only, and where it is known: when, in seconds since 1970 by the server's clock. */
  readonly at?: number;
  /** `REVOKED` only, and where it is known: why, in the server's words (`LOGOUT`, `ACCOUNT_DISABLED`, ...). A newer server may have more. */
  readonly revocationReason?: string;
  /** `INVALID` only: what did not fit, for your log. It is in English, may change, and is not for the caller. */
  readonly detail?: string;

  constructor(
    readonly reason: RefusalReason,
    { at, revocationReason, detail }: RefusalFacts = {},
  ) {
    super(descriptions[reason]);
    this.at = at;
    this.revocationReason = revocationReason;
    this.detail = detail;
    const error = `Bearer error="invalid_token", error_description="${descriptions[reason]}"`;
    this.headers = { 'www-authenticate': reason === 'NO_TOKEN' ? 'Bearer' : error };
  }
}

/**
 * Neither yes nor no, for the server does not answer: 503. Never answer 401 for it, for the client would give up a session that may well be
 * alive. `cause` tells your log what went wrong.
 */
export class VerifierUnavailableError extends Error {
  override readonly name = 'VerifierUnavailableError';
  readonly statusCode = 503;
  /** `Retry-After` of RFC 9110 10.2.3, in seconds. */
  readonly headers: Readonly<Record<string, string>> = { 'retry-after': '1' };

  constructor(cause: unknown) {
    super('whether the access token is good cannot be known at the moment', { cause });
  }
}
