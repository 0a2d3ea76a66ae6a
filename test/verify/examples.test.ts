import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { logout, serviceToken, signUp, untilFeed, withServices } from '../services/service.js';
import { freePort } from '../support/mongo-server.js';
import { loginMutation, post } from '../support/requests.js';
import { allowedOrigin, goodPassword, startServer, type TestServer, temporaryFolder } from '../support/server.js';
import { ExampleProgram } from './example-program.js';
import { until } from './played-server.js';

/** What the manual promises, 2 s, and time for a busy machine. */
const feedBoundMs = 5_000;
/** What the verifier takes for fresh is 15 s old at most; the rest is for a busy machine. */
const staleBoundMs = 60_000;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const authorization = (token: string | null): Record<string, string> => (token === null ? {} : { authorization: `Bearer ${token}` });

/** `path`: `orders` or `users`. */
const askRest = async (url: string, path: string, token: string | null): Promise<Answer> =>
  answerOf(await fetch(new URL(`/${path}`, url), { headers: authorization(token) }));

async function askGraphql(url: string, path: string, token: string | null): Promise<Answer> {
  const query = path === 'orders' ? '{ me { account roles } }' : '{ users }';
  const headers = { 'content-type': 'application/json', ...authorization(token) };
  const answer = await answerOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) }));
  const { data, errors } = answer.body as { data?: { me?: object } | null; errors?: { extensions: { code: string } }[] };
  const isForbidden = errors?.[0]?.extensions.code === 'FORBIDDEN';
  return { ...answer, status: isForbidden ? 403 : answer.status, body: data?.me ?? answer.body };
}

const examples = [
  { name: 'fastify', ask: askRest },
  { name: 'express', ask: askRest },
  { name: 'apollo', ask: askGraphql },
];
const programs = new Map<string, ExampleProgram>();
let server: TestServer;
let settings: Record<string, string>;
const storeUrl = `sqlite:${temporaryFolder()}/latchkey.db`;

beforeAll(async () => {
  settings = { ...withServices, PORT: `${await freePort()}` };
  server = await startServer(storeUrl, settings);
  await untilFeed(server.url);
  const environment = { AUTH_ISSUER: allowedOrigin, AUTH_URL: new URL(server.url).origin, AUTH_SERVICE_TOKEN: serviceToken };
  for (const { name } of examples) programs.set(name, await ExampleProgram.start(name, environment));
});
afterAll(async () => {
  await Promise.all([...programs.values()].map((program) => program.stop()));
});

const urlOf = (name: string): string => programs.get(name)?.url ?? '';

describe.each(examples)('The example for $name', ({ name, ask }) => {
  const statusOf = async (path: string, token: string | null) => (await ask(urlOf(name), path, token)).status;

  it('serves who has a good token', async () => {
    const { id, token } = await signUp(server.url);
    expect(await ask(urlOf(name), 'orders', token)).toMatchObject({ status: 200, body: { account: id, roles: ['user'] } });
  });

  it('answers 401 with the challenge of RFC 6750 to who has none, or a forged one, and tells nothing of it', async () => {
    const { token } = await signUp(server.url);
    const none = await ask(urlOf(name), 'orders', null);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const forged = await ask(urlOf(name), 'orders', `${token.slice(0, -8)}AAAAAAAA`);
    expect([forged.status, forged.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
    expect(JSON.stringify(forged.body)).not.toContain('signature');
  });

  it('refuses the token of who has signed out, and of a session that was ended from another one', async () => {
    const { email, sessionId, token } = await signUp(server.url);
    const { accessToken } = (await post(server.url, loginMutation, { input: { login: email, password: goodPassword } })).data.login;
    expect([await statusOf('orders', token), await statusOf('orders', accessToken)]).toEqual([200, 200]);
    await post(server.url, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id: sessionId }, { token: accessToken });
    await until(async () => (await statusOf('orders', token)) === 401, 'the ended session is refused', feedBoundMs);
    expect(await statusOf('orders', accessToken)).toBe(200);
    await logout(server.url, accessToken);
    await until(async () => (await statusOf('orders', accessToken)) === 401, 'who has signed out is refused', feedBoundMs);
  });

  it('lets roles act as they are now, with the token that there is', async () => {
    const { email, token } = await signUp(server.url);
    expect(await statusOf('users', token)).toBe(403);
    await server.app.services.accounts.grantRole(email, 'support');
    await until(async () => (await statusOf('users', token)) === 200, 'the new role acts', feedBoundMs);
    expect((await ask(urlOf(name), 'orders', token)).body).toMatchObject({ roles: expect.arrayContaining(['support']) });
  });
});

describe('The examples while the server is down', () => {
  it('answer 503 once they know too little, never 401, and recover by themselves', async () => {
    const { token } = await signUp(server.url);
    const ended = await signUp(server.url);
    await logout(server.url, ended.token);
    await server.close();
    const untilStale = examples.map(async ({ name, ask }) => {
      const seen = new Set<number>();
      let last: Answer | undefined;
      const isStale = async () => {
        last = await ask(urlOf(name), 'orders', token);
        seen.add(last.status);
        return last.status === 503;
      };
      await until(isStale, `${name} answers 503`, staleBoundMs);
      expect([name, [...seen].filter((status) => status !== 200), last?.headers.get('retry-after')]).toEqual([name, [503], '1']);
    });
    await Promise.all(untilStale);

    server = await startServer(storeUrl, settings);
    await untilFeed(server.url);
    for (const { name, ask } of examples) {
      await until(async () => (await ask(urlOf(name), 'orders', token)).status === 200, `${name} has recovered`, staleBoundMs);
      expect((await ask(urlOf(name), 'orders', ended.token)).status).toBe(401);
    }
  });
});
