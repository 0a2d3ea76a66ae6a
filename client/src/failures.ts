import type { AuthErrorCode } from './error-codes.js';

/** What the server tells besides the text: `extensions` of its error. */
export interface RefusalDetails {
  readonly code: AuthErrorCode;
  readonly reason?: string;
  /** All reasons, where there may be several; `reason` is the first. */
  readonly reasons?: readonly string[];
  /** ISO 8601 instant, by the server's clock. */
  readonly at?: string;
  /** The argument or input field at fault. */
  readonly field?: string;
  /** Seconds, at least 1. */
  readonly retryAfter?: number;
  readonly sessionId?: string;
  /** The names that would have been accepted. */
  readonly known?: readonly string[];
  /** For the server's log. */
  readonly requestId?: string;
}

/** The server understood, and said no. The text is the server's, fit to show. */
export class AuthRefusedError extends Error {
  override readonly name = 'AuthRefusedError';
  readonly code: AuthErrorCode;

  constructor(
    message: string,
    /** A newer server may send a code that this release does not know. */
    readonly extensions: RefusalDetails,
  ) {
    super(message);
    this.code = extensions.code;
  }
}

/** No answer, or one that says "later": nothing is known, nobody was signed out, and the same call may be made again. */
export class AuthUnavailableError extends Error {
  override readonly name = 'AuthUnavailableError';

  constructor(
    message: string,
    /** Milliseconds that the server asked to wait; null where it said nothing. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
