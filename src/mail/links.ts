/** From the settings alone: a link made from what a request says of its host would take tokens to whoever sent it. */
export interface LinkConfig {
  /** Without a trailing slash. */
  readonly publicUrl: string;
  /** Null: the server's own page. */
  readonly resetUrl: string | null;
  readonly verifyUrl: string | null;
}

/** The token is in the fragment, which browsers send to no server and name in no `Referer` (RFC 3986 3.5). */
const withToken = (page: string, token: string): string => `${page}#token=${encodeURIComponent(token)}`;

/** To the page that asks for a new password. */
export const resetLink = ({ resetUrl, publicUrl }: LinkConfig, token: string): string =>
  withToken(resetUrl ?? `${publicUrl}/reset-password`, token);

/** To the page that confirms an address. */
export const verifyLink = ({ verifyUrl, publicUrl }: LinkConfig, token: string): string =>
  withToken(verifyUrl ?? `${publicUrl}/verify-email`, token);

/** To the same page: it tells the two by `purpose`. */
export const revertLink = (config: LinkConfig, token: string): string => `${verifyLink(config, token)}&purpose=revert`;
