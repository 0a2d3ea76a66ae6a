import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import {
  codeOf,
  extensionsOf,
  type GraphQLAnswer,
  loginMutation,
  meQuery,
  post,
  refreshMutation,
  signupMutation,
} from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores, type StoreUnderTest } from '../support/stores.js';

const second = 1_000;
const hour = 3_600_000;
const day = 24 * hour;

interface SignedInClient {
  readonly accountId: string;
  readonly sessionId: string;
  readonly email: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

let people = 0;

async function signUp({ url }: TestServer, headers: Record<string, string> = {}): Promise<SignedInClient> {
  people += 1;
  const email = `person${people}@example.com`;
  const { data } = await post(url, signupMutation, { input: { email, password: goodPassword } }, { headers });
  const { user, session, accessToken, refreshToken } = data.signup.auth;
  return { accountId: user.id, sessionId: session.id, email, accessToken, refreshToken };
}

const refresh = ({ url }: TestServer, token: string, headers: Record<string, string> = {}) =>
  post(url, refreshMutation, { token }, { headers });
const successorOf = ({ data, errors }: GraphQLAnswer): string => {
  if (data === null) throw new Error(`no successor: ${JSON.stringify(errors)}`);
  return data.refreshToken.refreshToken;
};
/** Uses the access token of a generation, which shows that the client holds it. */
const confirm = async ({ url }: TestServer, answer: GraphQLAnswer) =>
  post(url, meQuery, {}, { token: answer.data.refreshToken.accessToken });

describeStores('The refresh table', (database: StoreUnderTest) => {
  let server: TestServer;
  let store: Store;
  beforeAll(async () => {
    server = await startServer(database.url);
    store = await database.open();
  });

  it('rotates the present token, and the session lives on with one more generation', async () => {
    const client = await signUp(server);
    const answer = await refresh(server, client.refreshToken);
    expect(successorOf(answer)).not.toBe(client.refreshToken);
    expect(answer.data.refreshToken.session).toEqual({ id: client.sessionId, state: 'ACTIVE', refreshCount: 1, isCurrent: true });
    const row = await store.findSession(client.sessionId);
    expect(row).toMatchObject({ generation: 1, revoked: null });
  });

  it('gives one answer for malformed, damaged, forged and unknown tokens, and revokes nothing for them', async () => {
    const client = await signUp(server);
    const flipped = `${client.refreshToken.slice(0, -3)}${client.refreshToken.at(-3) === 'A' ? 'B' : 'A'}${client.refreshToken.slice(-2)}`;
    const tokens = [
      '',
      'x',
      'lk_rt_',
      client.refreshToken.slice(0, -1),
      `${client.refreshToken}A`,
      flipped,
      client.accessToken,
      ` ${client.refreshToken}`,
    ];
    const answers = await Promise.all(tokens.map((token) => refresh(server, token)));
    for (const answer of answers) expect(extensionsOf(answer)).toEqual({ code: 'REFRESH_TOKEN_INVALID', requestId: expect.any(String) });
    expect(codeOf(await post(server.url, 'mutation { refreshToken { accessToken } }'))).toBe('REFRESH_TOKEN_INVALID');
    expect(successorOf(await refresh(server, client.refreshToken))).toMatch(/^lk_rt_/);
  });

  it('refuses a token of a generation that the store has not reached (restored from a backup)', async () => {
    const client = await signUp(server);
    const { refreshTokens } = server.app.services;
    const ahead = refreshTokens.mint({ sessionId: client.sessionId, generation: 1 });
    expect(codeOf(await refresh(server, ahead))).toBe('REFRESH_TOKEN_INVALID');
    expect(successorOf(await refresh(server, client.refreshToken))).toBe(ahead);
  });

  it('says ACCOUNT_DISABLED for a disabled account, and ends the session', async () => {
    const client = await signUp(server);
    const at = server.app.services.now();
    await store.disableAccount(client.accountId, { at, until: null, reason: 'moved out' }, { at, reason: 'ACCOUNT_DISABLED', by: null });
    expect(extensionsOf(await refresh(server, client.refreshToken))).toMatchObject({
      code: 'ACCOUNT_DISABLED',
      sessionId: client.sessionId,
    });
    const row = await store.findSession(client.sessionId);
    expect(row?.revoked).toMatchObject({ reason: 'ACCOUNT_DISABLED' });
    const signIn = await post(server.url, loginMutation, { input: { login: client.email, password: goodPassword } });
    expect(codeOf(signIn)).toBe('ACCOUNT_DISABLED');
    const guess = await post(server.url, loginMutation, { input: { login: client.email, password: 'a wrong password' } });
    expect(codeOf(guess)).toBe('INVALID_CREDENTIALS');
  });

  it('says SESSION_REVOKED with reason and instant, also within the grace', async () => {
    const client = await signUp(server);
    const next = successorOf(await refresh(server, client.refreshToken));
    await post(server.url, 'mutation { logout }', {}, { token: client.accessToken });
    for (const token of [client.refreshToken, next]) {
      const { at, ...rest } = extensionsOf(await refresh(server, token));
      expect(rest).toMatchObject({ code: 'SESSION_REVOKED', reason: 'LOGOUT', sessionId: client.sessionId });
      expect(Math.abs(Date.parse(String(at)) - server.app.services.now())).toBeLessThan(5 * second);
    }
  });

  it('says SESSION_REVOKED when the account ended all its sessions', async () => {
    const client = await signUp(server);
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token: client.accessToken });
    expect(extensionsOf(await refresh(server, client.refreshToken))).toMatchObject({ code: 'SESSION_REVOKED', reason: 'REVOKED_BY_USER' });
  });

  it('answers a superseded token with the same successor as long as the client has not shown that it holds it', async () => {
    const client = await signUp(server);
    const first = await refresh(server, client.refreshToken);
    for (const wait of [second, 30 * second, hour, 6 * day]) {
      server.advanceClock(wait);
      expect(successorOf(await refresh(server, client.refreshToken))).toBe(successorOf(first));
    }
    expect((await store.findSession(client.sessionId))?.generation).toBe(1);
  });

  it('answers a superseded token within the grace after its successor was used, and takes it for reuse after that', async () => {
    const client = await signUp(server);
    const other = await signUp(server);
    const first = await refresh(server, client.refreshToken);
    await confirm(server, first);
    server.advanceClock(5 * second);
    expect(successorOf(await refresh(server, client.refreshToken))).toBe(successorOf(first));
    server.advanceClock(6 * second);
    const { at, ...reused } = extensionsOf(await refresh(server, client.refreshToken));
    expect(reused).toMatchObject({ code: 'REFRESH_TOKEN_REUSED', reason: 'REUSE_DETECTED', sessionId: client.sessionId });
    expect(typeof at).toBe('string');
    // The session is over for both parties, and only this one.
    expect(extensionsOf(await refresh(server, successorOf(first)))).toMatchObject({ code: 'SESSION_REVOKED', reason: 'REUSE_DETECTED' });
    expect((await store.findSession(client.sessionId))?.revoked?.reason).toBe('REUSE_DETECTED');
    expect(codeOf(await confirm(server, first))).toBe('UNAUTHENTICATED');
    expect(successorOf(await refresh(server, other.refreshToken))).toMatch(/^lk_rt_/);
  });

  it('answers the last but one within its grace, and takes it for reuse after that', async () => {
    const client = await signUp(server);
    const second1 = successorOf(await refresh(server, client.refreshToken));
    const second2 = successorOf(await refresh(server, second1));
    expect(successorOf(await refresh(server, client.refreshToken))).toBe(second2);
    server.advanceClock(11 * second);
    expect(codeOf(await refresh(server, client.refreshToken))).toBe('REFRESH_TOKEN_REUSED');
  });

  it('asks to wait, and revokes nothing, when more rotations lie within one grace than it remembers', async () => {
    const client = await signUp(server);
    let token = client.refreshToken;
    for (let rotations = 0; rotations < 10; rotations += 1) token = successorOf(await refresh(server, token));
    const limited = extensionsOf(await refresh(server, client.refreshToken));
    expect(limited).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) });
    expect(limited.retryAfter).toBeGreaterThanOrEqual(1);
    expect(limited.retryAfter).toBeLessThanOrEqual(10);
    expect(successorOf(await refresh(server, token))).toMatch(/^lk_rt_/);
  });

  it('decides nothing on a rotation that lies in the future: neither a grant nor a revocation', async () => {
    const client = await signUp(server);
    const at = server.app.services.now();
    const change = { expectedGeneration: 0, at: at + 60 * second, attemptId: 'a leap', idleExpiresAt: at + day, purgeAt: at + 40 * day };
    expect(await store.advance(client.sessionId, change)).toBe(true);
    expect(extensionsOf(await refresh(server, client.refreshToken))).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
    expect(await store.findSession(client.sessionId)).toMatchObject({ generation: 1, revoked: null });
  });

  it('says SESSION_EXPIRED with the idle limit, and its access token died before', async () => {
    const client = await signUp(server);
    server.advanceClock(7 * day + second);
    expect(extensionsOf(await refresh(server, client.refreshToken))).toMatchObject({
      code: 'SESSION_EXPIRED',
      reason: 'IDLE',
      sessionId: client.sessionId,
    });
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: client.accessToken }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'EXPIRED',
    });
  });
});

describeStores('Absolute limit, binding and strict mode', (database: StoreUnderTest) => {
  it('says SESSION_EXPIRED with the absolute limit however often the session was refreshed', async () => {
    const server = await startServer(database.url, { LATCHKEY_REFRESH_TOKEN_TTL: '1h', LATCHKEY_SESSION_MAX_AGE: '2h' });
    const client = await signUp(server);
    server.advanceClock(50 * 60 * second);
    const first = await refresh(server, client.refreshToken);
    server.advanceClock(50 * 60 * second);
    const last = await refresh(server, successorOf(first));
    const { refreshTokenExpiresAt, accessTokenExpiresAt } = last.data.refreshToken;
    // Twenty minutes are left, for the session and for its access token.
    expect(Date.parse(refreshTokenExpiresAt) - server.app.services.now()).toBeLessThanOrEqual(20 * 60 * second);
    expect(Date.parse(accessTokenExpiresAt)).toBeLessThanOrEqual(Date.parse(refreshTokenExpiresAt));
    server.advanceClock(21 * 60 * second);
    expect(extensionsOf(await refresh(server, successorOf(last)))).toMatchObject({ code: 'SESSION_EXPIRED', reason: 'ABSOLUTE' });
  });

  it('ends a bound session that is refreshed by another browser, and not one whose browser was updated', async () => {
    const server = await startServer(database.url, { LATCHKEY_SESSION_BINDING: 'both' });
    const firefox = (version: number) => ({
      'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
    });
    const client = await signUp(server, firefox(140));
    const next = successorOf(await refresh(server, client.refreshToken, firefox(141)));
    const refused = extensionsOf(await refresh(server, next, { 'user-agent': 'curl/8.5.0' }));
    expect(refused).toMatchObject({ code: 'SESSION_REVOKED', reason: 'BINDING_MISMATCH', sessionId: client.sessionId });
    expect(extensionsOf(await refresh(server, next, firefox(141)))).toMatchObject({ code: 'SESSION_REVOKED', reason: 'BINDING_MISMATCH' });
  });

  it('ends a session bound to an address that is refreshed from another one', async () => {
    const server = await startServer(database.url, { LATCHKEY_SESSION_BINDING: 'address', LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' });
    const client = await signUp(server, { 'x-forwarded-for': '192.0.2.7' });
    const next = successorOf(await refresh(server, client.refreshToken, { 'x-forwarded-for': '192.0.2.7' }));
    const refused = await refresh(server, next, { 'x-forwarded-for': '192.0.2.8' });
    expect(extensionsOf(refused)).toMatchObject({ code: 'SESSION_REVOKED', reason: 'BINDING_MISMATCH' });
  });

  it('takes every superseded token for reuse when the grace is 0 (RFC 9700 4.14.2)', async () => {
    const server = await startServer(database.url, { LATCHKEY_REFRESH_GRACE: '0s' });
    const client = await signUp(server);
    const next = successorOf(await refresh(server, client.refreshToken));
    expect(codeOf(await refresh(server, client.refreshToken))).toBe('REFRESH_TOKEN_REUSED');
    expect(codeOf(await refresh(server, next))).toBe('SESSION_REVOKED');
  });

  it('keeps as many sessions as are allowed, those of the newest sign-ins', async () => {
    const server = await startServer(database.url, { LATCHKEY_SESSION_LIMIT: '3' });
    const client = await signUp(server);
    const signIns = [];
    for (let count = 0; count < 3; count += 1) {
      signIns.push(await post(server.url, loginMutation, { input: { login: client.email, password: goodPassword } }));
    }
    expect(extensionsOf(await refresh(server, client.refreshToken))).toMatchObject({ code: 'SESSION_REVOKED', reason: 'SESSION_LIMIT' });
    for (const { data } of signIns) expect(successorOf(await refresh(server, data.login.refreshToken))).toMatch(/^lk_rt_/);
    const parallel = await Promise.all(
      Array.from({ length: 6 }, () => post(server.url, loginMutation, { input: { login: client.email, password: goodPassword } })),
    );
    // A sign-in that newer ones have pushed out already gets no tokens.
    const refused = parallel.filter(({ errors }) => errors.length > 0).map(extensionsOf);
    for (const refusal of refused) expect(refusal).toMatchObject({ code: 'SESSION_REVOKED', reason: 'SESSION_LIMIT' });
    expect(refused.length).toBeLessThanOrEqual(3);
    const left = await (await database.open()).countSessions(
      { accountId: client.accountId, state: 'ACTIVE', now: server.app.services.now(), epoch: 0, keptSessionId: null, epochRaisedAt: null },
      100,
    );
    expect(left).toBe(3);
  });
});
