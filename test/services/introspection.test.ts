import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { openStore } from '../../src/store/open.js';
import { counting } from '../support/counting.js';
import { storeWith, withoutFeed } from '../support/factories.js';
import { createFaultyStore } from '../support/faulty-store.js';
import { es256, jws, partsOf } from '../support/forging.js';
import { loginMutation, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores, sqlitePath } from '../support/stores.js';
import { askIntrospection, introspect, logout, serviceToken, signUp, untilFeed, withServices } from './service.js';

const hour = 3_600_000;
const inactive = '{"active":false}';
const stranger = createPrivateKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }));

/** The answer as a whole, without what differs between any two. */
async function bare(response: Response) {
  const { date: _, 'x-request-id': __, ...headers } = Object.fromEntries(response.headers);
  return { status: response.status, headers, text: await response.text() };
}

describeStores('Introspection', (database) => {
  let server: TestServer;
  const reads: string[] = [];
  beforeAll(async () => {
    server = await startServer(database.url, withServices, counting(reads));
    await untilFeed(server.url);
  });

  it('tells what a token of a living session is worth', async () => {
    const { id, sessionId, token } = await signUp(server.url);
    const { claims } = partsOf(token);
    const response = await askIntrospection(server.url, new URLSearchParams({ token, token_type_hint: 'refresh_token', other: '1' }));
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({
      active: true,
      token_type: 'Bearer',
      scope: '',
      client_id: 'latchkey',
      exp: claims.exp,
      iat: claims.iat,
      sub: id,
      aud: claims.aud,
      iss: claims.iss,
      jti: claims.jti,
      sid: sessionId,
      roles: ['user'],
      ver: 1,
    });
  });

  it('has the rights of now, and the version that they are of', async () => {
    const { email, token } = await signUp(server.url);
    await server.app.services.accounts.grantRole(email, 'support');
    expect(await introspect(server.url, token)).toMatchObject({
      scope: 'users:read sessions:read',
      roles: expect.arrayContaining(['support']),
      ver: 2,
    });
  });

  it('says "inactive" from the moment that a session has been ended, by itself or with all others', async () => {
    const one = await signUp(server.url);
    await logout(server.url, one.token);
    expect(await introspect(server.url, one.token)).toEqual({ active: false });

    const first = await signUp(server.url);
    const second = (await post(server.url, loginMutation, { input: { login: first.email, password: goodPassword } })).data.login;
    await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: second.accessToken });
    expect(await introspect(server.url, first.token)).toEqual({ active: false });
    expect(await introspect(server.url, second.accessToken)).toMatchObject({ active: true });
  });

  it('calls the store for nothing while the feed is healthy', async () => {
    const [one, other] = [await signUp(server.url), await signUp(server.url)];
    await logout(server.url, other.token);
    reads.length = 0;
    for (let count = 0; count < 20; count += 1) {
      expect(await introspect(server.url, one.token)).toMatchObject({ active: true });
      expect(await introspect(server.url, other.token)).toEqual({ active: false });
    }
    expect(reads).toEqual([]);
  });

  it('gives one answer, byte for byte, for everything that is not an access token of a living session', async () => {
    const person = await signUp(server.url);
    const ended = await signUp(server.url);
    await logout(server.url, ended.token);
    const { header, claims, segments } = partsOf(person.token);
    const own = es256(stranger);
    const tokens = {
      revoked: ended.token,
      'a refresh token': person.refreshToken,
      empty: '',
      malformed: 'a.b.c',
      'no text': '\0\u{1F600}',
      'as long as can be': 'x'.repeat(20_000),
      'of an unknown key': jws({ ...header, kid: 'unknown' }, claims, own),
      'of another key': jws(header, claims, own),
      unsigned: jws({ ...header, alg: 'none' }, claims, () => Buffer.alloc(0)),
      altered: `${segments[0]}.${Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url')}.${segments[2]}`,
      cut: person.token.slice(0, -1),
      'the service token': serviceToken,
    };
    const answers = await Promise.all(
      Object.entries(tokens).map(async ([name, token]) => [
        name,
        await bare(await askIntrospection(server.url, new URLSearchParams({ token }))),
      ]),
    );
    const [, expected] = answers[0] ?? [];
    expect(expected).toMatchObject({ status: 200, text: inactive });
    for (const [name, answer] of answers) expect([name, answer]).toEqual([name, expected]);
    expect(await introspect(server.url, person.token)).toMatchObject({ active: true });
  });

  it('says "inactive" of a token past its end', async () => {
    const other = await startServer(database.url, withServices);
    await untilFeed(other.url);
    const { token } = await signUp(other.url);
    expect(await introspect(other.url, token)).toMatchObject({ active: true });
    other.advanceClock(hour + 31_000);
    expect(await introspect(other.url, token)).toEqual({ active: false });
    await other.close();
  });

  it('counts as a use of the session', async () => {
    const { sessionId, token } = await signUp(server.url);
    await introspect(server.url, token);
    await server.app.services.flushUses();
    const session = await (await database.open()).findSession(sessionId);
    expect(session?.confirmedGeneration).toBe(0);
  });
});

describe('The parameter of an introspection', () => {
  let server: TestServer;
  let token: string;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:', { ...withServices, LATCHKEY_TOKEN_CLAIMS: 'username' });
    await untilFeed(server.url);
    ({ token } = await signUp(server.url));
  });

  it.each([
    ['no body', ''],
    ['no token', 'token_type_hint=access_token'],
    ['another name', 'Token=x'],
    ['two tokens', 'token=a&token=b'],
    ['the same token twice', 'token=a&token=a'],
    ['two hints', 'token=a&token_type_hint=a&token_type_hint=b'],
    ['many parameters and no token', 'a=1&'.repeat(4_000)],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x26, 0xc3])],
  ])('is demanded once, in the words of RFC 6749 5.2: %s', async (_name, body) => {
    const response = await askIntrospection(server.url, body);
    expect(response.status).toBe(400);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.text()).toBe('{"error":"invalid_request"}');
  });

  it.each([
    ['many others', `${'a=1&'.repeat(2_000)}token=`],
    ['a broken escape', '%=%&%zz=%ff&token='],
    ['names of the object prototype', '__proto__=1&constructor=2&token='],
  ])('may stand among whatever else: %s', async (_name, before) => {
    const response = await askIntrospection(server.url, `${before}${encodeURIComponent(token)}`);
    expect(await response.json()).toMatchObject({ active: true });
  });

  it('brings the username where tokens are to have it', async () => {
    const person = await signUp(server.url);
    expect(await introspect(server.url, person.token)).toMatchObject({ active: true, username: person.username });
  });

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencodedx'])(
    'is not looked for in %s',
    async (type) => {
      const response = await askIntrospection(server.url, `token=${token}`, { 'content-type': type });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST', reason: 'CONTENT_TYPE' } }] });
    },
  );

  it('is not looked for in a body that is too large, and the server goes on', async () => {
    const response = await askIntrospection(server.url, `token=${'x'.repeat(10_000_000)}`);
    expect(response.status).toBe(413);
    expect(await introspect(server.url, token)).toMatchObject({ active: true });
  });

  it('is not a form that `/graphql` would take', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await fetch(server.url, { method: 'POST', body: 'query={me{id}}', headers })).status).toBe(415);
  });

  it('stands in no log, nor does the service token', async () => {
    await askIntrospection(server.url, new URLSearchParams({ token }), { authorization: 'Bearer a-wrong-service-token' });
    expect(server.log()).toContain('"path":"/introspect"');
    for (const secret of [token, serviceToken, 'a-wrong-service-token']) expect(server.log()).not.toContain(secret);
  });
});

describe('The endpoints for services', () => {
  const endpoints = [
    { method: 'POST', path: '/introspect', other: 'GET' },
    { method: 'GET', path: '/revocations', other: 'POST' },
  ];

  it.each(endpoints)('refuse who does not have the token, whatever is sent: $method $path', async ({ method, path }) => {
    const server = await startServer('sqlite::memory:', withServices);
    const person = await signUp(server.url);
    const wrong = [
      null,
      `Bearer ${serviceToken}x`,
      `Bearer ${serviceToken.slice(0, -1)}`,
      `Basic ${serviceToken}`,
      `Bearer ${person.token}`,
      '',
    ];
    for (const authorization of wrong) {
      const response = await fetch(new URL(`${path}?token=${serviceToken}`, server.url), {
        method,
        headers: { ...(authorization !== null && { authorization }), 'content-type': 'application/json' },
        ...(method === 'POST' && { body: 'x'.repeat(1_000_000) }),
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    }
    expect(server.log()).not.toContain(serviceToken);
  });

  it.each(endpoints)('say which method they take: $method $path', async ({ method: allowed, path, other }) => {
    const server = await startServer('sqlite::memory:', withServices);
    for (const method of [other, 'HEAD', 'DELETE']) {
      const response = await fetch(new URL(path, server.url), { method, headers: { authorization: `Bearer ${serviceToken}` } });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, allowed]);
    }
  });

  it.each(endpoints)('are paths like any that are not there where no token is set: $method $path', async ({ path }) => {
    const server = await startServer('sqlite::memory:');
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']) {
      const headers = { authorization: `Bearer ${serviceToken}`, 'x-request-id': 'the-same-id', 'content-type': 'text/plain' };
      const body = method === 'POST' ? 'token=x' : undefined;
      const ask = async (asked: string) => bare(await fetch(new URL(asked, server.url), { method, headers, body }));
      const [answer, unknown] = [await ask(path), await ask('/no-such-path')];
      expect(answer).toEqual(unknown);
      expect(answer.status).toBe(404);
    }
  });
});

describe('Introspection that has to read', () => {
  it('reads session and account, and answers as rightly', async () => {
    const server = await startServer(`sqlite:${sqlitePath()}`, withServices, withoutFeed(openStore));
    const { email, token } = await signUp(server.url);
    await server.app.services.accounts.grantRole(email, 'support');
    expect(await introspect(server.url, token)).toMatchObject({ active: true, ver: 2, scope: 'users:read sessions:read' });
    await logout(server.url, token);
    expect(await introspect(server.url, token)).toEqual({ active: false });
  });

  it('never says "inactive" when the store does not answer', async () => {
    const faulty = createFaultyStore();
    const open = async (url: string) => storeWith(await faulty.open(url), { watchChanges: async () => null });
    const server = await startServer(`sqlite:${sqlitePath()}`, withServices, open);
    const { token } = await signUp(server.url);
    faulty.arm(0, 'before', true);
    const response = await askIntrospection(server.url, new URLSearchParams({ token }));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }] });
    faulty.disarm();
    expect(await introspect(server.url, token)).toMatchObject({ active: true });
  });
});
