/**
 * The token of an `Authorization` header (RFC 6750 2.1; the scheme's name in any case, RFC 9110 11.1). Null where there is no header, another
 * scheme, no token, or more than one.
 */
export function bearerToken(authorization: string | null | undefined): string | null {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? '')?.[1] ?? null;
}
