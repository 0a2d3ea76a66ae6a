import type { FastifyInstance } from 'fastify';
import { refusal } from './refusals.js';

/** Says what a token is worth, as RFC 7662 2.2 has it. Rejects when that cannot be known. */
export type Introspect = (token: string) => Promise<{ readonly active: boolean }>;

/** Room for the longest token, percent-encoded, and a hint. */
const mostBodyBytes = 32 * 1024;
const form = 'application/x-www-form-urlencoded';
/** RFC 6749 5.2, to which RFC 7662 2.3 refers. */
const invalidRequest = JSON.stringify({ error: 'invalid_request' });

/**
 * The parameter `token`, which may be empty; null where the request is invalid: it is missing, or a parameter of RFC 7662 2.1 is repeated
 * (RFC 6749 3.2). Parameters that are not known are ignored, and so is the hint.
 */
function tokenIn(body: unknown): string | null {
  if (!Buffer.isBuffer(body)) return null;
  const parameters = new URLSearchParams(body.toString('utf8'));
  const [token, ...repeated] = parameters.getAll('token');
  if (token === undefined || repeated.length > 0 || parameters.getAll('token_type_hint').length > 1) return null;
  return token;
}

/** `POST /introspect` (RFC 7662). The scope must be one of its own: it takes forms and nothing else. */
export function registerIntrospection(scope: FastifyInstance, introspect: Introspect, maxBodyBytes: number): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(form, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  scope.post('/introspect', { bodyLimit: Math.min(mostBodyBytes, maxBodyBytes) }, async (request, reply) => {
    if (request.headers['content-type'] === undefined) throw refusal('CONTENT_TYPE');
    const token = tokenIn(request.body);
    reply.header('cache-control', 'no-store').type('application/json; charset=utf-8');
    if (token === null) return reply.code(400).send(invalidRequest);
    const answer = await introspect(token);
    // Where the time ran out, the answer went out already.
    return reply.sent ? reply : JSON.stringify(answer);
  });
}
