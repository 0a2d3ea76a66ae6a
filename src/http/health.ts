import type { FastifyInstance } from 'fastify';

/** What `/readyz` tells of how access tokens are judged. Both are ready: reading is slower, not wrong. */
export type RevocationMode = 'feed' | 'read_through';

/** `/healthz`: the process answers. `/readyz`: the store does too, and how tokens are judged. Neither says more, for anyone may ask. */
export function registerHealth(app: FastifyInstance, ready: () => Promise<RevocationMode>): void {
  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { status: 'ok' };
  });

  app.get('/readyz', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    try {
      return { status: 'ready', revocations: await ready() };
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
      reply.code(503);
      return { status: 'unavailable' };
    }
  });
}
