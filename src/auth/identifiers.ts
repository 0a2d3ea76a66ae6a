// This one file: the whole package takes longer to load than everything else that the command line needs.
import emailCheck from 'validator/lib/isEmail.js';
import { AuthError } from './errors.js';

/**
 * The one form in which an email address is stored, compared and returned: trimmed, lower case, NFC. Null when that is not
 * an address (RFC 5321: at most 254 characters), so that two spellings can never become two accounts. Composed last, because
 * a lower-case letter may have a composed form where its capital has none.
 */
export function normalizeEmail(input: string): string | null {
  if (input.length > 1024 || !isWellFormed(input)) return null;
  const email = input.trim().normalize('NFC').toLowerCase().normalize('NFC');
  return email.length <= 254 && emailCheck.default(email) ? email : null;
}

/** As `normalizeEmail`. Throws `AuthError` `BAD_USER_INPUT` for what is no address. */
export function emailFrom(input: string, field: string): string {
  const email = normalizeEmail(input);
  if (email === null) throw new AuthError('BAD_USER_INPUT', { field, reason: 'INVALID' });
  return email;
}

/** Whether the text is Unicode throughout: half of a surrogate pair cannot be written as UTF-8. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** 3 to 32 characters that need no quoting anywhere; kept as typed, unique without regard to case. */
export const isUsername = (input: string): boolean => /^[A-Za-z0-9._-]{3,32}$/.test(input);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Ids are opaque to clients; a malformed one answers like an unknown one, without asking the store. */
export const isId = (input: string): boolean => uuid.test(input);
