import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { AuthError } from '../../src/auth/errors.js';
import { requestFactsOf } from '../../src/http/request-facts.js';
import { errorOf, exchange, page, post, rawPost, startServer, stopServers } from './server-under-test.js';

afterEach(stopServers);
const secret = 'hunter2-correct-horse';

describe('every failure is JSON in one shape', () => {
  test.each(['/', '/nope', '/graphql/', '/GraphQL', '/.well-known/nope', '/%zz', '/..%2f', '//graphql'])(
    'an unknown path: %s',
    async (path) => {
      const server = await startServer();
      for (const method of ['GET', 'POST', 'DELETE']) {
        const body = method === 'GET' ? undefined : '{';
        const response = await fetch(`${server.url}${path}`, { method, body, headers: { 'content-type': 'application/json' } });
        expect(response.status).toBe(404);
        expect(await errorOf(response)).toMatchObject({ code: 'NOT_FOUND' });
      }
    },
  );

  test('an internal error says nothing, and is in the log with the id of its request', async () => {
    const server = await startServer({
      graphqlHandler: async () => {
        throw new Error('the disk is on fire');
      },
    });
    const response = await post(server);
    const text = await response.clone().text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/fire|stack|\.ts/);
    const { requestId } = await errorOf(response);
    expect(server.lines().find((line) => line.level === 'error')).toMatchObject({ requestId, err: { message: 'the disk is on fire' } });
  });

  test('what is to be tried again says when, in the header too', async () => {
    const server = await startServer({
      graphqlHandler: async () => {
        throw new AuthError('RATE_LIMITED', { retryAfter: 7 });
      },
    });
    const response = await post(server);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await errorOf(response)).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
  });

  test.each([
    ['headers that are too long', `GET /graphql HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['what is not HTTP', 'EHLO mail.example.com\r\n\r\n', 400],
    ['an illegal header', 'GET /graphql HTTP/1.1\r\nHost: a\r\nB@d: x\r\n\r\n', 400],
    ['two lengths', 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ])('%s', async (_name, request, status) => {
    const { port } = await startServer();
    const [head = '', body = ''] = (await exchange(port, request)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const { errors } = JSON.parse(body) as { errors: { extensions: object }[] };
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST', reason: 'HEADERS', requestId: expect.any(String) } }]);
  });
});

describe('time', () => {
  test('a handler that hangs is answered with SERVICE_UNAVAILABLE, and may not answer any more', async () => {
    let finish = (_: string): void => undefined;
    const server = await startServer(
      { graphqlHandler: () => new Promise((resolve) => (finish = resolve)) },
      { LATCHKEY_REQUEST_TIMEOUT: '1s' },
    );
    const response = await post(server);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await errorOf(response)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
    finish(`{"data":"${secret}"}`);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(server.logged()).not.toContain(secret);
  });

  test('so is a body that never comes to its end, and headers that do not', async () => {
    const { port } = await startServer({}, { LATCHKEY_REQUEST_TIMEOUT: '1s' });
    const body = rawPost([], '{"query":"{ ok }"}').replace(/Content-Length: \d+/, 'Content-Length: 1000');
    const answers = await Promise.all([exchange(port, body), exchange(port, 'POST /graphql HTTP/1.1\r\nHost: a\r\nX-Slow: ')]);
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(answer).toMatch(/retry-after: 1/i);
      expect(answer).toContain('"code":"SERVICE_UNAVAILABLE"');
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
  });
});

describe('the id of a request', () => {
  test.each(['abcdefgh', 'A-b_c.0123456789', 'x'.repeat(64)])('is the one given: %s', async (id) => {
    expect((await post(await startServer(), undefined, { 'x-request-id': id })).headers.get('x-request-id')).toBe(id);
  });

  test.each(['short', 'x'.repeat(65), 'has space in it', 'semi;colon;id', '"><script>alert'])('is a new one in place of %s', async (id) => {
    const response = await post(await startServer(), '{', { 'x-request-id': id });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    await errorOf(response);
  });
});

describe('headers', () => {
  test('shut browsers out of everything but the data', async () => {
    const server = await startServer();
    for (const response of [await post(server), await fetch(`${server.url}/nope`), await fetch(`${server.url}/healthz`)]) {
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'strict-transport-security': 'max-age=31536000',
        'cache-control': 'no-store',
      });
    }
  });

  test('promise https only where the public URL is https', async () => {
    const server = await startServer({}, { LATCHKEY_PUBLIC_URL: 'http://127.0.0.1:4000' });
    expect((await post(server)).headers.has('strict-transport-security')).toBe(false);
  });
});

describe('pages of other origins', () => {
  const preflight = (url: string, origin: string): Promise<Response> =>
    fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'latchkey-transport' },
    });

  test('may call where they are listed', async () => {
    const server = await startServer();
    const response = await preflight(`${server.url}/graphql`, page);
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'content-type, authorization, latchkey-transport, x-request-id',
      'access-control-max-age': '600',
    });
    for (const body of [{ query: '{ ok }' }, '{']) {
      const answer = await post(server, body, { origin: page });
      expect(answer.headers.get('access-control-allow-origin')).toBe(page);
      expect(answer.headers.get('access-control-expose-headers')).toBe('x-request-id, retry-after');
      expect(answer.headers.get('vary')).toMatch(/origin/i);
    }
  });

  test.each([
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://APP.example.com',
    'null',
    '*',
  ])('learn nothing where they are not: %s', async (origin) => {
    const server = await startServer();
    const responses = [await preflight(`${server.url}/graphql`, origin), await post(server, undefined, { origin }), await post(server)];
    for (const { headers } of responses) expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(await errorOf(responses[0] as Response)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('health', () => {
  test('/healthz answers while the store does not, /readyz says so', async () => {
    let up = true;
    const ready = async () => {
      if (!up) throw new Error(`mongodb://user:${secret}@db is down`);
      return 'feed' as const;
    };
    const server = await startServer({ ready });
    const states = async (): Promise<unknown[]> =>
      Promise.all(
        ['/healthz', '/readyz'].map(async (path) => {
          const response = await fetch(server.url + path);
          return [response.status, await response.json()];
        }),
      );
    expect(await states()).toEqual([
      [200, { status: 'ok' }],
      [200, { status: 'ready', revocations: 'feed' }],
    ]);
    up = false;
    expect(await states()).toEqual([
      [200, { status: 'ok' }],
      [503, { status: 'unavailable' }],
    ]);
    expect(server.logged()).not.toContain(secret);
    expect(server.logged()).not.toContain('healthz');
  });
});

describe('the key set', () => {
  test('is for everyone, may be kept for five minutes, and serves to verify', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    const server = await startServer({ jwks: { keySet: () => ({ keys: [jwk] }), maxAgeSeconds: 300 } });
    const url = new URL(`${server.url}/.well-known/jwks.json`);
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'one' }).setSubject('me').sign(privateKey);
    expect((await jwtVerify(token, createRemoteJWKSet(url))).payload.sub).toBe('me');

    const response = await fetch(url, { headers: { origin: 'https://anyone.example' } });
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });
});

describe('a stop', () => {
  test('lets what is in flight finish, and closes what is idle at once', async () => {
    let finish = (_: string): void => undefined;
    let begun = (): void => undefined;
    const inFlight = new Promise<void>((resolve) => (begun = resolve));
    const server = await startServer({
      graphqlHandler: () => {
        begun();
        return new Promise((resolve) => (finish = resolve));
      },
    });
    const fresh = connect(server.port, '127.0.0.1');
    const idle = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('data', resolve).write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'));
    const ended = Promise.all([fresh, idle].map((socket) => new Promise((resolve) => socket.once('close', resolve).resume())));

    const answer = post(server);
    await inFlight;
    const closed = server.close();
    await ended;
    finish('{"data":{"late":true}}');
    expect(await (await answer).text()).toBe('{"data":{"late":true}}');
    await closed;
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});

describe('the log', () => {
  test('has one line for a request, without its query, headers and body', async () => {
    const server = await startServer();
    const query = encodeURIComponent(`mutation { login(password: "${secret}") { id } }`);
    const headers = { authorization: `Bearer ${secret}`, cookie: `__Host-latchkey=${secret}`, 'user-agent': secret };
    await fetch(`${server.url}/graphql?query=${query}`, { headers });
    await post(server, `{"query":"${secret}`, headers);
    await post(server, { query: '{ ok }', variables: { password: secret } }, headers);
    await fetch(`${server.url}/${secret.replace('hunter2', 'x')}?${secret}`);
    await server.close();
    expect(server.logged()).not.toContain(secret);
    const requests = server.lines().filter((line) => line.msg === 'request');
    expect(requests).toHaveLength(4);
    expect(requests[0]).toEqual({
      level: 'info',
      time: expect.any(String),
      requestId: expect.any(String),
      req: { method: 'GET', path: '/graphql', remoteAddress: '127.0.0.1' },
      status: 200,
      ms: expect.any(Number),
      msg: 'request',
    });
  });
});

test('the facts of a request are there for whoever handles it', async () => {
  const answers: Promise<void>[] = [];
  const server = await startServer({
    graphqlHandler: async (request) => {
      const { answered, ...facts } = requestFactsOf(request);
      answers.push(answered);
      const isAnswered = await Promise.race([answered.then(() => true), Promise.resolve(false)]);
      return JSON.stringify({ ...facts, isAnswered });
    },
  });
  const response = await post(server, undefined, {
    authorization: 'bearer abc.def',
    'user-agent': 'u'.repeat(600),
    'x-request-id': 'request-1',
  });
  expect(await response.json()).toEqual({
    isAnswered: false,
    requestId: 'request-1',
    ipAddress: '127.0.0.1',
    userAgent: 'u'.repeat(512),
    accessToken: 'abc.def',
  });
  await Promise.all(answers);
  expect(answers).toHaveLength(1);
});
