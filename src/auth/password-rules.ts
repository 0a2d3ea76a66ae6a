import { createRequire } from 'node:module';
import { AuthError } from './errors.js';
import { isWellFormed } from './identifiers.js';

type CommonPasswords = typeof import('fxa-common-password-list').default;

const load = createRequire(import.meta.url);
let commonPasswords: CommonPasswords | undefined;

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
 * form. Throws `AuthError` `WEAK_PASSWORD` with all reasons, `BAD_USER_INPUT` for text that is not well-formed Unicode (its lone
 * surrogates would all be hashed alike).
 */
export function checkNewPassword(password: string, field: string, logins: readonly (string | null)[], rules: PasswordRules): void {
  if (password.length > longestPasswordUnits) throw weak(field, ['TOO_LONG']);
  if (!isWellFormed(password)) throw new AuthError('BAD_USER_INPUT', { field, reason: 'INVALID' });
  const reasons = [...objections(password.normalize('NFC'), logins, rules)];
  if (reasons.length > 0) throw weak(field, reasons);
}

function* objections(normalized: string, logins: readonly (string | null)[], rules: PasswordRules): Generator<string> {
  const length = [...normalized].length;
  if (length < rules.passwordMinLength) yield 'TOO_SHORT';
  if (length > rules.passwordMaxLength) yield 'TOO_LONG';
  const lowerCase = normalized.toLowerCase();
  if (logins.some((login) => login?.toLowerCase() === lowerCase)) yield 'SAME_AS_LOGIN';
  if (isCommon(normalized) || isCommon(lowerCase)) yield 'COMMON';
}

/** Loaded by the first password that somebody chooses: most commands and many servers' lives never need the list. */
function isCommon(password: string): boolean {
  commonPasswords ??= load('fxa-common-password-list') as CommonPasswords;
  return commonPasswords.test(password);
}

const weak = (field: string, reasons: readonly string[]): AuthError =>
  new AuthError('WEAK_PASSWORD', { field, reason: reasons[0], reasons });
