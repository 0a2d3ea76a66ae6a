import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AuthError } from '../auth/errors.js';

/** One page of the feed as JSON. Rejects while the feed is not proven. */
export type ReadRevocations = (query: {
  readonly after: string | null;
  readonly waitMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}) => Promise<string>;

const longestWaitSeconds = 30;
const defaultWaitSeconds = '25';

/** Each parameter at most once. Throws `BAD_USER_INPUT`. */
function queryOf(request: FastifyRequest): { readonly after: string | null; readonly waitMs: number } {
  const parameters = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  for (const field of ['after', 'wait']) {
    if (parameters.getAll(field).length > 1) throw new AuthError('BAD_USER_INPUT', { field, reason: 'INVALID' });
  }
  const wait = parameters.get('wait') ?? defaultWaitSeconds;
  const seconds = /^\d{1,2}$/.test(wait) ? Number(wait) : Number.NaN;
  if (!(seconds <= longestWaitSeconds)) throw new AuthError('BAD_USER_INPUT', { field: 'wait', reason: 'OUT_OF_RANGE' });
  return { after: parameters.get('after'), waitMs: seconds * 1000 };
}

/** `GET /revocations`: answers when there is something new. A stop of the server ends the waiting, and so does a client that leaves. */
export function registerRevocations(scope: FastifyInstance, read: ReadRevocations): void {
  const waiting = new Set<AbortController>();
  let isStopping = false;
  scope.addHook('preClose', async () => {
    isStopping = true;
    for (const controller of waiting) controller.abort();
  });
  const config = { mayWaitMs: longestWaitSeconds * 1000 };
  scope.get('/revocations', { config, exposeHeadRoute: false }, async (request, reply) => {
    const query = queryOf(request);
    const controller = new AbortController();
    if (isStopping) controller.abort();
    waiting.add(controller);
    reply.raw.once('close', () => controller.abort());
    try {
      const page = await read({ ...query, signal: controller.signal });
      if (reply.sent) return reply;
      reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
      return page;
    } finally {
      waiting.delete(controller);
    }
  });
}
