import type { FastifyInstance } from 'fastify';
import { createBearerGuard } from './bearer-guard.js';

export interface MetricsSource {
  /** Who sends this may read. */
  readonly token: string;
  readonly contentType: string;
  readonly render: () => Promise<string>;
}

/** `GET /metrics`, for whoever sends the token. */
export function registerMetrics(app: FastifyInstance, { token, contentType, render }: MetricsSource): void {
  const demandToken = createBearerGuard(token);
  app.get('/metrics', async (request, reply) => {
    demandToken(request, reply);
    reply.header('cache-control', 'no-store').type(contentType);
    return render();
  });
}
