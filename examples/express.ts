import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { createVerifier, TokenRefusedError, type VerifiedToken, VerifierUnavailableError } from 'latchkey/verify';

const { AUTH_ISSUER = '', AUTH_URL = AUTH_ISSUER, AUTH_SERVICE_TOKEN = '', PORT = '3000' } = process.env;

const verifier = createVerifier({
  issuer: AUTH_ISSUER,
  audience: AUTH_ISSUER,
  url: AUTH_URL,
  serviceToken: AUTH_SERVICE_TOKEN,
  onProblem: (error) => console.error('the auth server does not answer:', error),
});

// Express 5 hands on what an asynchronous handler throws.
const authenticate: RequestHandler<object, unknown, unknown, unknown, { caller: VerifiedToken }> = async (request, response, next) => {
  response.locals.caller = await verifier.verifyHeader(request.headers.authorization);
  next();
};
const answerErrors: ErrorRequestHandler = (error, _request, response, next) => {
  if (error instanceof TokenRefusedError || error instanceof VerifierUnavailableError) {
    response.status(error.statusCode).set(error.headers).json({ message: error.message });
  } else next(error);
};

const app = express();
app.get('/orders', authenticate, (_request, response) => {
  const { caller } = response.locals;
  response.json({ account: caller.sub, roles: caller.roles });
});
app.get('/users', authenticate, (_request, response) => {
  if (response.locals.caller.permissions.includes('users:read')) response.json({ users: [] });
  else response.status(403).json({ message: 'users:read is needed' });
});
app.use(answerErrors);

const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => {
  server.close();
  void verifier.close();
});
