import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { openStore } from '../../src/store/open.js';
import { storeWith, withoutFeed } from '../support/factories.js';
import { startProcess } from '../support/processes.js';
import { codeOf, extensionsOf, loginMutation, post, refreshMutation, signupMutation } from '../support/requests.js';
import { allowedOrigin, goodPassword, startServer, type TestServer, testEnvironment } from '../support/server.js';
import { type Frame, Socket } from '../support/sockets.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';

const fields = '{ type at session { id state isCurrent refreshCount revocationReason user { email } } }';
const own = `subscription { sessionEvents ${fields} }`;
const everybodys = `subscription { sessionEvents(all: true) ${fields} }`;

let people = 0;
interface Person {
  readonly email: string;
  readonly id: string;
  readonly sessionId: string;
  readonly token: string;
  readonly refreshToken: string;
}
async function signUp(url: string): Promise<Person> {
  people += 1;
  const email = `live${people}@example.com`;
  const { data } = await post(url, signupMutation, { input: { email, password: goodPassword } });
  const { session, accessToken, refreshToken, user } = data.signup.auth;
  return { email, id: user.id, sessionId: session.id, token: accessToken, refreshToken };
}
async function signIn(url: string, { email, id }: Person): Promise<Person> {
  const { session, accessToken, refreshToken } = (await post(url, loginMutation, { input: { login: email, password: goodPassword } })).data
    .login;
  return { email, id, sessionId: session.id, token: accessToken, refreshToken };
}
const refresh = async (url: string, token: string) => (await post(url, refreshMutation, { token })).data.refreshToken;
const revoke = (url: string, token: string, id: string) =>
  post(url, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id }, { token });

/** `TYPE sessionId` of each event told so far. */
const told = (socket: Socket, id = 's') =>
  socket
    .of(id)
    .filter(({ type }) => type === 'next')
    .map(({ payload }) => `${payload.data.sessionEvents.type} ${payload.data.sessionEvents.session.id}`);
const isEvent =
  (type: string, sessionId: string, id = 's') =>
  (frame: Frame) =>
    frame.id === id && frame.payload?.data?.sessionEvents?.type === type && frame.payload.data.sessionEvents.session.id === sessionId;
const errorOf = ({ payload }: Frame) => payload[0].extensions;

/** Subscribes, and waits until events flow: signs in until one is told of. */
async function follow(url: string, person: Person, query = own): Promise<Socket> {
  const socket = await Socket.open(url, person.token);
  socket.subscribe('s', query);
  for (let found = false; !found; ) {
    await signIn(url, person);
    found = await Promise.race([
      socket.next(({ id }) => id === 's').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, false)),
    ]);
  }
  return socket;
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const sinceStart = stopwatch();
  const value = await promise;
  expect(sinceStart()).toBeLessThan(milliseconds);
  return value;
}

describeStores('sessionEvents', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url);
  });

  it('tells of a sign-in, a refresh and a revocation in order, each within a second, and of nobody else', async () => {
    const [ada, eve] = [await signUp(server.url), await signUp(server.url)];
    const socket = await follow(server.url, ada);
    // Of the sign-ins by which it was found that events flow, none is told of after this one.
    const latest = await signIn(server.url, ada);
    await socket.next(isEvent('CREATED', latest.sessionId));
    const before = told(socket).length;
    const elsewhere = await signIn(server.url, ada);
    const created = await within(1_000, socket.next(isEvent('CREATED', elsewhere.sessionId)));
    expect(created.payload.data.sessionEvents.session).toMatchObject({ state: 'ACTIVE', isCurrent: false, user: { email: ada.email } });
    const evesOther = await signIn(server.url, eve);
    await refresh(server.url, evesOther.refreshToken);
    await refresh(server.url, elsewhere.refreshToken);
    const refreshed = await within(1_000, socket.next(isEvent('REFRESHED', elsewhere.sessionId)));
    expect(refreshed.payload.data.sessionEvents.session.refreshCount).toBe(1);
    await refresh(server.url, elsewhere.refreshToken);
    await revoke(server.url, eve.token, evesOther.sessionId);
    await revoke(server.url, ada.token, elsewhere.sessionId);
    const revoked = await within(1_000, socket.next(isEvent('REVOKED', elsewhere.sessionId)));
    expect(revoked.payload.data.sessionEvents.session).toMatchObject({ state: 'REVOKED', revocationReason: 'REVOKED_BY_USER' });
    expect(Math.abs(Date.parse(revoked.payload.data.sessionEvents.at) - Date.now())).toBeLessThan(10_000);
    await refresh(server.url, ada.refreshToken);
    const last = await within(1_000, socket.next(isEvent('REFRESHED', ada.sessionId)));
    expect(last.payload.data.sessionEvents.session.isCurrent).toBe(true);
    expect(told(socket).slice(before)).toEqual([
      `CREATED ${elsewhere.sessionId}`,
      `REFRESHED ${elsewhere.sessionId}`,
      `REVOKED ${elsewhere.sessionId}`,
      `REFRESHED ${ada.sessionId}`,
    ]);
  });

  it('tells of each session that "end the others" ended', async () => {
    const ada = await signUp(server.url);
    const socket = await follow(server.url, ada);
    const others = [await signIn(server.url, ada), await signIn(server.url, ada)];
    await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: ada.token });
    for (const { sessionId } of others) await within(1_000, socket.next(isEvent('REVOKED', sessionId)));
  });

  it("tells of everybody's with the right alone, and ends with FORBIDDEN as soon as it is lost", async () => {
    const [ada, sam] = [await signUp(server.url), await signUp(server.url)];
    const refused = await Socket.open(server.url, sam.token);
    refused.subscribe('s', everybodys);
    const answer = await refused.next(({ id }) => id === 's');
    expect(answer.type).toBe('error');
    expect(errorOf(answer)).toEqual({ code: 'FORBIDDEN', requestId: expect.any(String) });

    await server.app.services.accounts.grantRole(sam.email, 'support');
    const socket = await follow(server.url, sam, everybodys);
    const elsewhere = await signIn(server.url, ada);
    const created = await within(1_000, socket.next(isEvent('CREATED', elsewhere.sessionId)));
    expect(created.payload.data.sessionEvents.session.user).toEqual({ email: ada.email });

    const store = await database.open();
    const rights = (await store.findAccount(sam.id))?.rightsVersion ?? 0;
    await store.setRoles(sam.id, rights, ['user'], Date.now());
    const ended = await within(
      2_000,
      socket.next(({ id, type }) => id === 's' && type === 'error'),
    );
    expect(errorOf(ended)).toEqual({ code: 'FORBIDDEN', requestId: expect.any(String) });
    const count = told(socket).length;
    socket.subscribe('mine', own);
    await refresh(server.url, elsewhere.refreshToken);
    await refresh(server.url, sam.refreshToken);
    await within(2_000, socket.next(isEvent('REFRESHED', sam.sessionId, 'mine')));
    expect(told(socket)).toHaveLength(count);
  });

  it('closes with 4403 and the reason when the session ends, and with 4401 when the token does', async () => {
    const ada = await signUp(server.url);
    const other = await signIn(server.url, ada);
    const socket = await Socket.open(server.url, ada.token);
    await revoke(server.url, other.token, ada.sessionId);
    expect(await within(1_000, socket.closed)).toEqual({ code: 4403, reason: 'SESSION_REVOKED REVOKED_BY_USER' });
    const again = await Socket.connect(server.url);
    again.send({ type: 'connection_init', payload: { accessToken: ada.token } });
    expect((await within(1_000, again.closed)).code).toBe(4403);

    const all = await Socket.open(server.url, other.token);
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token: other.token });
    expect(await within(1_000, all.closed)).toEqual({ code: 4403, reason: 'SESSION_REVOKED REVOKED_BY_USER' });

    const short = await startServer(database.url, { LATCHKEY_ACCESS_TOKEN_TTL: '1m' });
    const bob = await signUp(short.url);
    const expiring = await follow(short.url, bob);
    short.advanceClock(40_000);
    const session = await signIn(short.url, bob);
    await within(1_000, expiring.next(isEvent('CREATED', session.sessionId)));
    short.advanceClock(21_000);
    expect(await within(3_000, expiring.closed)).toEqual({ code: 4401, reason: 'UNAUTHENTICATED EXPIRED' });
    const late = await Socket.connect(short.url);
    late.send({ type: 'connection_init', payload: { accessToken: bob.token } });
    expect(await within(1_000, late.closed)).toEqual({ code: 4401, reason: 'UNAUTHENTICATED EXPIRED' });
  });

  it('serves the client of graphql-ws', async () => {
    const ada = await signUp(server.url);
    const client = createClient({
      url: server.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { accessToken: ada.token },
      retryAttempts: 0,
    });
    const events = client.iterate<{ sessionEvents: { type: string } }>({ query: own });
    const first = events.next();
    const timer = setInterval(() => void signIn(server.url, ada), 200);
    expect((await within(5_000, first)).value?.data?.sessionEvents.type).toBe('CREATED');
    clearInterval(timer);
    await events.return?.();
    await client.dispose();
  });

  it('serves the client of graphql-ws again, with a new token, after 4401', async () => {
    const short = await startServer(database.url, { LATCHKEY_ACCESS_TOKEN_TTL: '1m' });
    const ada = await signUp(short.url);
    let { token } = ada;
    const client = createClient({
      url: short.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: () => ({ accessToken: token }),
    });
    const ended = new Promise<unknown>((resolve) => {
      client.subscribe({ query: own }, { next: () => undefined, error: resolve, complete: () => resolve(null) });
    });
    const stop = client.on('connected', () => short.advanceClock(61_000));
    expect(((await within(5_000, ended)) as { code: number }).code).toBe(4401);
    stop();
    token = (await refresh(short.url, ada.refreshToken)).accessToken;
    const again = client.iterate<{ sessionEvents: { type: string } }>({ query: own });
    const first = again.next();
    const timer = setInterval(() => void signIn(short.url, ada), 200);
    expect((await within(5_000, first)).value?.data?.sessionEvents.type).toBe('CREATED');
    clearInterval(timer);
    await client.dispose();
  });
});

describe('the socket', () => {
  let server: TestServer;
  let ada: Person;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:', { LATCHKEY_REQUEST_TIMEOUT: '1s', LATCHKEY_MAX_BODY: '10kb' });
    ada = await signUp(server.url);
  });

  it('refuses the upgrade to a page that is not allowed, by 403, and opens for one that is', async () => {
    const refused = Socket.connect(server.url, { headers: { origin: 'https://evil.example' } });
    await expect(refused).rejects.toThrow('403');
    const socket = await Socket.connect(server.url, { headers: { origin: allowedOrigin } });
    socket.send({ type: 'connection_init', payload: { accessToken: ada.token } });
    await socket.next(({ type }) => type === 'connection_ack');
  });

  it('is refused elsewhere than at /graphql', async () => {
    await expect(Socket.connect(server.url.replace('/graphql', '/healthz'))).rejects.toThrow('200');
    await expect(Socket.connect(server.url.replace('/graphql', '/nowhere'))).rejects.toThrow('404');
  });

  it('does not stand in the way of a client that asks for another protocol: its request is served', async () => {
    const { hostname, port } = new URL(server.url);
    const body = JSON.stringify({ query: '{ serverInfo { version } }' });
    const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
    const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\n${upgrade}Content-Type: application/json\r\n`;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
      setImmediate(() => socket.write(body.slice(5)));
    });
    expect(answer).toMatch(/^HTTP\/1.1 200 .*"serverInfo":\{"version"/s);
  });

  it('reads no cookie and no header: who says nothing, or sends something that is no token, is nobody', async () => {
    const options = { headers: { cookie: `latchkey=${ada.refreshToken}`, authorization: `Bearer ${ada.token}` } };
    for (const payload of [undefined, {}, { accessToken: 7 }, { accessToken: 'x'.repeat(9_000) }, { accessToken: ada.refreshToken }]) {
      const socket = await Socket.connect(server.url, options);
      socket.send({ type: 'connection_init', payload });
      expect((await within(1_000, socket.closed)).code).toBe(4401);
      expect(socket.frames).toEqual([]);
    }
  });

  it('closes when nothing is said within 5 s, when something else is said first, and for another protocol', async () => {
    const silent = await Socket.connect(server.url);
    const early = await Socket.connect(server.url);
    early.subscribe('s', own);
    expect((await early.closed).code).toBe(4401);
    const foreign = await Socket.connect(server.url, { protocols: [] });
    expect((await foreign.closed).code).toBe(4406);
    await expect(Socket.connect(server.url, { protocols: ['graphql-ws'] })).rejects.toThrow();
    expect((await within(6_500, silent.closed)).code).toBe(4408);
  });

  it.each(['no json', '{}', '[]', '{"type":"next","id":"s","payload":{}}', '{"type":"subscribe","id":"s"}', '{"type":1}'])(
    'closes with 4400 for %s',
    async (garbage) => {
      const socket = await Socket.open(server.url, ada.token);
      socket.ws.send(garbage);
      expect(await within(1_000, socket.closed)).toMatchObject({ code: 4400 });
    },
  );

  it('closes for a binary mess, an id that is too long, a frame that is too large and too many messages', async () => {
    const binary = await Socket.open(server.url, ada.token);
    binary.ws.send(Buffer.from([0, 1, 255, 254]));
    expect((await binary.closed).code).toBe(4400);
    const long = await Socket.open(server.url, ada.token);
    long.subscribe('x'.repeat(200), own);
    expect((await long.closed).code).toBe(4400);
    const large = await Socket.open(server.url, ada.token);
    large.subscribe('s', `#${'x'.repeat(20_000)}`);
    expect((await within(3_000, large.closed)).code).toBe(1009);
    const busy = await Socket.open(server.url, ada.token);
    for (let count = 0; count < 60; count += 1) busy.send({ type: 'ping' });
    expect((await busy.closed).code).toBe(4429);
  });

  it.each([
    ['a query', '{ me { id } }', { code: 'BAD_REQUEST', reason: 'SUBSCRIPTIONS_ONLY' }],
    ['a mutation', 'mutation { logout }', { code: 'BAD_REQUEST', reason: 'SUBSCRIPTIONS_ONLY' }],
    ['no GraphQL', 'subscription {', { code: 'GRAPHQL_PARSE_FAILED' }],
    ['what the schema has not', 'subscription { secrets }', { code: 'GRAPHQL_VALIDATION_FAILED' }],
    ['two subscriptions in one', 'subscription { sessionEvents { at } b: sessionEvents { at } }', { code: 'GRAPHQL_VALIDATION_FAILED' }],
    ['a variable of another type', 'subscription ($a: Boolean) { sessionEvents(all: $a) { at } }', { code: 'BAD_USER_INPUT', field: 'a' }],
    [
      'a document that is too deep',
      `subscription { sessionEvents { session { ${'user { sessions { nodes { '.repeat(5)} id ${'} } }'.repeat(5)} } } }`,
      { code: 'QUERY_TOO_COMPLEX', reason: 'DEPTH' },
    ],
  ])('refuses %s by an error with a code, and stays open', async (_what, query, extensions) => {
    const socket = await Socket.open(server.url, ada.token);
    socket.subscribe('s', query, { a: 'a secret' });
    const answer = await within(
      1_000,
      socket.next(({ id }) => id === 's'),
    );
    expect(answer.type).toBe('error');
    expect(errorOf(answer)).toEqual({ ...extensions, requestId: expect.any(String) });
    expect(JSON.stringify(answer)).not.toContain('a secret');
    await socket.roundTrip();
  });

  it('refuses variables that are too wide', async () => {
    const socket = await Socket.open(server.url, ada.token);
    socket.subscribe('s', own, Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`v${index}`, 1])));
    expect(errorOf(await socket.next(({ id }) => id === 's'))).toMatchObject({ code: 'BAD_REQUEST', reason: 'MALFORMED_BODY' });
  });

  it('has 10 subscriptions at most, and an account 20 sockets', async () => {
    const socket = await Socket.open(server.url, ada.token);
    for (let count = 0; count < 11; count += 1) socket.subscribe(`s${count}`, own);
    expect(errorOf(await socket.next(({ id }) => id === 's10'))).toMatchObject({ code: 'RATE_LIMITED' });
    socket.send({ type: 'complete', id: 's0' });
    socket.subscribe('another', own);
    await socket.roundTrip();
    expect(socket.of('another')).toEqual([]);

    const bob = await signUp(server.url);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.open(server.url, bob.token)));
    const oneMore = await Socket.connect(server.url);
    oneMore.send({ type: 'connection_init', payload: { accessToken: bob.token } });
    expect((await oneMore.closed).code).toBe(4429);
    sockets[0]?.ws.close();
    await sockets[0]?.closed;
    await Socket.open(server.url, bob.token);
  });

  it('counts subscriptions itself, whatever the client says of their ids, and ends them with the connection', async () => {
    const eve = await signUp(server.url);
    const socket = await Socket.open(server.url, eve.token);
    socket.atOnce(() => {
      for (let count = 0; count < 8; count += 1) {
        socket.subscribe('same', own);
        socket.send({ type: 'complete', id: 'same' });
      }
      socket.subscribe('same', own);
    });
    await socket.roundTrip();
    const { sessionEvents } = server.app.services;
    expect(sessionEvents.count).toBeGreaterThan(0);
    expect(sessionEvents.count).toBeLessThanOrEqual(10);
    socket.ws.close();
    await socket.closed;
    const other = await Socket.open(server.url, eve.token);
    await other.roundTrip();
    expect(sessionEvents.count).toBe(0);

    const sockets = await Promise.all([0, 1, 2].map(() => Socket.open(server.url, eve.token)));
    for (const one of sockets) {
      for (let count = 0; count < 10; count += 1) one.subscribe(`s${count}`, own);
      await one.roundTrip();
    }
    expect(sessionEvents.count).toBe(20);
  });

  it('is not ended by the time limit of requests', async () => {
    const socket = await Socket.open(server.url, ada.token);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await socket.roundTrip();
  });

  it('is the only place for subscriptions', async () => {
    const answer = await post(server.url, own, {}, { token: ada.token });
    expect(codeOf(answer)).toBe('BAD_REQUEST');
    expect({ ...extensionsOf(answer), status: answer.status }).toMatchObject({ reason: 'SUBSCRIPTION_BY_HTTP', status: 400 });
  });

  it('tells a client that the database has no feed of sessions', async () => {
    const open = async (url: string) => storeWith(await openStore(url), { watchSessions: async () => null });
    const blind = await startServer('sqlite::memory:', {}, open);
    const bob = await signUp(blind.url);
    const socket = await Socket.open(blind.url, bob.token);
    socket.subscribe('s', own);
    expect(errorOf(await socket.next(({ id }) => id === 's'))).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
    expect(blind.log()).toContain('sessions cannot be followed: the database has no change streams');
  });
});

describe('a client that does not read', () => {
  it('is let go of, and costs no more memory than its buffers', async () => {
    const server = await startServer('sqlite::memory:');
    const ada = await signUp(server.url);
    const wide = Array.from({ length: 28 }, (_, index) => `a${index}: userAgent`).join(' ');
    const socket = await Socket.open(server.url, ada.token);
    for (let index = 0; index < 10; index += 1) socket.subscribe(`s${index}`, `subscription { sessionEvents { session { ${wide} } } }`);
    await socket.roundTrip();
    socket.ws.pause();
    const store = server.app.services;
    const userAgent = 'x'.repeat(500);
    const facts = { requestId: 'r', ipAddress: null, userAgent, accessToken: null, answered: Promise.resolve() };
    const giveUpAt = Date.now() + 20_000;
    while (!server.log().includes('"msg":"socket closed"') && Date.now() < giveUpAt) {
      await store.signIns.signIn({ login: ada.email, password: goodPassword }, facts);
    }
    expect(server.log()).toMatch(/"code":1013,[^\n]*"msg":"socket closed"/);
    expect((await post(server.url, '{ me { id } }', {}, { token: ada.token })).data.me.id).toBe(ada.id);
  });
});

describe('without a feed of revocations', () => {
  it('every socket is judged again each second', async () => {
    const server = await startServer('sqlite::memory:', {}, withoutFeed(openStore));
    const [ada, sam] = [await signUp(server.url), await signUp(server.url)];
    const other = await signIn(server.url, ada);
    const [ending, staying] = [await Socket.open(server.url, ada.token), await Socket.open(server.url, sam.token)];
    await revoke(server.url, other.token, ada.sessionId);
    expect((await within(2_500, ending.closed)).code).toBe(4403);
    await staying.roundTrip();
  });
});

describe('a socket that goes while the store is asked who it is', () => {
  it('leaves nothing behind that counts', async () => {
    let asked = 0;
    const slow = async (url: string) => {
      const store = await openStore(url);
      return storeWith(store, {
        watchChanges: async () => null,
        findCurrent: async (...ids) => {
          asked += 1;
          await new Promise((resolve) => setTimeout(resolve, 150));
          return store.findCurrent(...ids);
        },
      });
    };
    const server = await startServer('sqlite::memory:', {}, slow);
    const ada = await signUp(server.url);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => Socket.connect(server.url)));
    for (const socket of sockets) socket.send({ type: 'connection_init', payload: { accessToken: ada.token } });
    while (asked < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of sockets) socket.ws.terminate();
    await Promise.all(sockets.map(({ closed }) => closed));
    await Promise.all(Array.from({ length: 20 }, () => Socket.open(server.url, ada.token)));
  });
});

describeStores('Two processes on one store', (database) => {
  it('tell of what happens in the other one within a second, and close the sockets of a session that ended there', async () => {
    const environment = testEnvironment(database.url);
    // One after the other: the first one makes the keys.
    const [here, there] = [await startProcess(environment), await startProcess(environment)];
    const ada = await signUp(here.url);
    const socket = await follow(here.url, ada);
    const elsewhere = await signIn(there.url, ada);
    await within(1_000, socket.next(isEvent('CREATED', elsewhere.sessionId)));
    await refresh(there.url, elsewhere.refreshToken);
    await within(1_000, socket.next(isEvent('REFRESHED', elsewhere.sessionId)));
    await post(there.url, 'mutation { logout }', {}, { token: elsewhere.token });
    await within(1_000, socket.next(isEvent('REVOKED', elsewhere.sessionId)));
    const another = await signIn(there.url, ada);
    await post(there.url, 'mutation { revokeOtherSessions { count } }', {}, { token: another.token });
    expect(await within(2_000, socket.closed)).toEqual({ code: 4403, reason: 'SESSION_REVOKED REVOKED_BY_USER' });
    const open = await Socket.open(there.url, another.token);
    open.subscribe('s', own);
    await open.roundTrip();
    const sinceSignal = stopwatch();
    expect(await there.end('SIGTERM')).toBe(0);
    expect(sinceSignal()).toBeLessThan(2_000);
    expect((await open.closed).code).toBe(1001);
    await here.end('SIGTERM');
  });
});

describe('a stop', () => {
  it('closes 200 sockets with 1001 and takes less than a second', async () => {
    const server = await startServer('sqlite::memory:');
    const persons = await Promise.all(Array.from({ length: 10 }, () => signUp(server.url)));
    const sockets = await Promise.all(persons.flatMap(({ token }) => Array.from({ length: 20 }, () => Socket.open(server.url, token))));
    for (const socket of sockets) socket.subscribe('s', own);
    const sinceStop = stopwatch();
    await server.close();
    expect(sinceStop()).toBeLessThan(1_000);
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed).code));
    expect(codes).toHaveLength(200);
    expect(new Set(codes)).toEqual(new Set([1001]));
  });
});
