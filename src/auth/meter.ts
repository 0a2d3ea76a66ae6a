import type { AuthErrorCode } from './errors.js';

/** What became of a refresh, however many tries it took. `failed`: by a fault of the server, which the log has. */
export const refreshOutcomes = [
  'rotated',
  'repeated',
  'reused',
  'revoked',
  'expired',
  'invalid',
  'disabled',
  'binding_mismatch',
  'rate_limited',
  'unavailable',
  'failed',
] as const;
export type RefreshOutcome = (typeof refreshOutcomes)[number];

/** `expired` and `revoked` also where the session has ended and the token by itself has not. `failed`: a fault of the server. */
export const accessTokenResults = ['valid', 'expired', 'invalid', 'revoked', 'unavailable', 'failed'] as const;
export type AccessTokenResult = (typeof accessTokenResults)[number];

/** How this process learns of a revocation: by reading the store for each request, or by a feed. */
export const revocationModes = ['read_through', 'feed'] as const;
export type RevocationMode = (typeof revocationModes)[number];

export const signInKinds = ['signup', 'login'] as const;
export type SignInKind = (typeof signInKinds)[number];

/** What is counted, and refused when there is too much of it. */
export const throttleKinds = [
  'password',
  'signup',
  'reset',
  'verification',
  'refresh',
  'end_all',
  'password_change',
  'username_change',
] as const;
export type ThrottleKind = (typeof throttleKinds)[number];

/** `sent`: a mailer took it; `retried`: it did not, and gets it again; `dropped`: its address has got too many of its kind. */
export const mailOutcomes = ['sent', 'retried', 'given_up', 'dropped'] as const;
export type MailOutcome = (typeof mailOutcomes)[number];

/** One password on its way through the hashing queue: either `refused`, or `started` and later `ended`. */
export interface HashWatch {
  refused(): void;
  started(): void;
  ended(): void;
}

/**
 * What services tell of their work, for an operator to count. It says how often and how long, never who: no address, id or token
 * passes here. Calls return at once and do not throw.
 */
export interface Meter {
  /** Once for each call of `SignIns.signUp` or `SignIns.signIn`, however many tries it took. */
  signInEnded(kind: SignInKind, outcome: 'OK' | AuthErrorCode): void;
  /** Once for each call of `Refreshes.refresh`. */
  refreshEnded(outcome: RefreshOutcome): void;
  /** Once for each request that came with an access token. */
  accessTokenChecked(result: AccessTokenResult): void;
  /**
   * Some times a second while the feed of revocations is watched. `lagSeconds`: how long ago the instant lies up to which every revocation is
   * proven to be known; null while nothing is proven. `entries`: revocations and changed accounts in memory.
   */
  revocationsSeen(mode: RevocationMode, lagSeconds: number | null, entries: number): void;
  /** Something was refused because there had been too much of its kind. */
  throttled(kind: ThrottleKind): void;
  /** Something became of a mail; several times `retried` before it is `sent` or `given_up`. */
  mailEnded(outcome: MailOutcome): void;
  /** A password asks for a place at a hashing thread. */
  hashAsked(): HashWatch;
}

const nothing = (): void => undefined;
const noWatch: HashWatch = { refused: nothing, started: nothing, ended: nothing };

/** Counts nothing. */
export const noMeter: Meter = {
  signInEnded: nothing,
  refreshEnded: nothing,
  accessTokenChecked: nothing,
  revocationsSeen: nothing,
  throttled: nothing,
  mailEnded: nothing,
  hashAsked: () => noWatch,
};
