import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuthError } from '../auth/errors.js';

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Lets a request pass that sends the token as `Authorization: Bearer` (RFC 6750 2.1), and throws `UNAUTHENTICATED` for any other. Tokens are
 * compared by hash, in constant time.
 */
export function createBearerGuard(token: string): (request: FastifyRequest, reply: FastifyReply) => void {
  const expected = digestOf(token);
  return (request, reply) => {
    const presented = request.facts.accessToken;
    if (presented !== null && timingSafeEqual(digestOf(presented), expected)) return;
    reply.header('www-authenticate', 'Bearer');
    throw new AuthError('UNAUTHENTICATED', { reason: presented === null ? 'NO_TOKEN' : 'INVALID' });
  };
}
