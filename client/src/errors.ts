import { type AuthErrorCode, type AuthErrorReason, authErrorReasons } from './error-codes.js';
import type { RefusalDetails } from './failures.js';

export { type AuthErrorCode, type AuthErrorReason, authErrorReasons, type RevocationReason, revocationReasons } from './error-codes.js';
export { AuthRefusedError, AuthUnavailableError, type RefusalDetails } from './failures.js';

/** What comes with an error of that code. A newer server may send a reason that this release does not know. */
export type AuthErrorDetailsOf<Code extends AuthErrorCode> = Omit<RefusalDetails, 'code' | 'reason'> & {
  readonly code: Code;
  readonly reason?: AuthErrorReason<Code>;
};
/** Tagged by `code`: a `switch` over it knows the reasons of each. */
export type AuthErrorDetails = { [Code in AuthErrorCode]: AuthErrorDetailsOf<Code> }[AuthErrorCode];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Whether the error table has this code. */
export function isAuthErrorCode(code: unknown): code is AuthErrorCode {
  return typeof code === 'string' && Object.hasOwn(authErrorReasons, code);
}

/**
 * The server's words in whatever was caught: an error of this package or of Apollo Client, a GraphQL error or answer, or the list of
 * errors that graphql-ws hands over. The first error that has a code of the table; null where there is none, as for a network failure.
 */
export function authErrorOf(error: unknown): AuthErrorDetails | null {
  if (!isRecord(error)) return null;
  const { extensions, errors } = error;
  if (isRecord(extensions) && isAuthErrorCode(extensions.code)) return extensions as unknown as AuthErrorDetails;
  const list = Array.isArray(error) ? error : errors;
  if (!Array.isArray(list)) return null;
  return list.map(authErrorOf).find((details) => details !== null) ?? null;
}

/** The details, if the error is of that code; null otherwise. */
export function authErrorWith<Code extends AuthErrorCode>(error: unknown, code: Code): AuthErrorDetailsOf<Code> | null {
  const details = authErrorOf(error);
  return details?.code === code ? (details as AuthErrorDetailsOf<Code>) : null;
}
