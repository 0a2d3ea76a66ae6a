import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuthError } from '../auth/errors.js';
import type { RefreshTokenTransport } from '../auth/viewer.js';
import type { Config } from '../config.js';
import { comesFromAllowedPage } from './origin.js';

declare module 'fastify' {
  interface FastifyRequest {
    transport: RefreshTokenTransport;
  }
}

export interface TransportDeps {
  readonly config: Pick<Config, 'publicUrl' | 'allowedOrigins'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const bearer: RefreshTokenTransport = {
  mode: 'bearer',
  presented: { kind: 'none' },
  set: () => undefined,
  clear: () => undefined,
};

/**
 * The raw header, since parsers keep one of several cookies of a name: a second one was planted by a neighbouring host
 * (RFC 6265 8.6), and which of the two is ours cannot be told.
 */
function presentedIn(header: string | undefined, name: string): RefreshTokenTransport['presented'] {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  const [token] = values;
  if (token === undefined) return { kind: 'none' };
  return values.length === 1 ? { kind: 'one', token } : { kind: 'several' };
}

/**
 * How refresh tokens travel for a request (`Latchkey-Transport: cookie` or `bearer`). Throws `BAD_REQUEST` (`TRANSPORT`) for
 * another value, `FORBIDDEN` (`ORIGIN_NOT_ALLOWED`) for cookie mode from a page that is not allowed.
 */
export function createTransportReader({ config, now }: TransportDeps) {
  const secure = config.publicUrl.startsWith('https:');
  // `__Host-` (RFC 6265bis 4.1.3.2): Secure, Path=/, no Domain, or the browser refuses the cookie. Plain http cannot have it.
  const name = secure ? '__Host-latchkey' : 'latchkey';

  return (request: FastifyRequest, reply: FastifyReply): RefreshTokenTransport => {
    const wanted = request.headers['latchkey-transport'];
    if (wanted === undefined || wanted === 'bearer') return bearer;
    if (wanted !== 'cookie') throw new AuthError('BAD_REQUEST', { reason: 'TRANSPORT' });
    // A GET reads no cookie, whatever it asks for: it needs no protection against forged requests because it has no credential.
    if (request.method === 'GET') return bearer;
    if (!comesFromAllowedPage(request, config.allowedOrigins)) throw new AuthError('FORBIDDEN', { reason: 'ORIGIN_NOT_ALLOWED' });

    const write = (value: string, expiresAt: number): void => {
      const maxAge = Math.max(0, Math.floor((expiresAt - now()) / 1000));
      const attributes = { path: '/', httpOnly: true, secure, sameSite: 'lax', expires: new Date(expiresAt), maxAge } as const;
      // Fastify collects Set-Cookie headers: the last word in a request is the one that counts.
      reply.removeHeader('set-cookie');
      reply.header('set-cookie', fastifyCookie.serialize(name, value, attributes));
    };
    return {
      mode: 'cookie',
      presented: presentedIn(request.headers.cookie, name),
      set: (token, expiresAt) => write(token, expiresAt),
      clear: () => write('', 0),
    };
  };
}

/** As settled for this request to `/graphql` before its body was read. */
export function transportOf(request: FastifyRequest): RefreshTokenTransport {
  return request.transport;
}
