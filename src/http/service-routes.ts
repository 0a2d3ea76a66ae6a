import type { FastifyInstance } from 'fastify';
import { createBearerGuard } from './bearer-guard.js';
import { type Introspect, registerIntrospection } from './introspection-route.js';
import { type ReadRevocations, registerRevocations } from './revocations-route.js';

/** What other services may ask. */
export interface ServiceEndpoints {
  /** Who sends this may ask. */
  readonly token: string;
  readonly introspect: Introspect;
  readonly readRevocations: ReadRevocations;
}

/** `POST /introspect` and `GET /revocations`, for whoever sends the token: that is judged before the body is read. */
export async function registerServiceRoutes(app: FastifyInstance, endpoints: ServiceEndpoints, maxBodyBytes: number): Promise<void> {
  await app.register(async (scope) => {
    const demandToken = createBearerGuard(endpoints.token);
    scope.addHook('onRequest', async (request, reply) => demandToken(request, reply));
    registerIntrospection(scope, endpoints.introspect, maxBodyBytes);
    registerRevocations(scope, endpoints.readRevocations);
  });
}
