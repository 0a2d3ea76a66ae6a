import type { JsonWebKey } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** Public keys only. */
export type KeySet = { readonly keys: readonly JsonWebKey[] };

/** For how long resource servers may keep the key set. A new key stands in the set for longer before it signs. */
const jwksMaxAgeSeconds = 300;

/** The key set for resource servers (RFC 7517 5). It is public, so any page may read it, without credentials. */
export function registerWellKnown(app: FastifyInstance, jwks: () => KeySet): void {
  const config = { cors: { origin: '*', credentials: false } };
  app.get('/.well-known/jwks.json', { config }, async (_request, reply) => {
    reply.header('cache-control', `public, max-age=${jwksMaxAgeSeconds}`);
    return jwks();
  });
}
