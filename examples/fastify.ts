import { fastify } from 'fastify';
import { createVerifier, type VerifiedToken } from 'latchkey/verify';

const { AUTH_ISSUER = '', AUTH_URL = AUTH_ISSUER, AUTH_SERVICE_TOKEN = '', PORT = '3000' } = process.env;

const verifier = createVerifier({
  issuer: AUTH_ISSUER,
  audience: AUTH_ISSUER,
  url: AUTH_URL,
  serviceToken: AUTH_SERVICE_TOKEN,
  onProblem: (error) => app.log.warn({ err: error }, 'the auth server does not answer'),
});

declare module 'fastify' {
  interface FastifyRequest {
    caller: VerifiedToken;
  }
}

const app = fastify({ logger: { level: 'warn' } });
app.decorateRequest('caller');
// What it throws has a `statusCode` (401 or 503) and `headers`, which Fastify answers with.
app.addHook('onRequest', async (request) => {
  request.caller = await verifier.verifyHeader(request.headers.authorization);
});
app.addHook('onClose', () => verifier.close());

app.get('/orders', async ({ caller }) => ({ account: caller.sub, roles: caller.roles }));
app.get('/users', async ({ caller }, reply) => {
  if (!caller.permissions.includes('users:read')) return reply.code(403).send({ message: 'users:read is needed' });
  return { users: [] };
});

process.once('SIGTERM', () => void app.close());
console.log(await app.listen({ port: Number(PORT) }));
