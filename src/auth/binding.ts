import ipaddr from 'ipaddr.js';
import { deviceOf } from './devices.js';

/** The block that counts as one client network: /24 of IPv4, /64 of IPv6. Null and malformed addresses share one. */
export function networkOf(address: string | null): string {
  if (address === null || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  const bits = parsed.kind() === 'ipv4' ? 24 : 64;
  const bytes = parsed.toByteArray().slice(0, bits / 8);
  return `${bytes.join('.')}/${bits}`;
}

/** Exact for IPv4. Hosts change the lower half of an IPv6 address by themselves (RFC 8981): the /64 decides. */
export function isSameAddress(one: string | null, other: string | null): boolean {
  if (one === other) return true;
  return [one, other].every((address) => address !== null && ipaddr.IPv6.isValid(address)) && networkOf(one) === networkOf(other);
}

/** The same browser on the same system, in whatever version: an update of the browser must sign nobody out. */
export function isSameAgent(one: string | null, other: string | null): boolean {
  if (one === other) return true;
  const [before, after] = [deviceOf(one), deviceOf(other)];
  return before.kind !== 'UNKNOWN' && before.label === after.label && before.kind === after.kind;
}
