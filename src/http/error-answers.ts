import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { inOurWords, statusOf } from './refusals.js';

/** `graphql/errors`, as `app` hands it over: the status by the table of codes, and the whole body. */
export type ToErrorBody = (
  error: unknown,
  requestId: string,
) => { status: number; body: { errors: readonly { extensions?: Readonly<Record<string, unknown>> }[] } };

const graphqlJson = 'application/graphql-response+json';

/** Clients that know the GraphQL media type read an error's body whatever the status; others are told JSON. */
function contentTypeFor(request: FastifyRequest): string {
  const path = request.routeOptions.url ?? request.url.split('?', 1)[0];
  const wantsGraphql = path?.endsWith('/graphql') && request.headers.accept?.includes(graphqlJson);
  return `${wantsGraphql ? graphqlJson : 'application/json'}; charset=utf-8`;
}

/** A body that will not be read to its end: either Node throws the rest away, or the connection has to go. */
function settleConnection(request: FastifyRequest, reply: FastifyReply, status: number): void {
  if (request.raw.complete) return;
  // Closing at once would reset the connection, and the answer with it, while the client still sends. The time limit bounds this.
  if (status === 413) reply.removeHeader('connection');
  else if (status === 503) reply.header('connection', 'close');
}

/** Fastify's error handler for everything: one shape for every answer that is not GraphQL's own. */
export function createErrorHandler(toErrorBody: ToErrorBody) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = inOurWords(error);
    const { status: byTable, body } = toErrorBody(known, request.id);
    const status = statusOf(known, byTable);
    if (status === 500) request.log.error({ err: error }, 'request failed');
    if (status === 503) request.log.warn({ err: error }, 'request not served');
    settleConnection(request, reply, status);

    const retryAfter = body.errors[0]?.extensions?.retryAfter;
    if (typeof retryAfter === 'number') reply.header('retry-after', String(Math.ceil(retryAfter)));
    reply.header('cache-control', 'no-store').code(status).type(contentTypeFor(request));
    return reply.send(JSON.stringify(body));
  };
}

/** For what fails before there is a request: headers that are too long, not HTTP, or too slow. Answers, then closes. */
export function createClientErrorHandler(toErrorBody: ToErrorBody, logger: Pick<FastifyBaseLogger, 'debug'>) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    // A second answer in the middle of the one under way would be read as part of it.
    const answering = '_httpMessage' in socket && socket._httpMessage != null;
    if (error.code === 'ECONNRESET' || !socket.writable || answering) {
      socket.destroy();
      return;
    }
    const requestId = randomUUID();
    logger.debug({ requestId, code: error.code }, 'connection refused');
    const known = inOurWords(error);
    const { status: byTable, body } = toErrorBody(known, requestId);
    const text = JSON.stringify(body);
    // RFC 6585 5
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : statusOf(known, byTable);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      `X-Request-Id: ${requestId}`,
      ...(status === 503 ? ['Retry-After: 1'] : []),
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroySoon());
  };
}
