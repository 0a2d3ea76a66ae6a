import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestFacts } from '../auth/viewer.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Missing where nobody observes, and where the request failed before it had a route. */
    watch?: RequestWatch;
  }
}

/** Watches one request. */
export interface RequestWatch {
  /** Null where the request is not traced. */
  readonly traceId: string | null;
  /** Runs `next`: what that begins, also later, belongs to this request. */
  follow(next: () => void): void;
  /** The request is answered with an error, by its code. */
  refused(code: string): void;
  /** Once. `status` null: the connection went before the answer was out. */
  ended(status: number | null): void;
}

/** Counts and traces requests. Its methods return at once and do not throw. */
export interface RequestObserver {
  begin(request: {
    /** The same object goes to GraphQL with the request. */
    readonly facts: RequestFacts;
    readonly method: string;
    /** The pattern, such as `/graphql`; null where no route fits. */
    readonly route: string | null;
    readonly traceparent: string | undefined;
  }): RequestWatch;
}

/** The code of an answer in the shape of `{ errors: [{ extensions: { code } }] }`; null for any other. */
function codeIn(payload: unknown): string | null {
  if (typeof payload !== 'string') return null;
  try {
    const code: unknown = JSON.parse(payload).errors[0].extensions.code;
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}

/** The request is a socket from now on: as a request it has ended, however long that lives. */
export function upgraded(request: FastifyRequest): void {
  request.watch?.ended(101);
  request.watch = undefined;
}

/** Adds the hooks of an observer. `request.facts` must have been set by a hook before. */
export function observeRequests(app: FastifyInstance, observer: RequestObserver): void {
  app.addHook('onRequest', async (request, reply) => {
    const { facts, method, headers } = request;
    const route = request.is404 ? null : (request.routeOptions.url ?? null);
    const traceparent = typeof headers.traceparent === 'string' ? headers.traceparent : undefined;
    const watch = observer.begin({ facts, method, route, traceparent });
    request.watch = watch;
    reply.raw.once('close', () => {
      if (request.watch === watch) watch.ended(reply.raw.writableFinished ? reply.raw.statusCode : null);
    });
  });
  // After the body has been read: its events come from the connection, not from this request.
  app.addHook('preHandler', (request, _reply, next) => {
    if (request.watch === undefined) next();
    else request.watch.follow(next);
  });
  app.addHook('onSend', async ({ watch }, reply, payload) => {
    const code = reply.statusCode >= 400 ? codeIn(payload) : null;
    if (code !== null) watch?.refused(code);
    return payload;
  });
}
