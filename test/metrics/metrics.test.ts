import { beforeAll, describe, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { withoutFeed } from '../support/factories.js';
import { createFaultyStore } from '../support/faulty-store.js';
import { codeOf, get, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { Socket } from '../support/sockets.js';
import { describeStores, sqlitePath } from '../support/stores.js';
import { metricsToken, metricsUrl, parseMetrics, samplesOf, scrape } from './scrape.js';

const withMetrics = { LATCHKEY_METRICS_TOKEN: metricsToken };
const isoDate = /\d{4}-\d\d-\d\dT/;
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

describe('GET /metrics', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:', withMetrics);
  });
  const ask = (headers: Record<string, string> = {}, method = 'GET') => fetch(metricsUrl(server), { method, headers });

  it('is for the bearer of the token, and kept by nobody', async () => {
    const response = await ask({ authorization: `Bearer ${metricsToken}` });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('# TYPE latchkey_refreshes_total counter');
    expect((await ask({ authorization: `bearer ${metricsToken}` }, 'HEAD')).status).toBe(200);
  });

  it.each([
    ['no token', {}, 'NO_TOKEN'],
    ['another token', { authorization: `Bearer ${metricsToken}x` }, 'INVALID'],
    ['the beginning of the token', { authorization: `Bearer ${metricsToken.slice(0, -1)}` }, 'INVALID'],
    ['another scheme', { authorization: `Basic ${metricsToken}` }, 'NO_TOKEN'],
    ['the token in the query', {}, 'NO_TOKEN'],
  ])('refuses %s', async (name, headers: Record<string, string>, reason) => {
    const query = name.endsWith('query') ? `?token=${metricsToken}` : '';
    const response = await fetch(metricsUrl(server) + query, { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const requestId = response.headers.get('x-request-id');
    expect(await response.json()).toEqual({
      errors: [{ message: 'Sign in to do this.', extensions: { code: 'UNAUTHENTICATED', reason, requestId } }],
    });
  });

  it('refuses HEAD without the token, and other methods, as other paths do', async () => {
    expect((await ask({}, 'HEAD')).status).toBe(401);
    const response = await ask({ authorization: `Bearer ${metricsToken}` }, 'POST');
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('writes the token to no log', () => {
    expect(server.log()).toContain('"path":"/metrics"');
    expect(server.log()).not.toContain(metricsToken);
  });

  it('counts in a registry of its own, and lets the program that embeds it have the global one', async () => {
    const other = await startServer('sqlite::memory:', withMetrics);
    await post(other.url, '{ serverInfo { version } }');
    expect(samplesOf(await scrape(other), 'latchkey_graphql_operations_total')).toEqual({ '{operation="serverInfo",code="OK"}': 1 });
    expect(samplesOf(await scrape(server), 'latchkey_graphql_operations_total')).toEqual({});
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('is a path like any that is not there where no token is set', async () => {
    const without = await startServer('sqlite::memory:');
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      const headers = { authorization: `Bearer ${metricsToken}`, 'x-request-id': 'the-same-id' };
      const answers = ['/metrics', '/metricz'].map(async (path) => {
        const response = await fetch(new URL(path, without.url), { method, headers });
        const { date: _, ...rest } = Object.fromEntries(response.headers);
        return { status: response.status, headers: rest, text: await response.text() };
      });
      const [metrics, unknown] = await Promise.all(answers);
      expect(metrics).toEqual(unknown);
      expect(metrics?.status).toBe(404);
    }
  });
});

describeStores('What is counted', (database) => {
  const faulty = createFaultyStore();
  let server: TestServer;
  let text: string;
  const secrets: string[] = [];

  const me = (token: string) => post(server.url, meQuery, {}, { token });
  const refresh = (token: string) => post(server.url, refreshMutation, { token });
  const signup = async (email: string, username: string) => {
    const answer = await post(server.url, signupMutation, { input: { email, username, password: goodPassword } });
    const { accessToken, refreshToken, user, session } = answer.data.signup.auth;
    secrets.push(email, username, accessToken, refreshToken, user.id, session.id);
    return answer.data.signup.auth;
  };

  /** One person's story, with every outcome that the counters below must show. */
  beforeAll(async () => {
    server = await startServer(database.url, { ...withMetrics, LATCHKEY_REFRESH_GRACE: '10s' }, withoutFeed(faulty.open));
    const { accessToken, refreshToken: first } = await signup('ada.counted@example.com', 'ada.counted');
    expect(codeOf(await post(server.url, signupMutation, { input: { email: 'ada.counted@example.com', password: goodPassword } }))).toBe(
      'EMAIL_TAKEN',
    );
    const login = (password: string) => post(server.url, loginMutation, { input: { login: 'ada.counted', password } });
    expect(codeOf(await login('a wrong password'))).toBe('INVALID_CREDENTIALS');
    const second = (await login(goodPassword)).data.login;

    expect((await me(accessToken)).errors).toEqual([]);
    expect(codeOf(await me('forged.token'))).toBe('UNAUTHENTICATED');

    const rotated = (await refresh(first)).data.refreshToken;
    expect((await refresh(first)).errors).toEqual([]);
    await me(rotated.accessToken);
    server.advanceClock(60_000);
    expect(codeOf(await refresh(first))).toBe('REFRESH_TOKEN_REUSED');
    expect(codeOf(await refresh(rotated.refreshToken))).toBe('SESSION_REVOKED');
    expect(codeOf(await refresh('lk_rt_forged'))).toBe('REFRESH_TOKEN_INVALID');
    expect(codeOf(await me(rotated.accessToken))).toBe('UNAUTHENTICATED');

    const third = (await login(goodPassword)).data.login;
    await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: third.accessToken });
    await post(server.url, 'mutation { logout }', {}, { token: second.accessToken });
    await post(server.url, 'mutation { logout }', {}, { token: third.accessToken });

    const fourth = (await login(goodPassword)).data.login;
    // Whether the device is known is asked in the background.
    await server.app.services.notices.settle();
    faulty.arm(0, 'before', true);
    expect(codeOf(await refresh(fourth.refreshToken))).toBe('SERVICE_UNAVAILABLE');
    expect(codeOf(await me(fourth.accessToken))).toBe('SERVICE_UNAVAILABLE');
    faulty.disarm();
    faulty.arm(0, 'after', false);
    expect((await refresh(fourth.refreshToken)).errors).toEqual([]);
    faulty.disarm();
    server.advanceClock(8 * 86_400_000);
    expect(codeOf(await refresh(fourth.refreshToken))).toBe('SESSION_EXPIRED');

    for (const auth of [rotated, second, third, fourth]) secrets.push(auth.accessToken, auth.refreshToken, auth.session.id);
    text = await scrape(server);
  });

  it('refreshes, once for each call whatever was tried again within it', () => {
    expect(samplesOf(text, 'latchkey_refreshes_total')).toEqual({
      '{outcome="rotated"}': 2,
      '{outcome="repeated"}': 1,
      '{outcome="reused"}': 1,
      '{outcome="revoked"}': 1,
      '{outcome="expired"}': 1,
      '{outcome="invalid"}': 1,
      '{outcome="unavailable"}': 1,
    });
  });

  it('sign-ups and sign-ins', () => {
    expect(samplesOf(text, 'latchkey_sign_ins_total')).toEqual({
      '{kind="signup",outcome="OK"}': 1,
      '{kind="signup",outcome="EMAIL_TAKEN"}': 1,
      '{kind="login",outcome="OK"}': 3,
      '{kind="login",outcome="INVALID_CREDENTIALS"}': 1,
    });
  });

  it('sessions ended, each once', () => {
    expect(samplesOf(text, 'latchkey_sessions_ended_total')).toEqual({
      '{reason="REUSE_DETECTED"}': 1,
      '{reason="REVOKED_BY_USER"}': 1,
      '{reason="LOGOUT"}': 1,
    });
  });

  it('access tokens by what was found', () => {
    expect(samplesOf(text, 'latchkey_access_token_checks_total')).toEqual({
      '{result="valid"}': 4,
      '{result="revoked"}': 2,
      '{result="invalid"}': 1,
      '{result="unavailable"}': 1,
    });
  });

  it('operations by root field and code, each request once', () => {
    expect(samplesOf(text, 'latchkey_graphql_operations_total')).toEqual({
      '{operation="signup",code="OK"}': 1,
      '{operation="signup",code="EMAIL_TAKEN"}': 1,
      '{operation="login",code="OK"}': 3,
      '{operation="login",code="INVALID_CREDENTIALS"}': 1,
      '{operation="me",code="OK"}': 2,
      '{operation="me",code="UNAUTHENTICATED"}': 2,
      '{operation="me",code="SERVICE_UNAVAILABLE"}': 1,
      '{operation="refreshToken",code="OK"}': 3,
      '{operation="refreshToken",code="REFRESH_TOKEN_REUSED"}': 1,
      '{operation="refreshToken",code="SESSION_REVOKED"}': 1,
      '{operation="refreshToken",code="REFRESH_TOKEN_INVALID"}': 1,
      '{operation="refreshToken",code="SERVICE_UNAVAILABLE"}': 1,
      '{operation="refreshToken",code="SESSION_EXPIRED"}': 1,
      '{operation="revokeOtherSessions",code="OK"}': 1,
      '{operation="logout",code="OK"}': 2,
    });
    const durations = samplesOf(text, 'latchkey_graphql_operation_duration_seconds_count');
    expect(durations).toMatchObject({ '{operation="me"}': 5, '{operation="refreshToken"}': 8, '{operation="login"}': 4 });
  });

  it('HTTP requests by route and status, and the one under way', () => {
    expect(samplesOf(text, 'latchkey_http_requests_total')).toEqual({ '{route="/graphql",status="2xx"}': 22 });
    expect(samplesOf(text, 'latchkey_http_requests_in_flight')).toEqual({ '': 1 });
  });

  it('passwords hashed, and nobody left in the queue', () => {
    expect(samplesOf(text, 'latchkey_password_hash_wait_seconds_count')).toEqual({ '': 5 });
    expect(samplesOf(text, 'latchkey_password_hash_duration_seconds_count')).toEqual({ '': 5 });
    for (const name of ['hashes_waiting', 'hashes_running', 'hash_refusals_total']) {
      expect(parseMetrics(text).get(`latchkey_password_${name}`)).toBe(0);
    }
  });

  it('calls of the store by verb, and those that it did not answer', () => {
    const errors = samplesOf(text, 'latchkey_store_errors_total');
    // A refresh asks again while it has time; a viewer is settled by one call.
    expect(errors).toEqual({ '{verb="findSession"}': expect.any(Number), '{verb="findCurrent"}': 1 });
    expect(errors['{verb="findSession"}']).toBeGreaterThan(1);
    const calls = samplesOf(text, 'latchkey_store_duration_seconds_count');
    expect(calls).toMatchObject({
      '{verb="createAccount"}': 1,
      '{verb="createSession"}': 4,
      '{verb="advance"}': 2,
      '{verb="revokeWhere"}': 1,
    });
  });

  it('faults that have not happened yet, at 0, so that the first one is a rise', () => {
    const samples = parseMetrics(text);
    expect(samples.get('latchkey_graphql_operations_total{operation="login",code="INTERNAL_SERVER_ERROR"}')).toBe(0);
    expect(samples.get('latchkey_graphql_operations_total{operation="login",code="SERVICE_UNAVAILABLE"}')).toBe(0);
    expect(samples.get('latchkey_store_errors_total{verb="createAccount"}')).toBe(0);
    expect(samples.get('latchkey_refreshes_total{outcome="failed"}')).toBe(0);
  });

  it('which mode of revocation is in force, how far behind it is and how much is in memory', async () => {
    const samples = parseMetrics(text);
    expect(samples.get('latchkey_revocation_mode{mode="read_through"}')).toBe(1);
    expect(samples.get('latchkey_revocation_mode{mode="feed"}')).toBe(0);
    expect(samples.get('latchkey_revocation_lag_seconds')).toBeNaN();
    expect(samples.get('latchkey_revocation_entries')).toBe(0);
    const fed = await startServer('sqlite::memory:', withMetrics);
    let live = parseMetrics(await scrape(fed));
    while (live.get('latchkey_revocation_mode{mode="feed"}') !== 1) live = parseMetrics(await scrape(fed));
    expect(live.get('latchkey_revocation_lag_seconds')).toBeLessThan(1.5);
  });

  it('the process, its memory and event loop', () => {
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds', 'process_cpu_seconds_total']) {
      expect(parseMetrics(text).get(name)).toBeGreaterThan(0);
    }
  });

  it('and nobody: no address, id, token or instant is in the text', () => {
    expect(secrets.length).toBeGreaterThan(15);
    for (const secret of [...secrets, metricsToken, '127.0.0.1', 'example.com']) expect(text).not.toContain(secret);
    expect(text).not.toMatch(uuid);
    expect(text).not.toMatch(isoDate);
  });
});

describe('What a client chooses', () => {
  let server: TestServer;
  beforeAll(async () => {
    const settings = { LATCHKEY_SERVICE_TOKEN: metricsToken, LATCHKEY_MAX_TOKENS: '200' };
    server = await startServer(`sqlite:${sqlitePath()}`, { ...withMetrics, ...settings });
  });

  it('names no operation: aliases, operation names and fragments count under the field of the schema', async () => {
    await post(server.url, 'query Mallory { evil: serverInfo { version } }');
    await post(server.url, '{ ...Chosen } fragment Chosen on Query { ... { a: me { id } } }');
    await post(server.url, 'query ($id: ID!) { session(id: $id) { id } }', {});
    await post(server.url, '{ me { id } serverInfo { version } }');
    await post(server.url, '{ __schema { types { name } } }');
    await post(server.url, '{ __typename }');
    await post(server.url, '{ nonsense }');
    await post(server.url, '{ syntax');
    await post(server.url, `{ ${'me { id } '.repeat(100)} }`);
    await post(server.url, 'query A { me { id } } query B { me { id } }', {}, { operationName: 'Mallory' });
    await fetch(server.url, { method: 'POST', body: 'x', headers: { 'content-type': 'text/mallory' } });
    await get(`${server.url}?query=mutation%7Blogout%7D`);
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_graphql_operations_total')).toEqual({
      '{operation="serverInfo",code="OK"}': 1,
      '{operation="me",code="UNAUTHENTICATED"}': 1,
      '{operation="session",code="BAD_USER_INPUT"}': 1,
      '{operation="several",code="UNAUTHENTICATED"}': 1,
      '{operation="introspection",code="OK"}': 2,
      '{operation="none",code="GRAPHQL_VALIDATION_FAILED"}': 1,
      '{operation="none",code="GRAPHQL_PARSE_FAILED"}': 1,
      '{operation="none",code="QUERY_TOO_COMPLEX"}': 1,
      '{operation="none",code="BAD_REQUEST"}': 3,
    });
    expect(text.toLowerCase()).not.toContain('mallory');
  });

  it('counts a socket as a request that ended when it was opened', async () => {
    const live = await startServer('sqlite::memory:', withMetrics);
    const { data } = await post(live.url, signupMutation, { input: { email: 'socket@example.com', password: goodPassword } });
    const socket = await Socket.open(live.url, data.signup.auth.accessToken);
    await expect(Socket.connect(live.url, { headers: { origin: 'https://evil.example' } })).rejects.toThrow('403');
    const text = await scrape(live);
    expect(samplesOf(text, 'latchkey_http_requests_in_flight')).toEqual({ '': 1 });
    expect(samplesOf(text, 'latchkey_http_requests_total')).toMatchObject({
      '{route="/graphql",status="1xx"}': 1,
      '{route="/graphql",status="4xx"}': 1,
    });
    socket.ws.close();
    await socket.closed;
    expect(samplesOf(await scrape(live), 'latchkey_http_requests_in_flight')).toEqual({ '': 1 });
  });

  it('names no route: unknown paths share one', async () => {
    for (const path of ['/mallory', '/graphql/mallory', '/%E4']) await get(new URL(path, server.url).href);
    await fetch(server.url, { method: 'DELETE' });
    await fetch(new URL('/healthz', server.url));
    const headers = { authorization: `Bearer ${metricsToken}` };
    await fetch(new URL('/revocations?after=mallory&wait=0', server.url), { headers });
    await fetch(new URL('/introspect', server.url), { method: 'POST', body: new URLSearchParams({ token: 'mallory' }), headers });
    await fetch(new URL('/introspect?mallory', server.url), { method: 'POST' });
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_http_requests_total')).toMatchObject({
      '{route="unknown",status="4xx"}': expect.any(Number),
      '{route="/healthz",status="2xx"}': 1,
      '{route="/revocations",status="2xx"}': 1,
      '{route="/introspect",status="2xx"}': 1,
      '{route="/introspect",status="4xx"}': 1,
    });
    expect(text).not.toContain('mallory');
  });
});
