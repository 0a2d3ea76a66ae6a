import { createHash, randomBytes } from 'node:crypto';
import type { AccountRecord, EpochMs, OneTimePurpose, OneTimeTokenRecord } from '../store/records.js';

/** Lets secret scanners recognise a leaked token. */
const prefix = 'lk_ot_';
const idBytes = 16;
const tokenBytes = idBytes + 32;
const domain = 'latchkey one-time token v1\0';

/** How long an old address can get its account back: 7 days. */
export const revertTtlSeconds = 7 * 86_400;
/** Of one purpose an account has at most so many. */
export const mostTokens = 5;

/** What a token's hash is bound to: one of an account's, or that of a sign-up that waits. */
type Purpose = OneTimePurpose | 'SIGNUP';

/** A mailed secret as it was presented: whose it says it is, and the 32 random bytes that prove it. */
export interface PresentedToken {
  /** Of an account, or of a sign-up that waits. */
  readonly subjectId: string;
  readonly secret: Buffer;
}

interface MintedToken {
  /** For the mail alone. */
  readonly token: string;
  readonly expiresAt: EpochMs;
  readonly record: OneTimeTokenRecord;
}

/** The one form in which a secret is kept. Plain SHA-256 is enough: nobody can guess 256 random bits. */
export function hashOf(secret: Buffer, purpose: Purpose): string {
  return createHash('sha256').update(`${domain}${purpose}\0`).update(secret).digest('base64url');
}

/** A new token, and the hash by which it is known. The subject's id in front spares an index on hashes; it is no secret. */
export function mintSecret(subjectId: string, purpose: Purpose): { readonly token: string; readonly hash: string } {
  const secret = randomBytes(tokenBytes - idBytes);
  const id = Buffer.from(subjectId.replaceAll('-', ''), 'hex');
  return { token: prefix + Buffer.concat([id, secret]).toString('base64url'), hash: hashOf(secret, purpose) };
}

/** A token of this account as it is: void after the next rise of its epoch. `email`: see `OneTimeTokenRecord`. */
export function mintOneTimeToken(
  account: Pick<AccountRecord, 'id' | 'sessionEpoch'>,
  purpose: OneTimePurpose,
  expiresAt: EpochMs,
  email: string | null = null,
): MintedToken {
  const { token, hash } = mintSecret(account.id, purpose);
  return { token, expiresAt, record: { purpose, hash, epoch: account.sessionEpoch, expiresAt, email } };
}

/** Null for anything that is not a token in its one canonical spelling. Never asks the store. */
export function readOneTimeToken(token: string): PresentedToken | null {
  if (!token.startsWith(prefix) || token.length > 128) return null;
  const encoded = token.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64url');
  if (bytes.length !== tokenBytes || bytes.toString('base64url') !== encoded) return null;
  const hex = bytes.toString('hex', 0, idBytes);
  const subjectId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return { subjectId, secret: bytes.subarray(idBytes) };
}

/**
 * The account's token of this purpose that was presented, if it is good: there, not expired, and of the present epoch. The way back to an old
 * address outlives a rise of the epoch: whoever took an account over changes its password next, or ends its sessions.
 */
export function findGoodToken(
  account: AccountRecord,
  purpose: OneTimePurpose,
  presented: PresentedToken,
  now: EpochMs,
): OneTimeTokenRecord | null {
  const hash = hashOf(presented.secret, purpose);
  const found = account.oneTimeTokens.find((token) => token.purpose === purpose && token.hash === hash);
  if (found === undefined || now >= found.expiresAt) return null;
  return purpose === 'REVERT_EMAIL' || found.epoch === account.sessionEpoch ? found : null;
}

/** The ways back to old addresses that are still open, the oldest first. */
export function openReverts(account: AccountRecord, now: EpochMs): OneTimeTokenRecord[] {
  return account.oneTimeTokens.filter(({ purpose, expiresAt }) => purpose === 'REVERT_EMAIL' && now < expiresAt);
}
