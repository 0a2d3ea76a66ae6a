import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import type { Logger } from 'pino';
import { AuthError } from './auth/errors.js';
import { jwksMaxAgeSeconds } from './auth/signing-keys.js';
import type { Config } from './config.js';
import { GraphQLContext } from './graphql/context.js';
import { createFormatError, finishErrors, toErrorBody, translateError } from './graphql/errors.js';
import { createDocumentGuard } from './graphql/limits.js';
import { createSchema } from './graphql/schema.js';
import { createSubscriptionProtocol } from './graphql/subscriptions.js';
import { transportOf } from './http/cookies.js';
import { isNarrow } from './http/graphql-route.js';
import { mountable, type ServerPlugin } from './http/plugin.js';
import { requestFactsOf } from './http/request-facts.js';
import { createHttpServer, type HttpServerDeps } from './http/server.js';
import type { ServiceEndpoints } from './http/service-routes.js';
import { createLogger } from './log.js';
import { type AppOptions, openAuth } from './open-auth.js';
import { assertEveryFieldHasARule } from './rules/coverage.js';
import { createPermissions, permissions } from './rules/permissions.js';
import type { AuthServices } from './services.js';
import { openTelemetry, type Telemetry } from './telemetry/open.js';
import { version } from './version.js';

export interface App {
  /** Begins to listen, by a server of its own, and comes back with the address of the API. Throws when the port is taken. */
  listen(): Promise<string>;
  /** The routes, for a Fastify instance that is there already; `listen` is not called then. */
  readonly plugin: ServerPlugin;
  /** Lets requests in flight finish, writes down what is only in memory, and lets go of the store. Once, however often it is called. */
  close(): Promise<void>;
  readonly services: AuthServices;
  /** Where the secret lies that the server made for a quick start; null when the settings gave one. */
  readonly secretPath: string | null;
}

type OpenedAuth = Awaited<ReturnType<typeof openAuth>>;

/** Gives every error of an answer its request id, and writes unexpected ones to the log, where alone their text goes. */
function errorPlugin(logger: Logger, verbose: boolean): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, contextValue }) => {
        for (const error of errors) {
          const { unexpected, code } = translateError(error, { verbose });
          const details = { requestId: contextValue.request.requestId, path: error.path, err: unexpected };
          if (unexpected !== undefined) logger.error(details, 'a resolver failed');
          else if (code === 'SERVICE_UNAVAILABLE')
            logger.warn({ ...details, err: error.originalError }, 'the store or the request ran out of time');
        }
      },
      willSendResponse: async ({ response, contextValue }) => {
        if (response.body.kind !== 'single' || response.body.singleResult.errors === undefined) return;
        response.body.singleResult.errors = finishErrors(response.body.singleResult.errors, contextValue.request.requestId);
      },
    }),
  };
}

/** A subscription executed by a request would give one event that never happened. */
const noSubscriptionsByHttp: ApolloServerPlugin<GraphQLContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ operation }) => {
      if (operation?.operation !== 'subscription') return;
      const originalError = new AuthError('BAD_REQUEST', { reason: 'SUBSCRIPTION_BY_HTTP' });
      throw new GraphQLError(originalError.message, { originalError, extensions: { http: { status: 400 } } });
    },
  }),
};

/** The schema behind its rules. Throws when a field has none. */
function createGuardedSchema(): GraphQLSchema {
  const schema = createSchema();
  assertEveryFieldHasARule(schema, permissions);
  return applyMiddleware(schema, createPermissions(schema));
}

function createApollo(config: Config, schema: GraphQLSchema, logger: Logger, telemetry: Telemetry): ApolloServer<GraphQLContext> {
  return new ApolloServer<GraphQLContext>({
    schema,
    introspection: config.introspection,
    hideSchemaDetailsFromClientErrors: !config.introspection,
    includeStacktraceInErrorResponses: false,
    formatError: createFormatError({ verbose: config.introspection }),
    // A second fence: documents have passed `createDocumentGuard` before they come here.
    parseOptions: { maxTokens: config.maxTokens },
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    // Why none is needed stands at the route (`http/graphql-route.ts`).
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    logger,
    plugins: [
      errorPlugin(logger, config.introspection),
      noSubscriptionsByHttp,
      ...telemetry.plugins,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
    ],
  });
}

const serviceEndpoints = (token: string, { introspection, revocationLog }: AuthServices): ServiceEndpoints => ({
  token,
  introspect: (presented) => introspection.introspect(presented),
  readRevocations: (query) => revocationLog.read(query),
});

/** What HTTP is handed of the rest. */
function httpDeps(
  config: Config,
  { services, store, logger }: OpenedAuth,
  apollo: ApolloServer<GraphQLContext>,
  schema: GraphQLSchema,
  telemetry: Telemetry,
): HttpServerDeps {
  const checkDocument = createDocumentGuard(config);
  return {
    config,
    logger,
    toErrorBody: (error, requestId) => toErrorBody(error, requestId, { verbose: config.introspection }),
    checkDocument,
    graphqlHandler: fastifyApolloHandler(apollo, {
      context: async (request) => {
        const facts = requestFactsOf(request);
        const viewer = await services.viewers.settle(facts.accessToken);
        const { reauthenticationAgeSeconds } = config;
        return new GraphQLContext(services, facts, transportOf(request), viewer, { now: services.now(), reauthenticationAgeSeconds });
      },
    }),
    ready: async () => {
      await store.ping();
      return services.revocations.mode;
    },
    jwks: { keySet: () => services.signingKeys.jwks(), maxAgeSeconds: jwksMaxAgeSeconds },
    now: services.now,
    observer: telemetry.requests,
    socketProtocol: createSubscriptionProtocol({
      schema,
      services,
      liveViewers: services.liveViewers,
      checkDocument,
      isNarrow,
      maxTokens: config.maxTokens,
      reauthenticationAgeSeconds: config.reauthenticationAgeSeconds,
      verbose: config.introspection,
      log: logger,
    }),
    metrics: telemetry.metrics,
    serviceEndpoints: config.serviceToken === null ? null : serviceEndpoints(config.serviceToken, services),
  };
}

/**
 * The whole service, ready to listen or to be mounted: store -> services -> schema and rules -> HTTP. Throws what `openAuth`
 * throws, and an error when a field of the schema has no rule.
 */
export async function createApp(config: Config, options: AppOptions = {}): Promise<App> {
  const { logger = createLogger(config.logLevel) } = options;
  const telemetry = await openTelemetry({ config, log: logger, version });
  const auth = await openAuth(config, { ...options, logger }, telemetry);
  const { services } = auth;
  const schema = createGuardedSchema();
  const apollo = createApollo(config, schema, logger, telemetry);
  await apollo.start();
  await services.revocations.start();
  const deps = httpDeps(config, auth, apollo, schema, telemetry);
  let listening: Promise<{ readonly address: string; readonly stop: () => Promise<void> }> | undefined;
  const listen = async () => {
    const server = await createHttpServer(deps);
    const address = await server.listen({ host: config.host, port: config.port });
    services.housekeeping.start();
    return { address: `${address}/graphql`, stop: async () => void (await server.close()) };
  };
  const letGo = async () => {
    const server = await listening?.catch(() => undefined);
    await server?.stop();
    await apollo.stop();
    await auth.close().finally(() => telemetry.close());
  };
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= letGo();
    return closing;
  };
  return {
    services,
    secretPath: auth.secretPath,
    listen: async () => {
      listening ??= listen();
      return (await listening).address;
    },
    plugin: mountable(deps, { onReady: () => services.housekeeping.start(), onClose: close }),
    close,
  };
}
