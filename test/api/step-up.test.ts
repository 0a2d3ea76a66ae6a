import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Cookie } from 'tough-cookie';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import { storeWith } from '../support/factories.js';
import { partsOf } from '../support/forging.js';
import { codeOf, extensionsOf, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { allowedOrigin, goodPassword, startServer, type TestServer, temporaryFolder } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const minute = 60_000;
const revokeMutation = 'mutation Revoke($id: ID!) { revokeSession(id: $id) { id state revocationReason } }';
const reauthenticateMutation = `mutation Reauthenticate($password: String!) { reauthenticate(password: $password) {
  accessToken refreshToken refreshTokenExpiresAt serverTime user { id email permissions } session { id state refreshCount isCurrent } } }`;

let people = 0;
async function signUp({ url }: TestServer, headers: Record<string, string> = {}) {
  people += 1;
  const email = `step${people}@example.com`;
  const answer = await post(url, signupMutation, { input: { email, password: goodPassword } }, { headers });
  const { user, session, accessToken, refreshToken } = answer.data.signup.auth;
  return {
    email,
    answer,
    id: user.id as string,
    sessionId: session.id as string,
    token: accessToken as string,
    refreshToken: refreshToken as string,
  };
}
async function administrator(server: TestServer) {
  const person = await signUp(server);
  await server.app.services.accounts.grantRole(person.email, 'admin');
  return person;
}
const reauthenticate = (url: string, token: string, password = goodPassword, headers: Record<string, string> = {}) =>
  post(url, reauthenticateMutation, { password }, { token, headers });
const authTimeOf = (token: string) => Number(partsOf(token).claims.auth_time);

describeStores('An act on somebody else', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url);
  });

  it('asks for the password after 16 minutes, and works once it was given, by the same session', async () => {
    const [person, admin] = [await signUp(server), await administrator(server)];
    server.advanceClock(16 * minute);
    const refused = await post(server.url, revokeMutation, { id: person.sessionId }, { token: admin.token });
    expect(extensionsOf(refused)).toEqual({ code: 'REAUTHENTICATION_REQUIRED', requestId: expect.any(String) });
    expect((await post(server.url, meQuery, {}, { token: person.token })).errors).toEqual([]);

    const { data } = await reauthenticate(server.url, admin.token);
    expect(data.reauthenticate).toMatchObject({
      refreshToken: admin.refreshToken,
      user: { id: admin.id, permissions: expect.arrayContaining(['users:write']) },
      session: { id: admin.sessionId, state: 'ACTIVE', refreshCount: 0, isCurrent: true },
    });
    const fresh: string = data.reauthenticate.accessToken;
    expect(partsOf(fresh).claims).toMatchObject({ sid: admin.sessionId, gen: 0 });
    expect(authTimeOf(fresh) - authTimeOf(admin.token)).toBeGreaterThanOrEqual(16 * 60);
    const done = await post(server.url, revokeMutation, { id: person.sessionId }, { token: fresh });
    expect(done.data.revokeSession).toEqual({ id: person.sessionId, state: 'REVOKED', revocationReason: 'REVOKED_BY_ADMIN' });
    expect(codeOf(await post(server.url, meQuery, {}, { token: person.token }))).toBe('UNAUTHENTICATED');
  });

  it('needs none within 15 minutes of the sign-in', async () => {
    const [person, admin] = [await signUp(server), await administrator(server)];
    server.advanceClock(14 * minute);
    expect((await post(server.url, revokeMutation, { id: person.sessionId }, { token: admin.token })).errors).toEqual([]);
  });

  it('is refused first for who asks, then for whom, and only then for the age', async () => {
    const [person, other, admin] = [await signUp(server), await signUp(server), await administrator(server)];
    server.advanceClock(16 * minute);
    const attempt = async (id: string, token?: string) => codeOf(await post(server.url, revokeMutation, { id }, { token }));
    expect(await attempt(person.sessionId)).toBe('UNAUTHENTICATED');
    expect(await attempt(person.sessionId, other.token)).toBe('NOT_FOUND');
    expect(await attempt('no such session', admin.token)).toBe('NOT_FOUND');
    expect(await attempt(person.sessionId, admin.token)).toBe('REAUTHENTICATION_REQUIRED');
  });

  it('is what it is about: one’s own sessions can always be ended', async () => {
    const admin = await administrator(server);
    const second = (await post(server.url, loginMutation, { input: { login: admin.email, password: goodPassword } })).data.login;
    server.advanceClock(50 * minute);
    for (const id of [second.session.id, admin.sessionId]) {
      const { data } = await post(server.url, revokeMutation, { id }, { token: admin.token });
      expect(data.revokeSession).toMatchObject({ state: 'REVOKED', revocationReason: 'REVOKED_BY_USER' });
    }
  });

  it('is not made recent by a refresh, which keeps the proof of the sign-in and of the password given since', async () => {
    const [person, admin] = [await signUp(server), await administrator(server)];
    server.advanceClock(16 * minute);
    const refreshed = (await post(server.url, refreshMutation, { token: admin.refreshToken })).data.refreshToken;
    expect(authTimeOf(refreshed.accessToken)).toBe(authTimeOf(admin.token));
    expect(codeOf(await post(server.url, revokeMutation, { id: person.sessionId }, { token: refreshed.accessToken }))).toBe(
      'REAUTHENTICATION_REQUIRED',
    );
    const { reauthenticate: proved } = (await reauthenticate(server.url, refreshed.accessToken)).data;
    expect(proved).toMatchObject({ refreshToken: refreshed.refreshToken, session: { id: admin.sessionId, refreshCount: 1 } });
    server.advanceClock(minute);
    const again = (await post(server.url, refreshMutation, { token: proved.refreshToken })).data.refreshToken;
    expect(authTimeOf(again.accessToken)).toBe(authTimeOf(proved.accessToken));
    expect((await post(server.url, revokeMutation, { id: person.sessionId }, { token: again.accessToken })).errors).toEqual([]);
  });

  it('is not asked to prove anything where the settings say so', async () => {
    const lax = await startServer(database.url, { LATCHKEY_REAUTHENTICATION_AGE: '0s' });
    const [person, admin] = [await signUp(lax), await administrator(lax)];
    lax.advanceClock(50 * minute);
    expect((await post(lax.url, revokeMutation, { id: person.sessionId }, { token: admin.token })).errors).toEqual([]);
  });
});

describeStores('reauthenticate', (database) => {
  let server: TestServer;
  let store: Store;
  beforeAll(async () => {
    server = await startServer(database.url);
    store = await database.open();
  });

  it('refuses a wrong password, however long, and changes nothing then', async () => {
    const person = await signUp(server);
    const before = await store.findSession(person.sessionId);
    for (const password of ['wrong horse battery', '', goodPassword.toUpperCase(), 'x'.repeat(5_000)]) {
      expect(codeOf(await reauthenticate(server.url, person.token, password))).toBe('INVALID_CREDENTIALS');
    }
    expect((await store.findSession(person.sessionId))?.authenticatedAt).toBe(before?.authenticatedAt);
    expect((await post(server.url, meQuery, {}, { token: person.token })).errors).toEqual([]);
  });

  it('is for whoever is signed in, and takes one password in a request', async () => {
    expect(codeOf(await post(server.url, reauthenticateMutation, { password: goodPassword }))).toBe('UNAUTHENTICATED');
    const person = await signUp(server);
    const twice = 'mutation { one: reauthenticate(password: "a") { tokenType } two: reauthenticate(password: "b") { tokenType } }';
    expect(extensionsOf(await post(server.url, twice, {}, { token: person.token }))).toMatchObject({
      code: 'QUERY_TOO_COMPLEX',
      reason: 'CREDENTIAL_MUTATIONS',
    });
    await post(server.url, 'mutation { logout }', {}, { token: person.token });
    expect(codeOf(await reauthenticate(server.url, person.token))).toBe('UNAUTHENTICATED');
  });

  it('does not tell an account without a password from a wrong one', async () => {
    const person = await signUp(server);
    const bare = await startServer(database.url, {}, async (url) => {
      const opened = await openStore(url);
      const find = async (id: string) => {
        const account = await opened.findAccount(id);
        return account && { ...account, passwordHash: null };
      };
      return storeWith(opened, { findAccount: find });
    });
    expect(codeOf(await reauthenticate(bare.url, person.token))).toBe('INVALID_CREDENTIALS');
  });

  it('leaves the refresh token that the browser holds where it is, and gives it to one that has none', async () => {
    const page = { 'latchkey-transport': 'cookie', origin: allowedOrigin };
    const person = await signUp(server, page);
    const cookie = Cookie.parse(person.answer.headers.getSetCookie()[0] ?? '')?.cookieString() ?? '';
    const held = await reauthenticate(server.url, person.token, goodPassword, { ...page, cookie });
    expect({ errors: held.errors, cookies: held.headers.getSetCookie() }).toEqual({ errors: [], cookies: [] });
    const without = await reauthenticate(server.url, person.token, goodPassword, page);
    expect(Cookie.parse(without.headers.getSetCookie()[0] ?? '')).toMatchObject({ httpOnly: true, path: '/' });
    expect(Cookie.parse(without.headers.getSetCookie()[0] ?? '')?.cookieString()).toBe(cookie);
    for (const answer of [held, without]) {
      expect(answer.data.reauthenticate.refreshToken).toBeNull();
      expect(answer.text).not.toContain('lk_rt_');
    }
  });

  it.each([
    ['one revocation', (person: { id: string; sessionId: string }) => store.revoke(person.sessionId, null, ending(), 9e12), 'REVOKED'],
    ['an end of all', (person: { id: string; sessionId: string }) => store.endSessions(person.id, { ...ending(), kept: null }), 'REVOKED'],
    [
      'a disabling',
      (person: { id: string; sessionId: string }) =>
        store.disableAccount(person.id, { at: Date.now(), until: null, reason: null }, { ...ending(), reason: 'ACCOUNT_DISABLED' }),
      'REVOKED',
    ],
  ])('brings nothing back that %s ended while the password was compared', async (_what, end, reason) => {
    let overtake: (() => Promise<unknown>) | null = null;
    const overtaken = await startServer(database.url, {}, async (url) => {
      const opened = await openStore(url);
      return storeWith(opened, {
        reauthenticate: async (...args) => {
          await overtake?.();
          return opened.reauthenticate(...args);
        },
      });
    });
    const person = await signUp(overtaken);
    overtake = () => end(person);
    const answer = await reauthenticate(overtaken.url, person.token);
    expect(extensionsOf(answer)).toMatchObject({ code: 'UNAUTHENTICATED', reason, sessionId: person.sessionId, at: expect.any(String) });
    expect(codeOf(await post(overtaken.url, refreshMutation, { token: person.refreshToken }))).toMatch(/SESSION_REVOKED|ACCOUNT_DISABLED/);
  });

  it('races with a revocation, and nothing of what it handed out lives on', async () => {
    let proved = 0;
    for (let round = 0; round < 20; round += 1) {
      const person = await signUp(server);
      const revoke = async () => {
        await new Promise((resolve) => setTimeout(resolve, round % 5));
        return post(server.url, revokeMutation, { id: person.sessionId }, { token: person.token });
      };
      const [answer, revoked] = await Promise.all([reauthenticate(server.url, person.token), revoke()]);
      expect(revoked.errors).toEqual([]);
      if (answer.errors.length > 0) expect(codeOf(answer)).toBe('UNAUTHENTICATED');
      else {
        proved += 1;
        expect(codeOf(await post(server.url, meQuery, {}, { token: answer.data.reauthenticate.accessToken }))).toBe('UNAUTHENTICATED');
      }
      expect(codeOf(await post(server.url, refreshMutation, { token: person.refreshToken }))).toBe('SESSION_REVOKED');
    }
    process.stdout.write(`reauthenticate against revoke (${database.kind}): ${proved} of 20 came first\n`);
  });

  it('may be asked many times at once, beside refreshes', async () => {
    const person = await signUp(server);
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => reauthenticate(server.url, person.token)),
      ...Array.from({ length: 8 }, () => post(server.url, refreshMutation, { token: person.refreshToken })),
    ]);
    const refused = answers.filter(({ errors }) => errors.length > 0).map(codeOf);
    expect(refused.filter((code) => code !== 'RATE_LIMITED')).toEqual([]);
    expect(await store.findSession(person.sessionId)).toMatchObject({ generation: 1, revoked: null });
  });
});

const ending = () => ({ at: Date.now(), reason: 'REVOKED_BY_USER', by: null }) as const;

describe('Roles of the settings', () => {
  const withRoles = (roles: object, defaultRole: string) => {
    const path = join(temporaryFolder(), 'config.json');
    writeFileSync(path, JSON.stringify({ roles, defaultRole }));
    return startServer('sqlite::memory:', { LATCHKEY_CONFIG_FILE: path });
  };

  it('hold for one service, and for no other of the process', async () => {
    const one = await withRoles({ member: [], keeper: ['sessions:revoke', 'users:write'] }, 'member');
    const other = await startServer('sqlite::memory:');
    const rolesOf = async (server: TestServer) => {
      const person = await signUp(server);
      return { person, me: (await post(server.url, '{ me { roles permissions } }', {}, { token: person.token })).data.me };
    };
    const [member, user] = [await rolesOf(one), await rolesOf(other)];
    expect([member.me, user.me]).toEqual([
      { roles: ['member'], permissions: [] },
      { roles: ['user'], permissions: [] },
    ]);
    await expect(one.app.services.accounts.grantRole(member.person.email, 'admin')).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      details: { field: 'role', reason: 'UNKNOWN_ROLE', known: ['member', 'keeper'] },
    });
    await one.app.services.accounts.grantRole(member.person.email, 'keeper');
    const login = { input: { login: member.person.email, password: goodPassword } };
    const { accessToken } = (await post(one.url, loginMutation, login)).data.login;
    expect(partsOf(accessToken).claims).toMatchObject({ roles: ['member', 'keeper'], scope: 'users:write sessions:revoke' });
    const victim = await signUp(one);
    expect((await post(one.url, revokeMutation, { id: victim.sessionId }, { token: accessToken })).errors).toEqual([]);
  });
});

describeStores('A role that the settings no longer know', (database) => {
  it('allows nothing and is shown as it is', async () => {
    const before = await startServer(database.url);
    const admin = await administrator(before);
    const victim = await signUp(before);
    const path = join(temporaryFolder(), 'config.json');
    writeFileSync(path, JSON.stringify({ roles: { user: [], keeper: ['users:write'] } }));
    const after = await startServer(database.url, { LATCHKEY_CONFIG_FILE: path });
    const login = { input: { login: admin.email, password: goodPassword } };
    const { accessToken } = (await post(after.url, loginMutation, login)).data.login;
    const { data } = await post(after.url, '{ me { roles permissions } }', {}, { token: accessToken });
    expect(data.me).toEqual({ roles: ['user', 'admin'], permissions: [] });
    expect(partsOf(accessToken).claims.scope).toBe('');
    expect(codeOf(await post(after.url, revokeMutation, { id: victim.sessionId }, { token: accessToken }))).toBe('NOT_FOUND');
  });
});
