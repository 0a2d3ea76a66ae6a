import commonPasswords from 'fxa-common-password-list';
import { AuthError } from './errors.js';
import { isWellFormed } from './identifiers.js';

export interface PasswordRules {
  readonly passwordMinLength: number;
  readonly passwordMaxLength: number;
}

/**
 * Beyond this many UTF-16 units nothing is normalized: composing a long run of combining marks takes quadratic time. No password that
 * is allowed has so many.
 */
export const longestPasswordUnits = 4_096;

/**
 * NIST SP 800-63B 5.1.1.2: length, a list of common passwords, nothing about composition. Lengths are in code points of the NFC
 * form. Throws `AuthError` `WEAK_PASSWORD` with the reason, `BAD_USER_INPUT` for text that is not well-formed Unicode (its lone
 * surrogates would all be hashed alike).
 */
export function checkNewPassword(password: string, field: string, logins: readonly (string | null)[], rules: PasswordRules): void {
  if (password.length > longestPasswordUnits) throw new AuthError('WEAK_PASSWORD', { field, reason: 'TOO_LONG' });
  if (!isWellFormed(password)) throw new AuthError('BAD_USER_INPUT', { field, reason: 'INVALID' });
  const normalized = password.normalize('NFC');
  const length = [...normalized].length;
  const refuse = (reason: string) => new AuthError('WEAK_PASSWORD', { field, reason });
  if (length < rules.passwordMinLength) throw refuse('TOO_SHORT');
  if (length > rules.passwordMaxLength) throw refuse('TOO_LONG');
  const lowerCase = normalized.toLowerCase();
  if (logins.some((login) => login?.toLowerCase() === lowerCase)) throw refuse('SAME_AS_LOGIN');
  if (commonPasswords.test(normalized) || commonPasswords.test(lowerCase)) throw refuse('COMMON');
}
