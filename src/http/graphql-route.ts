import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify';
import type { AuthError } from '../auth/errors.js';
import type { RefreshTokenTransport } from '../auth/viewer.js';
import type { GraphqlSocket } from './graphql-socket.js';
import { type RefusalReason, refusal } from './refusals.js';

export interface GraphqlRouteDeps {
  /** Apollo's handler. It negotiates `Accept`, refuses mutations by GET, and sets status and headers. */
  readonly graphqlHandler: RouteHandlerMethod;
  /** Refuses a document that would cost too much to parse or validate. */
  readonly checkDocument: (source: string) => AuthError | null;
  readonly maxBodyBytes: number;
  /** Null: no subscriptions. */
  readonly socket?: GraphqlSocket | null;
  readonly readTransport: (request: FastifyRequest, reply: FastifyReply) => RefreshTokenTransport;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isMap = (value: unknown): boolean => value === undefined || value === null || isRecord(value);
const demand = (condition: boolean, reason: RefusalReason): void => {
  if (!condition) throw refusal(reason);
};

/** JSON in UTF-8 and nothing else: no form or text that a foreign page could post without a preflight. */
const jsonInUtf8 = /^application\/json[ \t]*(?:;[ \t]*(?:charset="?utf-8"?[ \t]*;?[ \t]*)?)?$/i;
/** A pattern is tried on no more than this. */
const longestContentType = 100;
const isJsonInUtf8 = (contentType: string): boolean => contentType.length <= longestContentType && jsonInUtf8.test(contentType);

/** No input type has nearly so many fields. The executor repeats a whole object in its complaint about each field that is unknown. */
const mostKeys = 100;

/** Whether no object in the variables, however deep, has more than 100 members. */
export function isNarrow(variables: unknown): boolean {
  const pending = [variables];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    const members: unknown[] = Object.values(value);
    if (!Array.isArray(value) && members.length > mostKeys) return false;
    for (const member of members) pending.push(member);
  }
  return true;
}

/** The document of a POST. Throws for what Apollo would refuse in its own words and without a reason. */
function postedDocument(body: unknown): string {
  demand(!Array.isArray(body), 'BATCH');
  const { query, variables, extensions, operationName } = isRecord(body) ? body : {};
  demand(isMap(variables) && isMap(extensions) && isNarrow(variables), 'MALFORMED_BODY');
  demand(operationName === undefined || operationName === null || typeof operationName === 'string', 'MALFORMED_BODY');
  if (typeof query !== 'string' || query === '') throw refusal('MALFORMED_BODY');
  return query;
}

function isJsonMap(text: string | null): boolean {
  if (text === null) return true;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && isNarrow(value);
  } catch {
    return false;
  }
}

/** The document of a GET, from the query string as it came: each parameter once. A `#` ends it for Apollo, so there may be none. */
function queriedDocument(url: string): string {
  demand(!url.includes('#'), 'MALFORMED_BODY');
  const parameters = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  for (const name of ['query', 'operationName', 'variables', 'extensions']) {
    demand(parameters.getAll(name).length <= 1, 'MALFORMED_BODY');
  }
  demand(isJsonMap(parameters.get('variables')) && isJsonMap(parameters.get('extensions')), 'MALFORMED_BODY');
  const query = url.includes('?') ? parameters.get('query') : null;
  if (query === null || query === '') throw refusal('MALFORMED_BODY');
  return query;
}

/** Apollo's refusals of whole requests go by its plugins, and so have no request id yet. */
function withRequestIds(payload: string, requestId: string): string {
  const answer: unknown = JSON.parse(payload);
  if (!isRecord(answer) || !Array.isArray(answer.errors)) return payload;
  const errors = answer.errors.map((error: unknown) =>
    isRecord(error) ? { ...error, extensions: { ...(isRecord(error.extensions) ? error.extensions : {}), requestId } } : error,
  );
  return JSON.stringify({ ...answer, errors });
}

/**
 * `POST /graphql` and, for queries, `GET /graphql` (GraphQL over HTTP); a GET that upgrades is a socket, for subscriptions.
 *
 * Against forged requests (CSRF) a POST must be JSON, which no page of another origin can send without a preflight. A GET has no
 * such fence and needs none: it cannot run mutations, and no cookie is read without the `Latchkey-Transport` header, by GET not
 * even with it. So a GET carries no ambient credential, and Apollo's `csrfPrevention`, which would ask GETs for a header, is off.
 */
export function registerGraphqlRoute(app: FastifyInstance, deps: GraphqlRouteDeps): void {
  const { socket } = deps;
  const route: Omit<RouteOptions, 'method'> = {
    url: '/graphql',
    exposeHeadRoute: false,
    bodyLimit: deps.maxBodyBytes,
    // Refused before the body is read.
    onRequest: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      if (request.ws) return socket?.admit(request);
      // Apollo's integration makes a URL of these, and a `Host` that cannot stand in one would be an internal error.
      demand(URL.canParse(request.url, `${request.protocol}://${request.hostname}/`), 'HEADERS');
      if (request.method === 'POST') demand(isJsonInUtf8(request.headers['content-type'] ?? ''), 'CONTENT_TYPE');
      request.transport = deps.readTransport(request, reply);
    },
    preHandler: async (request) => {
      if (request.ws) return;
      const source = request.method === 'POST' ? postedDocument(request.body) : queriedDocument(request.url);
      const refused = deps.checkDocument(source);
      if (refused !== null) throw refused;
    },
    async handler(request, reply) {
      const answer: unknown = await deps.graphqlHandler.call(this, request, reply);
      // Where the time ran out, the answer went out already.
      return reply.sent ? reply : answer;
    },
    onSend: async (request, reply, payload) =>
      reply.statusCode >= 400 && typeof payload === 'string' ? withRequestIds(payload, request.id) : payload,
  };
  app.route({ ...route, method: 'POST' });
  app.route({ ...route, method: 'GET', ...(socket && { wsHandler: (opened, request) => socket.open(opened, request) }) });
}
