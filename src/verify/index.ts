/** The entry `latchkey/verify`: for services that are shown access tokens. Loads nothing of the server. */
export { bearerToken } from './bearer.js';
export type { AccessTokenClaims } from './claims.js';
export { type RefusalReason, TokenRefusedError, VerifierUnavailableError } from './errors.js';
export type { VerifierOptions } from './options.js';
export type { VerifiableAlgorithm } from './token-checks.js';
export { createVerifier, type VerifiedToken, type Verifier, type VerifierState } from './verifier.js';
