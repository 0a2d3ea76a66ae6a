import type { Account } from './account.js';

/** Claims of an embedding application, beside those of the server. */
export type OwnClaims = Readonly<Record<string, unknown>>;
export type OwnClaimsSource = (account: Account) => OwnClaims | Promise<OwnClaims>;

/** What this server sets (RFC 9068 2.2), and what would change how a token is to be judged (RFC 7519 4.1.5, RFC 7800 3.1, RFC 8693 4). */
const reserved: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'sub', 'sid', 'gen', 'ver', 'epoch', 'client_id', 'iat', 'exp', 'jti', 'roles', 'scope'],
  ...['email', 'email_verified', 'username', 'nbf', 'cnf', 'act', 'may_act'],
]);
/** A token travels in a header of every request. */
const mostBytes = 2_048;

/** The application's own claims cannot go into a token. The message names claims, never a value. */
export class OwnClaimsError extends Error {
  override readonly name = 'OwnClaimsError';
}

/** The claims as JSON has them. Throws `OwnClaimsError` for a reserved name, for what is no JSON object, and above 2,048 bytes. */
export function checkOwnClaims(claims: unknown): OwnClaims {
  const text = jsonOf(claims);
  if (text === undefined || !text.startsWith('{')) throw new OwnClaimsError('the own claims are no JSON object');
  if (Buffer.byteLength(text) > mostBytes) throw new OwnClaimsError(`the own claims take more than ${mostBytes} bytes`);
  const plain = JSON.parse(text) as Record<string, unknown>;
  const taken = Object.keys(plain).filter((name) => reserved.has(name));
  if (taken.length > 0) throw new OwnClaimsError(`the own claims use reserved names: ${taken.join(', ')}`);
  return plain;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
