import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { AuthError } from '../auth/errors.js';

export interface MetricsSource {
  /** Who sends this may read. */
  readonly token: string;
  readonly contentType: string;
  readonly render: () => Promise<string>;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `GET /metrics`, for whoever sends the token as `Authorization: Bearer` (RFC 6750 2.1). Tokens are compared by hash, in constant time. */
export function registerMetrics(app: FastifyInstance, { token, contentType, render }: MetricsSource): void {
  const expected = digestOf(token);
  app.get('/metrics', async (request, reply) => {
    const presented = request.facts.accessToken;
    if (presented === null || !timingSafeEqual(digestOf(presented), expected)) {
      reply.header('www-authenticate', 'Bearer');
      throw new AuthError('UNAUTHENTICATED', { reason: presented === null ? 'NO_TOKEN' : 'INVALID' });
    }
    reply.header('cache-control', 'no-store').type(contentType);
    return render();
  });
}
