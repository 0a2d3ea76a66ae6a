import ipaddr from 'ipaddr.js';
import type { Config } from '../config.js';
import { type Check, fail, ok, warn } from './check.js';

type WebConfig = Pick<Config, 'publicUrl' | 'host' | 'trustedProxies' | 'allowedOrigins'>;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');
/** No organization has a network of its own that is larger. */
const widest = { ipv4: 8, ipv6: 16 };

/** Whether the addresses of clients can be told. The server itself speaks no TLS: an https URL means that a proxy is in front. */
export function checkProxies({ publicUrl, host, trustedProxies }: WebConfig): Check {
  const name = 'proxies';
  const prefixes = trustedProxies.filter((network) => network.includes('/')).map((network) => ipaddr.parseCIDR(network));
  if (prefixes.some(([, bits]) => bits === 0)) {
    return fail(
      name,
      'LATCHKEY_TRUSTED_PROXIES trusts everybody: any client can choose the address it is known by. Name your proxies only',
    );
  }
  if (prefixes.some(([address, bits]) => bits < widest[address.kind()])) {
    return warn(name, 'LATCHKEY_TRUSTED_PROXIES holds a very large network: whoever is in it can choose the address it is known by');
  }
  if (trustedProxies.length > 0) return ok(name, `${trustedProxies.length} trusted to name the client's address`);
  if (!publicUrl.startsWith('https:')) return ok(name, 'none: clients are known by the address they connect from');
  const where = isLoopback(host) ? 'on this machine' : 'in front';
  return warn(
    name,
    `the public URL is https, so there is a proxy ${where}, but none is trusted: every client has the proxy's address. Set LATCHKEY_TRUSTED_PROXIES`,
  );
}

/**
 * Whether browsers will send the cookie. `SameSite=Lax` keeps it from requests of pages of other sites. A site is a scheme and a registrable
 * domain (HTML 7.1.1.1); without the list of public suffixes, hosts that share no more than a last label are surely of two.
 */
export function checkCookies({ publicUrl, allowedOrigins }: WebConfig): Check[] {
  const name = 'cookies';
  const own = new URL(publicUrl);
  const foreign = allowedOrigins.filter((origin) => !mayShareSite(new URL(origin), own));
  const checks = foreign.map((origin) =>
    warn(name, `${origin} is of another site than ${own.origin}: cookie mode cannot work from there (SameSite=Lax), bearer mode can`),
  );
  if (own.protocol === 'http:') checks.push(warn(name, 'the public URL is http: the cookie is not Secure, and has no __Host- prefix'));
  return checks.length > 0 ? checks : [ok(name, 'Secure, HttpOnly, SameSite=Lax, __Host-')];
}

function mayShareSite(one: URL, other: URL): boolean {
  if (one.protocol !== other.protocol) return false;
  if (one.hostname === other.hostname) return true;
  if ([one, other].some(({ hostname }) => ipaddr.isValid(hostname.replace(/^\[|\]$/g, '')))) return false;
  const labels = [one, other].map(({ hostname }) => hostname.split('.').slice(-2));
  return labels.every((pair) => pair.length === 2) && labels[0]?.join('.') === labels[1]?.join('.');
}
