import { beforeAll, describe, expect, it } from '@jest/globals';
import { AuthRefusedError, type AuthState } from 'latchkey-client';
import { meQuery, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { FakeBrowser } from './browser.js';

const minute = 60_000;
const hour = 60 * minute;

let people = 0;
const somebody = () => {
  people += 1;
  return { email: `session${people}@example.com`, password: goodPassword };
};

let server: TestServer;
beforeAll(async () => {
  server = await startServer('sqlite::memory:');
});
const whoIs = async (token: string | null) => (await post(server.url, meQuery, {}, { token: token ?? '' })).data?.me.email;
const passTime = (browser: FakeBrowser, milliseconds: number) => {
  server.advanceClock(milliseconds);
  browser.pass(milliseconds);
};

describe.each([
  ['cookie mode', (browser: FakeBrowser) => browser.tab()],
  ['bearer mode in memory', (browser: FakeBrowser) => browser.tab({ transport: 'bearer' })],
  ['bearer mode in a storage', (browser: FakeBrowser) => browser.tab({ transport: 'bearer', storage: browser.tokenStorage() })],
])('A session in %s', (_mode, open) => {
  it('is unknown, then signed out, then signed in, and ends with a logout that the server knows of', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    const states: AuthState[] = [];
    auth.onChange((state) => states.push(state));
    expect(auth.state).toEqual({ kind: 'unknown' });
    expect(await auth.start()).toEqual({ kind: 'signed-out', reason: 'NO_SESSION' });
    expect(await auth.getAccessToken()).toBeNull();

    const person = somebody();
    expect(await auth.signup(person)).toEqual({ emailVerificationRequired: false });
    const { email } = person;
    expect(auth.state).toMatchObject({ kind: 'signed-in', user: { email, emailVerified: false, username: null, roles: ['user'] } });
    const token = await auth.getAccessToken();
    expect(await whoIs(token)).toBe(email);

    await auth.logout();
    const sessionId = states.flatMap((state) => (state.kind === 'signed-in' ? [state.sessionId] : []))[0];
    expect(auth.state).toEqual({ kind: 'signed-out', reason: 'LOGOUT', sessionId });
    expect(await auth.getAccessToken()).toBeNull();
    expect(await whoIs(token)).toBeUndefined();
    expect(states.map(({ kind }) => kind)).toEqual(['signed-out', 'signed-in', 'signed-out']);
    expect(browser.hasCookie()).toBe(false);
    expect(await browser.tokenStorage().read()).toBeNull();
  });

  it('asks for a token once for as long as it lasts, then refreshes, and the state is the same object', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    const person = somebody();
    await auth.signup(person);
    const { state } = auth;
    const first = await auth.getAccessToken();
    passTime(browser, 40 * minute);
    expect(await auth.getAccessToken()).toBe(first);
    expect(browser.requests).toHaveLength(1);
    passTime(browser, 20 * minute);
    const tokens = await Promise.all(Array.from({ length: 30 }, () => auth.getAccessToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(first);
    expect(await whoIs(tokens[0] ?? null)).toBe(person.email);
    expect(browser.count('RefreshToken')).toBe(1);
    expect(auth.state).toBe(state);
  });

  it('says why it ended, and when, by the server', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    const person = somebody();
    await auth.signup(person);
    const token = (await auth.getAccessToken()) ?? '';
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token });
    expect(await auth.handleUnauthenticated(token)).toBeNull();
    const { state } = auth;
    if (state.kind !== 'signed-out') throw new Error('still signed in');
    expect(state).toMatchObject({ reason: 'REVOKED_BY_USER', sessionId: expect.any(String) });
    expect(Math.abs(Date.parse(state.at ?? '') - server.app.services.now())).toBeLessThan(minute);
    expect(await auth.getAccessToken()).toBeNull();
    expect(browser.count('RefreshToken')).toBe(1);
    await auth.login({ login: person.email, password: person.password });
    expect(auth.state.kind).toBe('signed-in');
  });

  it('ends when it was idle for too long', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    await auth.signup(somebody());
    passTime(browser, 8 * 24 * hour);
    expect(await auth.getAccessToken()).toBeNull();
    expect(auth.state).toMatchObject({ kind: 'signed-out', reason: 'IDLE', at: expect.any(String) });
  });

  it('is not begun by a wrong password, and the state stays', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    const person = somebody();
    await auth.signup(person);
    const { state } = auth;
    const refused = await auth.login({ login: person.email, password: 'a wrong password' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AuthRefusedError);
    expect(refused).toMatchObject({ code: 'INVALID_CREDENTIALS', message: 'The login or the password is wrong.' });
    expect(auth.state).toBe(state);
  });

  it('gets another token after a new proof of the password, whatever it holds', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    await auth.signup(somebody());
    const before = await auth.getAccessToken();
    const newPassword = 'another correct horse';
    const change = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { session { id } } }';
    await post(server.url, change, { input: { currentPassword: goodPassword, newPassword } }, { token: before ?? '' });
    await auth.refresh();
    const after = await auth.getAccessToken();
    expect(after).not.toBe(before);
    expect(await whoIs(after)).toMatch(/@example/);
  });

  it('is over for an account that was disabled', async () => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    await auth.signup(somebody());
    const { state } = auth;
    if (state.kind !== 'signed-in') throw new Error('not signed in');
    const { services } = server.app;
    const admin = somebody();
    await browser.tab({ transport: 'bearer' }).signup(admin);
    await services.accounts.grantRole(admin.email, 'admin');
    const adminTab = browser.tab({ transport: 'bearer' });
    await adminTab.login({ login: admin.email, password: admin.password });
    const disable = 'mutation ($id: ID!) { disableUser(userId: $id) { id } }';
    const answer = await post(server.url, disable, { id: state.user.id }, { token: (await adminTab.getAccessToken()) ?? '' });
    expect(answer.errors).toEqual([]);
    passTime(browser, hour);
    expect(await auth.getAccessToken()).toBeNull();
    expect(auth.state).toMatchObject({ kind: 'signed-out', reason: 'ACCOUNT_DISABLED' });
  });
});

describe('What is kept', () => {
  it('in cookie mode is nothing: a page that is loaded again has its session from the cookie', async () => {
    const browser = new FakeBrowser(server.url);
    const first = browser.tab();
    const person = somebody();
    await first.signup(person);
    first.close();
    expect(await browser.tab().start()).toMatchObject({ kind: 'signed-in', user: { email: person.email } });
    expect(await browser.tokenStorage().read()).toBeNull();
  });

  it('in bearer mode is the newest refresh token, before the access token is handed out', async () => {
    const browser = new FakeBrowser(server.url);
    const writes: string[] = [];
    const storage = browser.tokenStorage();
    const auth = browser.tab({
      transport: 'bearer',
      storage: {
        ...storage,
        write: async (token) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          await storage.write(token);
          writes.push(token === null ? 'none' : 'token');
        },
      },
    });
    await auth.signup(somebody());
    expect(writes).toEqual(['token']);
    const before = await storage.read();
    passTime(browser, hour);
    await auth.getAccessToken();
    expect(writes).toEqual(['token', 'token']);
    expect(await storage.read()).not.toBe(before);
  });

  it('in bearer mode without a storage is in the tab alone', async () => {
    const browser = new FakeBrowser(server.url);
    await browser.tab({ transport: 'bearer' }).signup(somebody());
    expect(await browser.tab({ transport: 'bearer' }).start()).toEqual({ kind: 'signed-out', reason: 'NO_SESSION' });
    expect(browser.messages).toEqual([]);
    expect(browser.count('RefreshToken')).toBe(0);
  });
});
