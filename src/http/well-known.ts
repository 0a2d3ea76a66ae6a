import type { JsonWebKey } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

export interface PublishedKeys {
  /** Public keys only. */
  readonly keySet: () => { readonly keys: readonly JsonWebKey[] };
  /** For how long resource servers may keep the key set. */
  readonly maxAgeSeconds: number;
}

/** The key set for resource servers (RFC 7517 5). It is public, so any page may read it, without credentials. */
export function registerWellKnown(app: FastifyInstance, { keySet, maxAgeSeconds }: PublishedKeys): void {
  const config = { cors: { origin: '*', credentials: false } };
  app.get('/.well-known/jwks.json', { config }, async (_request, reply) => {
    reply.header('cache-control', `public, max-age=${maxAgeSeconds}`);
    return keySet();
  });
}
