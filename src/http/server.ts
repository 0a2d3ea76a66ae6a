import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { type FastifyInstance, type FastifyServerOptions, fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import { AuthError, serviceUnavailable } from '../auth/errors.js';
import type { Config } from '../config.js';
import { type ConsoleDeps, registerConsole } from './console.js';
import { createTransportReader } from './cookies.js';
import { createClientErrorHandler, createErrorHandler, type ToErrorBody } from './error-answers.js';
import { type GraphqlRouteDeps, registerGraphqlRoute } from './graphql-route.js';
import { registerGraphqlSocket, type SocketProtocol } from './graphql-socket.js';
import { type RevocationMode, registerHealth } from './health.js';
import { watchIdleConnections } from './idle-connections.js';
import { linkPagePaths, registerLinkPages } from './link-pages.js';
import { type MetricsSource, registerMetrics } from './metrics-route.js';
import { corsOptions } from './origin.js';
import { refusal } from './refusals.js';
import { createFactsReader } from './request-facts.js';
import { requestIdOf } from './request-id.js';
import { observeRequests, type RequestObserver } from './request-observer.js';
import { registerServiceRoutes, type ServiceEndpoints } from './service-routes.js';
import { type PublishedKeys, registerWellKnown } from './well-known.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** So much longer than others a request of this route may take, because it waits for something to happen. */
    readonly mayWaitMs?: number;
  }
}

export interface HttpServerDeps extends Omit<GraphqlRouteDeps, 'readTransport' | 'maxBodyBytes' | 'socket'>, ConsoleDeps {
  readonly config: Pick<
    Config,
    | 'publicUrl'
    | 'allowedOrigins'
    | 'trustedProxies'
    | 'maxBodyBytes'
    | 'requestTimeoutMs'
    | 'sandbox'
    | 'console'
    | 'resetUrl'
    | 'verifyUrl'
  >;
  readonly logger: Logger;
  readonly toErrorBody: ToErrorBody;
  /** How access tokens are judged. Rejects while the store does not answer. */
  readonly ready: () => Promise<RevocationMode>;
  readonly jwks: PublishedKeys;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly observer?: RequestObserver | null;
  /** Null: no sockets. */
  readonly socketProtocol?: SocketProtocol | null;
  /** Null: `/metrics` is a path like any that is not there. */
  readonly metrics?: MetricsSource | null;
  /** Null: `/introspect` and `/revocations` are paths like any that are not there. */
  readonly serviceEndpoints?: ServiceEndpoints | null;
}

const allowedMethods: Readonly<Record<string, string>> = {
  '/graphql': 'GET, POST',
  '/healthz': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
  '/.well-known/jwks.json': 'GET, HEAD',
  '/metrics': 'GET, HEAD',
  '/introspect': 'POST',
  '/revocations': 'GET',
  '/console': 'GET, HEAD',
  ...Object.fromEntries(linkPagePaths.map((path) => [path, 'GET, HEAD'])),
};

function serverOptions({ config, logger, toErrorBody }: HttpServerDeps): FastifyServerOptions {
  const handleError = createErrorHandler(toErrorBody);
  // For headers that never end; the clock of `addTimeLimit` answers first where there is a request.
  const socketTimeout = config.requestTimeoutMs + 500;
  const http = { headersTimeout: socketTimeout, requestTimeout: socketTimeout, connectionsCheckingInterval: 250 };
  const options = {
    loggerInstance: logger,
    // One line for a request, written below; Fastify's own lines hold the query string.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    bodyLimit: config.maxBodyBytes,
    requestTimeout: socketTimeout,
    http,
    // Its answer would not be in our shape: what still arrives on an open connection is served, and the connection closed.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply.header('x-request-id', request.id));
    },
    clientErrorHandler: createClientErrorHandler(toErrorBody, logger),
  } satisfies FastifyServerOptions & { http: typeof http };
  return options;
}

/** A plugin of Fastify's that stands in the surrounding scope already would answer for this one too, by its own policy. */
function refuseForeignHeaders(app: FastifyInstance): void {
  if (app.hasRequestDecorator('corsPreflightEnabled'))
    throw new Error('register Latchkey before @fastify/cors, or beside it in another scope');
  if (app.hasReplyDecorator('helmet')) throw new Error('register Latchkey before @fastify/helmet, or beside it in another scope');
}

async function registerPlugins(app: FastifyInstance, config: HttpServerDeps['config']): Promise<void> {
  refuseForeignHeaders(app);
  await app.register(cors, corsOptions(config));
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: config.publicUrl.startsWith('https:') ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
}

function addHooks(app: FastifyInstance, logger: Logger): void {
  const readFacts = createFactsReader((peer) =>
    logger.warn({ peer }, 'X-Forwarded-For is ignored: the peer is not in LATCHKEY_TRUSTED_PROXIES. Behind a proxy, name it there.'),
  );
  app.addHook('onRequest', async (request, reply) => {
    request.facts = readFacts(request, reply.raw);
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async ({ facts, log, method, url, watch, routeOptions }, reply) => {
    if (routeOptions.url?.endsWith('/healthz')) return;
    const req = { method, url, ip: facts.ipAddress };
    const traceId = watch?.traceId ?? undefined;
    log.info({ req, status: reply.statusCode, ms: Math.round(reply.elapsedTime), trace_id: traceId }, 'request');
  });
}

/** Requests in flight are finished; a connection kept alive after its last answer would hold up the stop. */
function closeAfterLastAnswer(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}

/**
 * Answers for a request that takes too long, its body included. Fastify's own `handlerTimeout` (5.12) stops its clock when the
 * body has been read, and so never fires for a POST.
 */
function addTimeLimit(app: FastifyInstance, requestTimeoutMs: number): void {
  app.addHook('onRequest', async ({ routeOptions }, reply) => {
    const clock = setTimeout(
      () => {
        if (!reply.sent) reply.send(serviceUnavailable(new Error('the time for the request ran out')));
      },
      requestTimeoutMs + (routeOptions.config.mayWaitMs ?? 0),
    );
    reply.raw.once('close', () => clearTimeout(clock));
  });
}

/** No such path, or not by this method. Decided before the body: Fastify would read and judge it first. */
function addNotFound(app: FastifyInstance): void {
  // What settings, or a console that was not built, have left out is a path like any that is not there.
  const isThere = (url: string, methods: string) => app.hasRoute({ url, method: methods.split(', ', 1)[0] ?? '' });
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = allowedMethods[path];
    if (methods === undefined || !isThere(path, methods)) throw new AuthError('NOT_FOUND');
    reply.header('allow', methods);
    throw refusal('METHOD');
  });
  // Reached only by a preflight from an origin that is not allowed.
  app.setNotFoundHandler(async () => {
    throw new AuthError('NOT_FOUND');
  });
}

/**
 * The routes with all that belongs to them, on a server or in a scope of an existing one. Every answer but the console's and the pages' is JSON
 * with the request's id, every failure `{ errors: [...] }`; a request takes at most `requestTimeoutMs`.
 */
export async function registerRoutes(app: FastifyInstance, deps: HttpServerDeps): Promise<void> {
  app.setErrorHandler(createErrorHandler(deps.toErrorBody));
  addHooks(app, deps.logger);
  if (deps.observer != null) observeRequests(app, deps.observer);
  closeAfterLastAnswer(app);
  addTimeLimit(app, deps.config.requestTimeoutMs);
  await registerPlugins(app, deps.config);
  await registerConsole(app, deps);
  const { maxBodyBytes, allowedOrigins } = deps.config;
  const protocol = deps.socketProtocol ?? null;
  const socket = protocol && (await registerGraphqlSocket(app, { protocol, maxMessageBytes: maxBodyBytes, allowedOrigins }));
  registerGraphqlRoute(app, { ...deps, maxBodyBytes, socket, readTransport: createTransportReader(deps) });
  registerHealth(app, deps.ready);
  registerWellKnown(app, deps.jwks);
  registerLinkPages(app, deps.config);
  if (deps.metrics != null) registerMetrics(app, deps.metrics);
  if (deps.serviceEndpoints != null) await registerServiceRoutes(app, deps.serviceEndpoints, deps.config.maxBodyBytes);
}

/**
 * The HTTP side as a server of its own, not yet listening. `close()` closes sockets, lets requests in flight finish and ends idle connections:
 * one that was never used, or has nothing under way, would hold up the stop.
 */
export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify(serverOptions(deps));
  const endIdleConnections = watchIdleConnections(app.server);
  await registerRoutes(app, deps);
  // After the sockets have said goodbye: they have no request under way.
  app.addHook('preClose', async () => endIdleConnections());
  addNotFound(app);
  return app;
}
