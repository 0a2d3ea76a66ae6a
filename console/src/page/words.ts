import { CombinedGraphQLErrors, ServerError, ServerParseError } from '@apollo/client';
import { AuthUnavailableError } from 'latchkey-client';
import { type AuthErrorDetails, type AuthErrorReason, authErrorOf } from 'latchkey-client/errors';
import type { DeviceKind, RevocationReason } from './generated/operations.js';

const faultsOfPasswords: Readonly<Record<string, string>> = {
  TOO_SHORT: 'It is too short.',
  TOO_LONG: 'It is too long.',
  COMMON: 'It is one of the most used passwords.',
  SAME_AS_LOGIN: 'It is the email address or the username.',
};
const fieldNames: Readonly<Record<string, string>> = {
  email: 'email address',
  username: 'username',
  login: 'email address or username',
  roles: 'list of roles',
  until: 'end',
  reason: 'reason',
  filter: 'filter',
};

function wordsForInput({ reason, field, known }: AuthErrorDetails): string {
  if (reason === 'LAST_ADMINISTRATOR') return 'This is the last account that can grant roles. Give another account the role first.';
  if (reason === 'UNKNOWN_ROLE') return `There is no such role. There are: ${(known ?? []).join(', ')}.`;
  const name = field === undefined ? undefined : (fieldNames[field] ?? field);
  return name === undefined ? 'Something in this form is not acceptable.' : `The ${name} is not acceptable.`;
}

function wordsForRefusal({ reason }: AuthErrorDetails): string {
  if (reason === 'SIGNUP_CLOSED') return 'Sign-up is closed. Ask an administrator for an account.';
  if (reason === 'ORIGIN_NOT_ALLOWED')
    return 'The server does not allow its page at this address. Open it at the public address of the server.';
  return 'Your roles do not allow this, or not on that account.';
}

/** What to tell a person; by the code, never by the text of the server, which is for developers. */
function wordsByCode(details: AuthErrorDetails, isSignIn: boolean): string {
  switch (details.code) {
    case 'INVALID_CREDENTIALS':
      return `That is not right: ${isSignIn ? 'the email address, the username or the password' : 'the password'} is wrong.`;
    case 'WEAK_PASSWORD':
      return ['Choose another password.', ...(details.reasons ?? [details.reason ?? '']).map((one) => faultsOfPasswords[one] ?? '')]
        .join(' ')
        .trim();
    case 'EMAIL_TAKEN':
      return 'This email address already has an account. Sign in instead, or ask for a new password.';
    case 'USERNAME_TAKEN':
      return 'Somebody has this username already.';
    case 'EMAIL_NOT_VERIFIED':
      return 'Verify your email address first: follow the link that was mailed to it.';
    case 'ACCOUNT_DISABLED':
      return `This account is disabled.${isSignIn ? ' Ask an administrator.' : ''}`;
    case 'BAD_USER_INPUT':
      return wordsForInput(details);
    case 'FORBIDDEN':
      return wordsForRefusal(details);
    case 'RATE_LIMITED':
      return 'Too many attempts.';
    case 'NOT_FOUND':
      return 'There is no such thing any more.';
    case 'REAUTHENTICATION_REQUIRED':
      return 'Confirm your password to do this.';
    case 'SESSION_EXPIRED':
    case 'SESSION_REVOKED':
    case 'REFRESH_TOKEN_INVALID':
    case 'REFRESH_TOKEN_REUSED':
    case 'UNAUTHENTICATED':
      return 'You are not signed in any more.';
    case 'SERVICE_UNAVAILABLE':
      return 'The server cannot answer at the moment. Nothing was lost: try again.';
    case 'QUERY_TOO_COMPLEX':
      return 'That asks for too much at once.';
    default:
      return `Something went wrong on the server. Its log has the details under ${details.requestId ?? 'the time of this request'}.`;
  }
}

/** `fetch` rejects with a `TypeError` where there is no connection. */
const isOfNetwork = (problem: unknown): boolean =>
  [AuthUnavailableError, TypeError, DOMException].some((kind) => problem instanceof kind) ||
  ServerError.is(problem) ||
  ServerParseError.is(problem);

/** `isSignIn`: it was asked who somebody is, not only for the password. */
export function wordsFor(problem: unknown, isSignIn = false): string {
  const details = authErrorOf(problem);
  if (details !== null) return wordsByCode(details, isSignIn);
  if (problem instanceof AuthUnavailableError && problem.retryAfterMs !== null) return 'The server asks to wait.';
  if (isOfNetwork(problem)) return 'The server cannot be reached. Try again.';
  return CombinedGraphQLErrors.is(problem) ? 'Something went wrong on the server.' : 'Something went wrong in this page. Load it again.';
}

/** Seconds that the server asks to wait; 0 where it does not. */
export function secondsToWait(problem: unknown): number {
  const details = authErrorOf(problem);
  if (details !== null) return details.code === 'RATE_LIMITED' ? Math.ceil(details.retryAfter ?? 1) : 0;
  return problem instanceof AuthUnavailableError ? Math.ceil((problem.retryAfterMs ?? 0) / 1000) : 0;
}

type Ending = RevocationReason | AuthErrorReason<'SESSION_EXPIRED'> | 'REFRESH_TOKEN_INVALID' | 'REFRESH_TOKEN_REUSED';
const farewells: Readonly<Record<Ending, string>> = {
  LOGOUT: 'You signed out.',
  REVOKED_BY_USER: 'This session was ended from another device.',
  REVOKED_BY_ADMIN: 'This session was ended by an administrator.',
  TOKEN_REVOKED: 'This session was ended: one of its tokens was given back.',
  PASSWORD_CHANGED: 'This session was ended because the password was changed on another device.',
  PASSWORD_RESET: 'This session was ended because the password was reset.',
  EMAIL_CHANGED: 'This session was ended because the email address was changed.',
  REUSE_DETECTED: 'This session was ended for safety: a token of it was used twice. If that was not you, change your password.',
  REFRESH_TOKEN_REUSED: 'This session was ended for safety: a token of it was used twice. If that was not you, change your password.',
  BINDING_MISMATCH: 'This session was ended for safety: it went on from another network or browser.',
  ACCOUNT_DISABLED: 'This session was ended because the account was disabled.',
  ACCOUNT_DELETED: 'The account was deleted.',
  SESSION_LIMIT: 'This session was ended by a newer sign-in: the account may have only so many.',
  IDLE: 'You were signed out because this session was not used for long.',
  ABSOLUTE: 'You were signed out because this session had lasted as long as one may.',
  REFRESH_TOKEN_INVALID: 'You were signed out: the server does not know this session any more.',
};
const isEnding = (reason: string): reason is Ending => Object.hasOwn(farewells, reason);
/** Why somebody is signed out, in words; null where nobody had been signed in. */
export function farewellFor(reason: string): string | null {
  if (reason === 'NO_SESSION') return null;
  return isEnding(reason) ? farewells[reason] : 'This session has ended.';
}

const endings: Readonly<Record<RevocationReason, string>> = {
  LOGOUT: 'signed out',
  REVOKED_BY_USER: 'ended by its user',
  REVOKED_BY_ADMIN: 'ended by an administrator',
  TOKEN_REVOKED: 'ended by a token given back',
  PASSWORD_CHANGED: 'ended by a change of the password',
  PASSWORD_RESET: 'ended by a reset of the password',
  EMAIL_CHANGED: 'ended by a change of the email address',
  REUSE_DETECTED: 'ended for safety: a token was used twice',
  BINDING_MISMATCH: 'ended for safety: another network or browser',
  ACCOUNT_DISABLED: 'ended: the account was disabled',
  ACCOUNT_DELETED: 'ended: the account was deleted',
  SESSION_LIMIT: 'ended by a newer sign-in',
};
export const endingFor = (reason: RevocationReason | null): string => (reason === null ? 'ended' : endings[reason]);

export const deviceKinds: Readonly<Record<DeviceKind, string>> = {
  DESKTOP: 'computer',
  MOBILE: 'telephone',
  TABLET: 'tablet',
  TV: 'television',
  BOT: 'crawler',
  PROGRAM: 'program',
  UNKNOWN: 'unknown device',
};

/** `SIGN_IN_FAILED` as `Sign in failed`. */
export const wordsOfName = (name: string): string => {
  const words = name.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};
export const counted = (count: number, one: string, many = `${one}s`): string => `${count.toLocaleString()} ${count === 1 ? one : many}`;
