import { beforeAll, describe, expect, it } from '@jest/globals';
import { Cookie } from 'tough-cookie';
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
import { allowedOrigin, goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const fromPage = { 'latchkey-transport': 'cookie', origin: allowedOrigin };

function cookiesOf({ headers }: GraphQLAnswer): Cookie[] {
  return headers.getSetCookie().map((line) => {
    const cookie = Cookie.parse(line);
    if (cookie === undefined) throw new Error('a Set-Cookie header that cannot be read');
    return cookie;
  });
}
function cookieOf(answer: GraphQLAnswer): string {
  const [cookie, ...more] = cookiesOf(answer);
  if (cookie === undefined || more.length > 0) throw new Error(`expected one cookie: ${answer.text}`);
  return cookie.cookieString();
}
const withCookie = (cookie: string) => ({ headers: { ...fromPage, cookie } });

let people = 0;
async function signUp({ url }: TestServer) {
  people += 1;
  const email = `page${people}@example.com`;
  const answer = await post(url, signupMutation, { input: { email, password: goodPassword } }, { headers: fromPage });
  return { email, answer, auth: answer.data.signup.auth, cookie: cookieOf(answer) };
}

describeStores('Cookie mode', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url);
  });

  it('keeps the refresh token out of every body, in a cookie that scripts and other sites cannot use', async () => {
    const { answer, auth } = await signUp(server);
    const [cookie] = cookiesOf(answer);
    expect(auth.refreshToken).toBeNull();
    expect(answer.text).not.toContain('lk_rt_');
    expect(cookie).toMatchObject({ key: 'latchkey', path: '/', domain: null, httpOnly: true, secure: false, sameSite: 'lax' });
    expect(cookie?.value).toMatch(/^lk_rt_/);
    const days = (Number(cookie?.maxAge) * 1000) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThanOrEqual(7);
  });

  it('is __Host- and Secure where the public URL is https', async () => {
    const secure = await startServer(database.url, { LATCHKEY_PUBLIC_URL: 'https://auth.test' });
    const input = { email: `secure-${database.kind}@example.com`, password: goodPassword };
    const answer = await post(secure.url, signupMutation, { input }, { headers: { ...fromPage, origin: 'https://auth.test' } });
    expect(cookiesOf(answer)[0]).toMatchObject({
      key: '__Host-latchkey',
      secure: true,
      httpOnly: true,
      sameSite: 'lax',
      path: '/',
      domain: null,
    });
  });

  it('answers a young generation again without rotating, so that replies that cross cannot leave an older cookie', async () => {
    const { cookie } = await signUp(server);
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(server.url, refreshMutation, {}, withCookie(cookie))));
    expect(new Set(answers.map(cookieOf))).toEqual(new Set([cookie]));
    server.advanceClock(11_000);
    const rotated = await Promise.all(Array.from({ length: 5 }, () => post(server.url, refreshMutation, {}, withCookie(cookie))));
    expect(new Set(rotated.map(cookieOf)).size).toBe(1);
    expect(cookieOf(rotated[0] as GraphQLAnswer)).not.toBe(cookie);
    expect(rotated[0]?.data.refreshToken.refreshToken).toBeNull();
  });

  it('reads no cookie without the header, and serves no page whose origin is not allowed', async () => {
    const { cookie } = await signUp(server);
    const attempt = (headers: Record<string, string>) => post(server.url, refreshMutation, {}, { headers: { cookie, ...headers } });
    expect(codeOf(await attempt({ origin: allowedOrigin }))).toBe('REFRESH_TOKEN_INVALID');
    const strangers: Record<string, string>[] = [
      { 'latchkey-transport': 'cookie' },
      { ...fromPage, origin: 'http://evil.test' },
      { ...fromPage, origin: 'null' },
      { ...fromPage, origin: `${allowedOrigin}.evil.test` },
      { ...fromPage, 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of strangers) {
      const answer = await attempt(headers);
      expect(answer.status).toBe(403);
      expect(extensionsOf(answer)).toMatchObject({ code: 'FORBIDDEN', reason: 'ORIGIN_NOT_ALLOWED' });
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect((await attempt({ ...fromPage, 'sec-fetch-site': 'same-site' })).errors).toEqual([]);
  });

  it('refuses the cookie together with the argument, and two cookies of the name', async () => {
    const [one, other] = [await signUp(server), await signUp(server)];
    const both = await post(server.url, refreshMutation, { token: one.cookie.replace('latchkey=', '') }, withCookie(one.cookie));
    expect(extensionsOf(both)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'token', reason: 'TOKEN_GIVEN_TWICE' });
    for (const pair of [`${one.cookie}; ${other.cookie}`, `${one.cookie}; ${one.cookie}`, `latchkey=; ${one.cookie}`]) {
      expect(codeOf(await post(server.url, refreshMutation, {}, withCookie(pair)))).toBe('REFRESH_TOKEN_INVALID');
      expect(codeOf(await post(server.url, 'mutation { revokeToken }', {}, withCookie(pair)))).toBe('REFRESH_TOKEN_INVALID');
    }
    expect((await post(server.url, refreshMutation, {}, withCookie(one.cookie))).errors).toEqual([]);
  });

  it('never clears the cookie for a refused refresh', async () => {
    const { cookie, auth } = await signUp(server);
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token: auth.accessToken });
    const answer = await post(server.url, refreshMutation, {}, withCookie(cookie));
    expect(codeOf(answer)).toBe('SESSION_REVOKED');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('ends the session and clears the cookie by logout, also without an access token', async () => {
    const { cookie, auth } = await signUp(server);
    const answer = await post(server.url, 'mutation { logout }', {}, withCookie(cookie));
    expect(answer.data).toEqual({ logout: true });
    expect(cookiesOf(answer)[0]).toMatchObject({ key: 'latchkey', value: '', path: '/', httpOnly: true });
    expect(cookiesOf(answer)[0]?.expiryTime()).toBeLessThanOrEqual(Date.now());
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: auth.accessToken }))).toMatchObject({ reason: 'REVOKED' });
  });

  it('clears the cookie by revokeToken only if the token names the cookie’s session', async () => {
    const page = await signUp(server);
    const elsewhere = (await post(server.url, loginMutation, { input: { login: page.email, password: goodPassword } })).data.login;
    const revoke = 'mutation ($token: String) { revokeToken(token: $token) }';
    const other = await post(server.url, revoke, { token: elsewhere.refreshToken }, withCookie(page.cookie));
    expect(other.headers.getSetCookie()).toEqual([]);
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: elsewhere.accessToken }))).toMatchObject({ reason: 'REVOKED' });
    const own = await post(server.url, 'mutation { revokeToken }', {}, withCookie(page.cookie));
    expect(cookiesOf(own)[0]?.value).toBe('');
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: page.auth.accessToken }))).toMatchObject({ reason: 'REVOKED' });
  });
});

describe('Where tokens travel', () => {
  it('refuses a transport that there is not', async () => {
    const server = await startServer('sqlite::memory:');
    const answer = await post(server.url, meQuery, {}, { headers: { 'latchkey-transport': 'pigeon' } });
    expect(answer.status).toBe(400);
    expect(extensionsOf(answer)).toMatchObject({ code: 'BAD_REQUEST', reason: 'TRANSPORT' });
  });
});
