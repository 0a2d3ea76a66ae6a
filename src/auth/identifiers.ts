import { isEmail } from 'class-validator';

/**
 * The one form in which an email address is stored, compared and returned: trimmed, NFC, lower case. Null when that is not
 * an address (RFC 5321: at most 254 characters), so that two spellings can never become two accounts.
 */
export function normalizeEmail(input: string): string | null {
  if (input.length > 1024) return null;
  const email = input.trim().normalize('NFC').toLowerCase();
  return email.length <= 254 && isEmail(email) ? email : null;
}

/** 3 to 32 characters that need no quoting anywhere; kept as typed, unique without regard to case. */
export const isUsername = (input: string): boolean => /^[A-Za-z0-9._-]{3,32}$/.test(input);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Ids are opaque to clients; a malformed one answers like an unknown one, without asking the store. */
export const isId = (input: string): boolean => uuid.test(input);
