import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { type HttpServerDeps, registerRoutes } from './server.js';

/** The routes of the service, to be registered on a Fastify instance; a prefix may be given. */
export type ServerPlugin = FastifyPluginAsync;

interface Life {
  /** When the instance is ready to serve. */
  readonly onReady: () => void;
  /** When the instance closes, and its requests in flight have ended. */
  readonly onClose: () => Promise<void>;
}

/**
 * The routes in a scope of their own: hooks, errors and headers of theirs touch no other route. What belongs to the server as a
 * whole stays the instance's: unknown paths, request ids, limits of the sockets, and which proxies are trusted (`trustProxy`).
 */
export function mountable(deps: HttpServerDeps, { onReady, onClose }: Life): ServerPlugin {
  return async (app: FastifyInstance) => {
    if (deps.config.trustedProxies.length > 0) {
      throw new Error('LATCHKEY_TRUSTED_PROXIES has no effect on a Fastify instance of your own: set its trustProxy instead');
    }
    await registerRoutes(app, deps);
    app.addHook('onReady', async () => onReady());
    app.addHook('onClose', onClose);
  };
}
