/** Whether this is the machine itself, where nobody sits in between. Without the brackets of an IPv6 address in a URL. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** The host of a URL as a connection takes it. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** Whether mails, with the links in them, may go over a network unencrypted to this mail server. */
export function isPlainSmtp(text: string): boolean {
  const url = new URL(text);
  return url.protocol === 'smtp:' && url.username === '' && !isLoopback(hostOf(url));
}
