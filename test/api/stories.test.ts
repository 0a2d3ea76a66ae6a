import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';
import {
  LoginDocument,
  LogoutDocument,
  MeDocument,
  MySessionsDocument,
  RefreshTokenDocument,
  RevokeAllSessionsDocument,
  RevokeOtherSessionsDocument,
  RevokeSessionDocument,
  RevokeTokenDocument,
  ServerInfoDocument,
  SessionDocument,
  SessionsDocument,
  SignupDocument,
} from './generated/operations.js';

const anInstant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** Apollo Client as an app has it, without a cache between the test and the server. */
function clientOf({ url }: TestServer, token?: string, userAgent = firefox): ApolloClient {
  const headers = { 'user-agent': userAgent, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return new ApolloClient({
    link: new HttpLink({ uri: url, headers }),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache' }, mutate: { fetchPolicy: 'no-cache' } },
  });
}

/** What a successful call answers with. */
async function dataOf<T>(call: Promise<{ data?: T | null }>): Promise<NonNullable<T>> {
  const { data } = await call;
  if (data === undefined || data === null) throw new Error('the answer has no data');
  return data;
}

/** The `extensions` of the one error that a call fails with. */
async function refusalOf(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!CombinedGraphQLErrors.is(error)) throw new Error(`expected a GraphQL error, got ${String(error)}`);
  expect(error.errors).toHaveLength(1);
  return error.errors[0]?.extensions ?? {};
}

let people = 0;
async function signUp(server: TestServer, username?: string, userAgent?: string) {
  people += 1;
  const input = { email: `Reader${people}@Example.com`, password: goodPassword, username };
  const { signup } = await dataOf(clientOf(server, undefined, userAgent).mutate({ mutation: SignupDocument, variables: { input } }));
  if (signup.auth === null) throw new Error('no tokens after the sign-up');
  return signup.auth;
}

async function signIn(server: TestServer, login: string, userAgent?: string) {
  const input = { login, password: goodPassword };
  const { login: auth } = await dataOf(clientOf(server, undefined, userAgent).mutate({ mutation: LoginDocument, variables: { input } }));
  return auth;
}

const meIsRefused = (server: TestServer, token: string) => refusalOf(clientOf(server, token).query({ query: MeDocument }));

describeStores('A story of each operation', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url);
  });

  it('serverInfo tells a client what it needs before anybody has signed in', async () => {
    const { serverInfo } = await dataOf(clientOf(server).query({ query: ServerInfoDocument }));
    expect(serverInfo).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      serverTime: anInstant,
      signupEnabled: true,
      emailVerificationRequired: false,
      passwordMinLength: 8,
      passwordMaxLength: 256,
    });
    expect(serverInfo.errorCodes).toContain('REFRESH_TOKEN_REUSED');
  });

  it('signup makes the account, normalizes its address, and signs in at once', async () => {
    const auth = await signUp(server, 'Ada.Lovelace');
    expect(auth).toMatchObject({
      tokenType: 'Bearer',
      serverTime: anInstant,
      accessTokenExpiresAt: anInstant,
      refreshTokenExpiresAt: anInstant,
    });
    expect(auth.user).toEqual({
      __typename: 'User',
      id: expect.any(String),
      email: `reader${people}@example.com`,
      emailVerified: false,
      username: 'Ada.Lovelace',
      roles: ['user'],
      permissions: [],
      createdAt: anInstant,
      lastLoginAt: anInstant,
      passwordChangedAt: null,
      disabled: null,
    });
    expect(auth.session).toMatchObject({
      state: 'ACTIVE',
      isCurrent: true,
      refreshCount: 0,
      userAgent: firefox,
      ipAddress: '127.0.0.1',
      device: { label: 'Firefox on Linux', browser: 'Firefox', os: 'Linux', kind: 'DESKTOP' },
      revokedAt: null,
      revocationReason: null,
    });
    const { me } = await dataOf(clientOf(server, auth.accessToken).query({ query: MeDocument }));
    expect(me).toEqual(auth.user);
  });

  it('signup refuses an address and a username that are taken, in any case, and tells which', async () => {
    const { user } = await signUp(server, `taken${people}`);
    const attempt = (email: string, username?: string) =>
      refusalOf(clientOf(server).mutate({ mutation: SignupDocument, variables: { input: { email, username, password: goodPassword } } }));
    expect(await attempt(` ${user.email.toUpperCase()} `)).toMatchObject({ code: 'EMAIL_TAKEN', field: 'email' });
    expect(await attempt('somebody.else@example.com', user.username?.toUpperCase())).toMatchObject({
      code: 'USERNAME_TAKEN',
      field: 'username',
    });
  });

  it('login takes the address or the username in any case, and answers alike for an unknown login and a wrong password', async () => {
    const { user } = await signUp(server, `Grace-${people}`);
    for (const login of [user.email, user.email.toUpperCase(), ` ${user.email} `, `Grace-${people - 1}`, `gRACE-${people - 1}`]) {
      expect((await signIn(server, login)).user.id).toBe(user.id);
    }
    const attempt = (login: string) =>
      refusalOf(clientOf(server).mutate({ mutation: LoginDocument, variables: { input: { login, password: 'not the password' } } }));
    const requestId = expect.any(String);
    for (const login of [user.email, 'nobody@example.com', 'nobody', '', '@', 'x'.repeat(5_000), 'nul\0@example.com', '👻']) {
      expect(await attempt(login)).toEqual({ code: 'INVALID_CREDENTIALS', requestId });
    }
  });

  it('refreshToken gives a successor, and a second tab that comes late gets the same one', async () => {
    const auth = await signUp(server);
    const refresh = () => dataOf(clientOf(server).mutate({ mutation: RefreshTokenDocument, variables: { token: auth.refreshToken } }));
    const [one, other] = [await refresh(), await refresh()];
    expect(one.refreshToken.refreshToken).not.toBe(auth.refreshToken);
    expect(other.refreshToken.refreshToken).toBe(one.refreshToken.refreshToken);
    expect(other.refreshToken.session).toMatchObject({ id: auth.session.id, refreshCount: 1, isCurrent: true });
    const { me } = await dataOf(clientOf(server, other.refreshToken.accessToken).query({ query: MeDocument }));
    expect(me.id).toBe(auth.user.id);
  });

  it('revokeToken ends the session of a refresh or an access token, superseded ones too, and is true for anything else', async () => {
    const revoke = async (token: string) =>
      (await dataOf(clientOf(server).mutate({ mutation: RevokeTokenDocument, variables: { token } }))).revokeToken;
    const one = await signUp(server);
    await dataOf(clientOf(server).mutate({ mutation: RefreshTokenDocument, variables: { token: one.refreshToken } }));
    const superseded = one.refreshToken ?? '';
    expect(await revoke(superseded)).toBe(true);
    expect(await meIsRefused(server, one.accessToken)).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'REVOKED',
      sessionId: one.session.id,
    });
    const other = await signUp(server);
    expect(await revoke(other.accessToken)).toBe(true);
    expect(await revoke(other.accessToken)).toBe(true);
    expect(await meIsRefused(server, other.accessToken)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED' });
    const bystander = await signUp(server);
    for (const token of ['', 'nonsense', superseded.replace(/.$/, '-'), bystander.session.id]) expect(await revoke(token)).toBe(true);
    expect((await dataOf(clientOf(server, bystander.accessToken).query({ query: MeDocument }))).me.id).toBe(bystander.user.id);
  });

  it('revokeToken and logout end a session by an access token that has expired', async () => {
    const short = await startServer(database.url, { LATCHKEY_ACCESS_TOKEN_TTL: '1m' });
    const [one, other] = [await signUp(short), await signUp(short)];
    short.advanceClock(120_000);
    await dataOf(clientOf(short).mutate({ mutation: RevokeTokenDocument, variables: { token: one.accessToken } }));
    await dataOf(clientOf(short, other.accessToken).mutate({ mutation: LogoutDocument }));
    for (const { refreshToken } of [one, other]) {
      expect(await refusalOf(clientOf(short).mutate({ mutation: RefreshTokenDocument, variables: { token: refreshToken } }))).toMatchObject(
        { code: 'SESSION_REVOKED' },
      );
    }
  });

  it('logout ends the session of the access token, and is true for nobody', async () => {
    const auth = await signUp(server);
    const { logout } = await dataOf(clientOf(server, auth.accessToken).mutate({ mutation: LogoutDocument }));
    expect(logout).toBe(true);
    expect(await meIsRefused(server, auth.accessToken)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED' });
    expect((await dataOf(clientOf(server).mutate({ mutation: LogoutDocument }))).logout).toBe(true);
    expect((await dataOf(clientOf(server, 'nonsense').mutate({ mutation: LogoutDocument }))).logout).toBe(true);
  });

  it('sessions lists the own sessions page by page, newest sign-in first, by state', async () => {
    const { user, accessToken } = await signUp(server);
    const ids: string[] = [];
    for (const agent of ['curl/8.5.0', firefox, 'curl/8.5.0', firefox]) ids.unshift((await signIn(server, user.email, agent)).session.id);
    const list = async (variables: object) =>
      (await dataOf(clientOf(server, accessToken).query({ query: SessionsDocument, variables }))).sessions;
    const all = await list({});
    expect(all.totalCount).toBe(5);
    expect(all.nodes.map(({ id }) => id).slice(0, 4)).toEqual(ids);
    expect(all.edges.map(({ node }) => node.isCurrent)).toEqual([false, false, false, false, true]);
    const first = await list({ first: 2 });
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const rest = await list({ first: 3, after: first.pageInfo.endCursor });
    expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true, startCursor: rest.edges[0]?.cursor });
    expect([...first.nodes, ...rest.nodes]).toEqual(all.nodes);
    await dataOf(clientOf(server, accessToken).mutate({ mutation: RevokeSessionDocument, variables: { id: ids[0] ?? '' } }));
    expect((await list({ state: 'REVOKED' })).nodes.map(({ id }) => id)).toEqual([ids[0]]);
    expect((await list({ state: 'ACTIVE' })).totalCount).toBe(4);
    expect((await list({ state: 'EXPIRED' })).nodes).toEqual([]);
    expect((await list({ state: null })).totalCount).toBe(5);
    const { me } = await dataOf(clientOf(server, accessToken).query({ query: MySessionsDocument }));
    expect(me.sessions.totalCount).toBe(4);
  });

  it('sessions refuses pages of no size or over 100 rows, and cursors that are none', async () => {
    const { accessToken } = await signUp(server);
    const attempt = (variables: object) => refusalOf(clientOf(server, accessToken).query({ query: SessionsDocument, variables }));
    for (const first of [0, -1, 101])
      expect(await attempt({ first })).toMatchObject({ code: 'BAD_USER_INPUT', field: 'first', reason: 'OUT_OF_RANGE' });
    for (const after of ['', 'x', '{"$ne":1}', 'MTox', 'A'.repeat(3_000)]) {
      expect(await attempt({ after })).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after', reason: 'INVALID' });
    }
  });

  it('session shows one of the own sessions, and null for unknown, malformed and other people’s ids', async () => {
    const [mine, theirs] = [await signUp(server), await signUp(server)];
    const find = async (id: string) =>
      (await dataOf(clientOf(server, mine.accessToken).query({ query: SessionDocument, variables: { id } }))).session;
    expect(await find(mine.session.id)).toMatchObject({ id: mine.session.id, isCurrent: true, user: { id: mine.user.id } });
    for (const id of [theirs.session.id, '00000000-0000-4000-8000-000000000000', 'x', '', '{"$gt":""}', 'nul\0', '1'.repeat(5_000)])
      expect(await find(id)).toBeNull();
  });

  it('revokeSession ends another device’s session with the next request, and comes back alike when asked again', async () => {
    const here = await signUp(server);
    const there = await signIn(server, here.user.email);
    const revoke = async () =>
      (await dataOf(clientOf(server, here.accessToken).mutate({ mutation: RevokeSessionDocument, variables: { id: there.session.id } })))
        .revokeSession;
    const ended = await revoke();
    expect(ended).toMatchObject({ id: there.session.id, state: 'REVOKED', revocationReason: 'REVOKED_BY_USER', revokedAt: anInstant });
    expect(await revoke()).toEqual(ended);
    expect(await meIsRefused(server, there.accessToken)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED', at: ended.revokedAt });
    const stranger = await signUp(server);
    for (const id of [here.session.id, '00000000-0000-4000-8000-000000000000', 'x']) {
      const attempt = clientOf(server, stranger.accessToken).mutate({ mutation: RevokeSessionDocument, variables: { id } });
      expect(await refusalOf(attempt)).toEqual({ code: 'NOT_FOUND', requestId: expect.any(String) });
    }
    expect((await dataOf(clientOf(server, here.accessToken).query({ query: MeDocument }))).me.id).toBe(here.user.id);
  });

  it('revokeOtherSessions keeps this session and ends all others, new sign-ins excepted', async () => {
    const here = await signUp(server);
    const others = [await signIn(server, here.user.email), await signIn(server, here.user.email)];
    const { revokeOtherSessions } = await dataOf(clientOf(server, here.accessToken).mutate({ mutation: RevokeOtherSessionsDocument }));
    expect(revokeOtherSessions).toMatchObject({ count: 2, dryRun: false });
    expect(new Set(revokeOtherSessions.sessions.map(({ id }) => id))).toEqual(new Set(others.map(({ session }) => session.id)));
    expect(revokeOtherSessions.sessions.every(({ state }) => state === 'REVOKED')).toBe(true);
    for (const { accessToken } of others) expect(await meIsRefused(server, accessToken)).toMatchObject({ reason: 'REVOKED' });
    const { refreshToken } = await dataOf(
      clientOf(server).mutate({ mutation: RefreshTokenDocument, variables: { token: here.refreshToken } }),
    );
    const later = await signIn(server, here.user.email);
    for (const { accessToken } of [refreshToken, later])
      expect((await dataOf(clientOf(server, accessToken).query({ query: MeDocument }))).me.id).toBe(here.user.id);
  });

  it('revokeAllSessions ends this session too', async () => {
    const here = await signUp(server);
    const there = await signIn(server, here.user.email);
    const { revokeAllSessions } = await dataOf(clientOf(server, here.accessToken).mutate({ mutation: RevokeAllSessionsDocument }));
    expect(revokeAllSessions.count).toBe(2);
    for (const { accessToken } of [here, there]) expect(await meIsRefused(server, accessToken)).toMatchObject({ reason: 'REVOKED' });
    expect((await signIn(server, here.user.email)).session.state).toBe('ACTIVE');
  });

  it('lets an administrator see and end any session, from the request after the role was granted', async () => {
    const [administrator, person] = [await signUp(server), await signUp(server)];
    const client = clientOf(server, administrator.accessToken);
    expect((await dataOf(client.query({ query: SessionDocument, variables: { id: person.session.id } }))).session).toBeNull();
    await server.app.services.accounts.grantRole(administrator.user.email, 'admin');
    const { session } = await dataOf(client.query({ query: SessionDocument, variables: { id: person.session.id } }));
    expect(session).toMatchObject({ id: person.session.id, user: { email: person.user.email } });
    const { revokeSession } = await dataOf(client.mutate({ mutation: RevokeSessionDocument, variables: { id: person.session.id } }));
    expect(revokeSession).toMatchObject({ state: 'REVOKED', revocationReason: 'REVOKED_BY_ADMIN' });
    expect(await meIsRefused(server, person.accessToken)).toMatchObject({ reason: 'REVOKED' });
  });

  it('shows when a session was last used, to the minute, without a refresh', async () => {
    const { accessToken, session } = await signUp(server);
    server.advanceClock(5 * 60_000);
    await dataOf(clientOf(server, accessToken).query({ query: MeDocument }));
    await server.app.services.flushUses();
    const { session: seen } = await dataOf(clientOf(server, accessToken).query({ query: SessionDocument, variables: { id: session.id } }));
    expect(Date.parse(seen?.lastSeenAt ?? '') - Date.parse(session.createdAt)).toBeGreaterThanOrEqual(5 * 60_000);
  });
});

describe('With sign-up closed', () => {
  it('signup is FORBIDDEN and serverInfo says so', async () => {
    const server = await startServer('sqlite::memory:', { LATCHKEY_SIGNUP: 'off' });
    const input = { email: 'late@example.com', password: goodPassword };
    const refusal = await refusalOf(clientOf(server).mutate({ mutation: SignupDocument, variables: { input } }));
    expect(refusal).toMatchObject({ code: 'FORBIDDEN', reason: 'SIGNUP_CLOSED' });
    expect((await dataOf(clientOf(server).query({ query: ServerInfoDocument }))).serverInfo.signupEnabled).toBe(false);
  });
});
