import { StoreUnavailableError } from '../store/port.js';

/** What is fixed about an error code. `docs/errors.md` and the enum `AuthErrorCode` of the schema are generated from these rows. */
export interface ErrorKind {
  /** The whole public text: nothing is ever added to it. */
  readonly message: string;
  /** The HTTP status where the error concerns the whole request; an error of a field travels with status 200. */
  readonly httpStatus: number;
  /** Whether the code may tell that an account, session or token exists, and to whom. */
  readonly reveals: string;
  /** For the manual: when it comes and what a client does then. */
  readonly about: string;
  /** Values of `extensions.reason`. */
  readonly reasons?: readonly string[];
}

const kind = (row: ErrorKind): ErrorKind => row;
const nothing = 'nothing';

/** The one table of error codes. */
export const errorKinds = {
  UNAUTHENTICATED: kind({
    message: 'Sign in to do this.',
    httpStatus: 401,
    reveals: 'to the holder of an authentic access token: what became of its session',
    about: 'The field needs a signed-in user. On `EXPIRED` refresh and repeat; otherwise sign in.',
    reasons: ['NO_TOKEN', 'EXPIRED', 'INVALID', 'REVOKED'],
  }),
  FORBIDDEN: kind({
    message: 'You may not do this.',
    httpStatus: 403,
    reveals: nothing,
    about:
      "The caller's roles do not allow it, or not on that account; sign-up is closed, or the page's origin may not use cookie mode or the socket.",
    reasons: ['SIGNUP_CLOSED', 'ORIGIN_NOT_ALLOWED'],
  }),
  REAUTHENTICATION_REQUIRED: kind({
    message: 'Confirm your password to do this.',
    httpStatus: 401,
    reveals: nothing,
    about:
      'The last proof of the password is too old for this act: ask for it, call `reauthenticate`, and repeat with the new access token.',
  }),
  BAD_USER_INPUT: kind({
    message: 'This value is not acceptable.',
    httpStatus: 400,
    reveals: nothing,
    about:
      '`field` names the argument or input field; the value is never repeated. On `UNKNOWN_ROLE` `known` lists the roles that there are. `LAST_ADMINISTRATOR`: nobody else could grant roles any more.',
    reasons: ['INVALID', 'OUT_OF_RANGE', 'UNKNOWN_ROLE', 'TOKEN_GIVEN_TWICE', 'LAST_ADMINISTRATOR'],
  }),
  WEAK_PASSWORD: kind({
    message: 'Choose another password.',
    httpStatus: 400,
    reveals: nothing,
    about: '`reasons` lists why, `reason` is the first of them, `field` says where.',
    reasons: ['TOO_SHORT', 'TOO_LONG', 'COMMON', 'SAME_AS_LOGIN'],
  }),
  EMAIL_TAKEN: kind({
    message: 'This email address already has an account.',
    httpStatus: 409,
    reveals:
      'to anyone: that the address has an account (only where addresses need no verification); to administrators and to the holder of a link that was mailed to the address',
    about: 'Offer to sign in instead.',
  }),
  USERNAME_TAKEN: kind({
    message: 'This username is taken.',
    httpStatus: 409,
    reveals: 'to anyone: that the username is taken',
    about: 'Usernames are unique without regard to case.',
  }),
  INVALID_CREDENTIALS: kind({
    message: 'The login or the password is wrong.',
    httpStatus: 401,
    reveals: 'nothing: an unknown login takes the same time and gives the same answer as a wrong password',
    about: 'Ask again.',
  }),
  EMAIL_NOT_VERIFIED: kind({
    message: 'Verify your email address first.',
    httpStatus: 403,
    reveals: 'to the holder of the right password: that the address is not verified',
    about: 'Offer to send the mail again.',
  }),
  ACCOUNT_DISABLED: kind({
    message: 'This account is disabled.',
    httpStatus: 403,
    reveals: 'to the holder of the right password or of an authentic token, and to administrators: that the account is disabled',
    about: 'Signing in again does not help, and no mail to set a password is sent.',
  }),
  RATE_LIMITED: kind({
    message: 'Too many requests. Try again later.',
    httpStatus: 429,
    reveals: nothing,
    about: 'Repeat after `retryAfter` seconds. The token or password presented stays good.',
  }),
  REFRESH_TOKEN_INVALID: kind({
    message: 'The refresh token is not valid.',
    httpStatus: 401,
    reveals: 'nothing: malformed, forged and unknown tokens give one answer',
    about: 'Sign in again. A refresh in cookie mode without the cookie gives this too.',
  }),
  REFRESH_TOKEN_REUSED: kind({
    message: 'The refresh token had been used before. The session was ended for safety.',
    httpStatus: 401,
    reveals: 'to the holder of an authentic token: what became of its session',
    about: 'Two parties hold the session: it is over for both. Sign in again, and tell the person.',
  }),
  SESSION_EXPIRED: kind({
    message: 'The session has expired.',
    httpStatus: 401,
    reveals: 'to the holder of an authentic token: what became of its session',
    about: '`reason` is the limit that was passed, `at` when. Sign in again.',
    reasons: ['IDLE', 'ABSOLUTE'],
  }),
  SESSION_REVOKED: kind({
    message: 'The session was ended.',
    httpStatus: 401,
    reveals: 'to the holder of an authentic token: what became of its session',
    about: '`reason` is a `RevocationReason`, `at` when. Sign in again.',
  }),
  ONE_TIME_TOKEN_INVALID: kind({
    message: 'The link is not valid any more.',
    httpStatus: 400,
    reveals: nothing,
    about: 'Ask for a new mail.',
  }),
  NOT_FOUND: kind({
    message: 'There is no such thing here.',
    httpStatus: 404,
    reveals: "nothing: unknown, malformed and other people's ids give one answer",
    about: 'Also the answer to an unknown path.',
  }),
  GRAPHQL_PARSE_FAILED: kind({
    message: 'The document is not valid GraphQL.',
    httpStatus: 400,
    reveals: nothing,
    about: '`locations` says where.',
  }),
  GRAPHQL_VALIDATION_FAILED: kind({
    message: 'The document does not fit the schema.',
    httpStatus: 400,
    reveals: nothing,
    about: '`locations` says where. With introspection on, the message names the field, argument or type.',
  }),
  BAD_REQUEST: kind({
    message: 'The request cannot be understood.',
    httpStatus: 400,
    reveals: nothing,
    about:
      '`reason` says what is wrong with the HTTP request; the status may be 400, 405, 413 or 415. Subscriptions go over the socket, all else does not.',
    reasons: [
      'MALFORMED_BODY',
      'BODY_TOO_LARGE',
      'CONTENT_TYPE',
      'METHOD',
      'BATCH',
      'UNKNOWN_OPERATION',
      'MUTATION_BY_GET',
      'TRANSPORT',
      'HEADERS',
      'SUBSCRIPTION_BY_HTTP',
      'SUBSCRIPTIONS_ONLY',
    ],
  }),
  QUERY_TOO_COMPLEX: kind({
    message: 'The document asks for too much at once.',
    httpStatus: 400,
    reveals: nothing,
    about:
      '`reason` names the limit. A request may ask for 1,000 rows in all its lists together (each list and each count costs 10 more, or 100 where it is of all users or all sessions), a document have 100 fragments spread, an operation hold one credential mutation.',
    reasons: ['TOKENS', 'DEPTH', 'ALIASES', 'DIRECTIVES', 'FRAGMENTS', 'ROWS', 'CREDENTIAL_MUTATIONS'],
  }),
  SERVICE_UNAVAILABLE: kind({
    message: 'The service cannot answer at the moment. Nothing was lost; try again.',
    httpStatus: 503,
    reveals: nothing,
    about: 'Repeat the same call after `retryAfter` seconds; a refresh token presented stays good.',
  }),
  INTERNAL_SERVER_ERROR: kind({
    message: 'Something went wrong on the server.',
    httpStatus: 500,
    reveals: nothing,
    about: "Quote `requestId` when you report it: the server's log has the details.",
  }),
} as const;

export type AuthErrorCode = keyof typeof errorKinds;
export const authErrorCodes = Object.keys(errorKinds) as AuthErrorCode[];

/** What an error may tell besides its code. Whatever is not here does not leave the server. */
export interface ErrorDetails {
  readonly reason?: string;
  /** All reasons, where there may be several; `reason` is the first. */
  readonly reasons?: readonly string[];
  /** When it happened: epoch milliseconds here, an ISO 8601 instant in the answer. */
  readonly at?: number;
  /** The argument or input field at fault. */
  readonly field?: string;
  /** Seconds, at least 1. */
  readonly retryAfter?: number;
  readonly sessionId?: string;
  /** The names that would have been accepted. */
  readonly known?: readonly string[];
}

/** The only error that a service throws on purpose. The text comes from the table; `cause` is for the log alone. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  constructor(
    readonly code: AuthErrorCode,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(errorKinds[code].message, options);
  }
}

/** The store, or the server's own time, ran out: the caller repeats. `retryAfter` is 1 second. */
export function serviceUnavailable(cause?: unknown): AuthError {
  return new AuthError('SERVICE_UNAVAILABLE', { retryAfter: 1 }, { cause });
}

/** The error by its code, if it is one that a service throws on purpose or a store that does not answer; null for any other. */
export function asAuthError(error: unknown): AuthError | null {
  if (error instanceof StoreUnavailableError) return serviceUnavailable(error);
  return error instanceof AuthError ? error : null;
}
