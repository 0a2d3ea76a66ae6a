import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import { openStore } from '../../src/store/open.js';
import { createVerifier, type Verifier, type VerifierOptions, VerifierUnavailableError } from '../../src/verify/index.js';
import { logout, serviceToken, signUp, untilFeed, withServices } from '../services/service.js';
import { withoutFeed } from '../support/factories.js';
import { freePort } from '../support/mongo-server.js';
import { loginMutation, post } from '../support/requests.js';
import { allowedOrigin, goodPassword, startServer, type TestServer, temporaryFolder, testEnvironment } from '../support/server.js';
import { until } from './played-server.js';

/** What the manual promises, 2 s, and time for a busy machine. */
const feedBoundMs = 5_000;

const open: Verifier[] = [];
afterAll(async () => {
  await Promise.all(open.map((verifier) => verifier.close()));
});
function aVerifier(url: string, options: Partial<VerifierOptions> = {}): Verifier {
  const { origin } = new URL(url);
  const verifier = createVerifier({ issuer: allowedOrigin, audience: allowedOrigin, serviceToken, url: origin, ...options });
  open.push(verifier);
  return verifier;
}

/** The error once the token is refused. */
async function untilRefused(verifier: Verifier, token: string) {
  let found: unknown;
  const isRefused = async () => {
    found = await verifier.verify(token).then(
      () => null,
      (error: unknown) => error,
    );
    return found !== null;
  };
  await until(isRefused, 'the token is refused', feedBoundMs);
  return found as Error;
}

describe('A verifier of a server', () => {
  let server: TestServer;
  let verifier: Verifier;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:', withServices);
    await untilFeed(server.url);
    verifier = aVerifier(server.url);
    await verifier.ready();
  });

  it('says who holds a token', async () => {
    const { id, sessionId, token } = await signUp(server.url);
    const verified = await verifier.verifyHeader(`Bearer ${token}`);
    expect(verified).toMatchObject({ sub: id, sid: sessionId, roles: ['user'], scope: '', permissions: [], checkedBy: 'feed' });
    expect(verified.claims).toMatchObject({
      iss: allowedOrigin,
      aud: allowedOrigin,
      sub: id,
      jti: expect.any(String),
      email_verified: false,
    });
    expect(verified.exp).toBe(verified.claims.exp);
  });

  it('asks for a token where the header has none', async () => {
    for (const header of [undefined, null, '', 'Basic YTpi']) {
      await expect(verifier.verifyHeader(header)).rejects.toMatchObject({ reason: 'NO_TOKEN' });
    }
  });

  it('refuses the token of an ended session, and says why and when', async () => {
    const { token } = await signUp(server.url);
    await verifier.verify(token);
    const before = Date.now() / 1000;
    await logout(server.url, token);
    const error = await untilRefused(verifier, token);
    expect(error).toMatchObject({ name: 'TokenRefusedError', reason: 'REVOKED', revocationReason: 'LOGOUT', at: expect.any(Number) });
    expect((error as Error & { at: number }).at).toBeGreaterThan(before - 1);
  });

  it('refuses all tokens but that of the session that was kept', async () => {
    const { email, token } = await signUp(server.url);
    const { accessToken } = (await post(server.url, loginMutation, { input: { login: email, password: goodPassword } })).data.login;
    await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: accessToken });
    expect(await untilRefused(verifier, token)).toMatchObject({ reason: 'REVOKED', revocationReason: 'REVOKED_BY_USER' });
    expect(await verifier.verify(accessToken)).toMatchObject({ checkedBy: 'feed' });
  });

  it('tells of roles as they are now, whatever the token says', async () => {
    const { email, token } = await signUp(server.url);
    await server.app.services.accounts.grantRole(email, 'support');
    await until(async () => (await verifier.verify(token)).roles.includes('support'), 'the role shows', feedBoundMs);
    const verified = await verifier.verify(token);
    expect(verified.permissions).toEqual(expect.arrayContaining(['users:read', 'sessions:read']));
    expect(verified.scope.split(' ')).toEqual(verified.permissions);
    expect(verified.claims.roles).toEqual(['user']);
  });

  it('refuses who deletes the account', async () => {
    const { token } = await signUp(server.url);
    await post(
      server.url,
      'mutation ($password: String!) { deleteAccount(currentPassword: $password) }',
      { password: goodPassword },
      { token },
    );
    expect(await untilRefused(verifier, token)).toMatchObject({ reason: 'REVOKED', revocationReason: 'ACCOUNT_DELETED' });
  });

  it('takes a key that is new, and tokens of the one before until that is revoked', async () => {
    const fast = aVerifier(server.url);
    await fast.ready();
    const { token, email } = await signUp(server.url);
    await fast.verify(token);
    const { signingKeys } = server.app.services;
    const before = signingKeys.current().kid;
    // Its successor signs at once, and nobody has seen it yet.
    await signingKeys.revoke(before);
    const { accessToken } = (await post(server.url, loginMutation, { input: { login: email, password: goodPassword } })).data.login;
    const isAccepted = () =>
      fast.verify(accessToken).then(
        () => true,
        () => false,
      );
    await until(isAccepted, 'the new key is taken', 20_000);
    expect(await fast.verify(token).catch(({ reason }) => reason)).toBe('INVALID');
  });

  it.each([
    ['for another audience', { audience: 'https://other.example.com' }],
    ['of another issuer', { issuer: 'https://other.example.com' }],
    ['of another algorithm', { algorithms: ['RS256'] as const }],
  ])('refuses a token %s', async (_what, options) => {
    const other = aVerifier(server.url, options);
    const { token } = await signUp(server.url);
    await expect(other.verify(token)).rejects.toMatchObject({ reason: 'INVALID' });
  });

  it('cannot say with a wrong service token', async () => {
    const wrong = aVerifier(server.url, { serviceToken: 'another' });
    const { token } = await signUp(server.url);
    await expect(wrong.verify(token)).rejects.toMatchObject({
      name: 'VerifierUnavailableError',
      cause: { message: 'introspect: the server answers 401' },
    });
  });
});

describe('A verifier of', () => {
  it('a server whose database has no feed asks for each token', async () => {
    const server = await startServer('sqlite::memory:', withServices, withoutFeed(openStore));
    const verifier = aVerifier(server.url);
    const { token, email } = await signUp(server.url);
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'introspection', roles: ['user'] });
    await server.app.services.accounts.grantRole(email, 'support');
    expect(await verifier.verify(token)).toMatchObject({ roles: expect.arrayContaining(['support']) });
    await logout(server.url, token);
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'REVOKED', revocationReason: undefined, at: undefined });
  });

  it('a server that lets nobody ask cannot say', async () => {
    const server = await startServer('sqlite::memory:');
    const { token } = await signUp(server.url);
    await expect(aVerifier(server.url).verify(token)).rejects.toThrow(VerifierUnavailableError);
  });

  it('a server that is mounted with a prefix finds everything beneath it', async () => {
    const { plugin } = await createApp(loadConfig(testEnvironment('sqlite::memory:', withServices)), { logger: createLogger('silent') });
    const app = fastify();
    await app.register(plugin, { prefix: '/auth' });
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    await untilFeed(origin, '/auth');
    const { token } = await signUp(`${origin}/auth/graphql`);
    const verifier = aVerifier(origin, { url: `${origin}/auth/` });
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: expect.stringMatching(/^(feed|introspection)$/) });
    await verifier.ready();
    expect(await verifier.verify(token)).toMatchObject({ checkedBy: 'feed' });
    await verifier.close();
    await app.close();
  });

  it('a server that stops and comes back cannot say meanwhile, recovers by itself, and forgets nothing', async () => {
    const port = await freePort();
    const storeUrl = `sqlite:${temporaryFolder()}/latchkey.db`;
    const settings = { ...withServices, PORT: `${port}` };
    const first = await startServer(storeUrl, settings);
    await untilFeed(first.url);
    const verifier = aVerifier(first.url, { staleAfterSeconds: 3 });
    await verifier.ready();
    const [one, other] = [await signUp(first.url), await signUp(first.url)];
    await logout(first.url, other.token);
    await untilRefused(verifier, other.token);

    await first.close();
    expect(await untilRefused(verifier, one.token)).toBeInstanceOf(VerifierUnavailableError);

    const second = await startServer(storeUrl, settings);
    await untilFeed(second.url);
    await verifier.ready();
    expect(await verifier.verify(one.token)).toMatchObject({ checkedBy: 'feed', sid: one.sessionId });
    await expect(verifier.verify(other.token)).rejects.toMatchObject({ reason: 'REVOKED', revocationReason: 'LOGOUT' });
    await logout(second.url, one.token);
    expect(await untilRefused(verifier, one.token)).toMatchObject({ reason: 'REVOKED', revocationReason: 'LOGOUT' });
  });
});
