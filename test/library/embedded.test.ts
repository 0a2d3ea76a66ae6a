import { once } from 'node:events';
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import { afterEach, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { decodeJwt } from 'jose';
import WebSocket from 'ws';
import { createLatchkey, type Latchkey, type LatchkeyOptions, loadConfig, type Mail, MailRefusedError } from '../../src/index.js';
import { createLogger } from '../../src/log.js';
import { codeOf, get, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { allowedOrigin, goodPassword, testEnvironment } from '../support/server.js';
import { Socket } from '../support/sockets.js';

const running: Latchkey[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((latchkey) => latchkey.close()));
});

/** The service as an application embeds it, and what it logged. */
async function embed(options: LatchkeyOptions = {}, overrides: Record<string, string> = {}) {
  const lines: string[] = [];
  const latchkey = await createLatchkey({
    settings: testEnvironment('sqlite::memory:', overrides),
    logger: createLogger('info', { write: (line) => void lines.push(line) }),
    ...options,
  });
  running.push(latchkey);
  return { latchkey, log: () => lines.join('') };
}

const input = { email: 'ada@example.com', password: goodPassword, username: 'ada' };
const signUp = async (url: string) => (await post(url, signupMutation, { input })).data.signup.auth;

describe('The service in a process of its own', () => {
  it('listens on a free port, and two of them do not disturb each other', async () => {
    const [one, other] = [(await embed()).latchkey, (await embed()).latchkey];
    const urls = await Promise.all([one.listen(), other.listen()]);
    expect(new Set(urls).size).toBe(2);
    expect(await one.listen()).toBe(urls[0]);
    const { accessToken } = await signUp(urls[0] ?? '');
    expect((await post(urls[0] ?? '', meQuery, {}, { token: accessToken })).errors).toEqual([]);
    expect(codeOf(await post(urls[1] ?? '', meQuery, {}, { token: accessToken }))).toBe('UNAUTHENTICATED');
  });

  it('takes settings by name or already read, and names every faulty one', async () => {
    const config = loadConfig(testEnvironment('sqlite::memory:', { LATCHKEY_AUDIENCE: 'read before' }));
    const { latchkey } = await embed({ settings: config });
    const { accessToken } = await signUp(await latchkey.listen());
    expect(decodeJwt(accessToken).aud).toBe('read before');
    await expect(createLatchkey({ settings: { PORT: 'x', LATCHKEY_SIGNUP: 'maybe' } })).rejects.toMatchObject({
      problems: [{ variable: 'PORT' }, { variable: 'LATCHKEY_SIGNUP' }],
    });
  });

  it('closes once, however often it is told to', async () => {
    const { latchkey } = await embed();
    const url = await latchkey.listen();
    await Promise.all([latchkey.close(), latchkey.close()]);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('tells a route of the application who holds a token, at once after a sign-out', async () => {
    const { latchkey } = await embed();
    const url = await latchkey.listen();
    const { accessToken, session, user } = await signUp(url);
    expect(await latchkey.viewer(accessToken)).toEqual({
      kind: 'account',
      sessionId: session.id,
      accountId: user.id,
      roles: ['user'],
      permissions: [],
    });
    expect(await latchkey.account(user.id)).toEqual({
      id: user.id,
      email: input.email,
      emailVerified: false,
      username: 'ada',
      roles: ['user'],
      permissions: [],
    });
    expect(await latchkey.account('nobody')).toBeNull();
    expect(await latchkey.viewer(null)).toEqual({ kind: 'anonymous', reason: 'NO_TOKEN' });
    expect(await latchkey.viewer('nonsense')).toEqual({ kind: 'anonymous', reason: 'INVALID' });
    await post(url, 'mutation { logout }', {}, { token: accessToken });
    expect(await latchkey.viewer(accessToken)).toEqual({ kind: 'anonymous', reason: 'REVOKED' });
  });
});

const circle: Record<string, unknown> = {};
circle.self = circle;

describe('Own claims', () => {
  it('are in the token of a sign-up, a sign-in and a refresh, made from the account as the application may see it', async () => {
    const seen: unknown[] = [];
    const claims = async (account: object) => {
      seen.push(account);
      return { tenant: 'blue', nested: { count: seen.length } };
    };
    const url = await (await embed({ claims })).latchkey.listen();
    const first = await signUp(url);
    const { login } = (await post(url, loginMutation, { input: { login: 'ada', password: goodPassword } })).data;
    const { refreshToken } = (await post(url, refreshMutation, { token: login.refreshToken })).data;
    const told = [first, login, refreshToken].map(({ accessToken }) => decodeJwt(accessToken));
    expect(told.map(({ tenant, nested }) => ({ tenant, nested }))).toEqual(
      [1, 2, 3].map((count) => ({ tenant: 'blue', nested: { count } })),
    );
    expect((await post(url, meQuery, {}, { token: refreshToken.accessToken })).errors).toEqual([]);
    expect(Object.keys(seen[0] as object).sort()).toEqual(['email', 'emailVerified', 'id', 'permissions', 'roles', 'username']);
  });

  it.each([
    ['a name that the server sets', () => ({ roles: ['admin'] }), 'reserved names: roles'],
    ['a name that changes how a token is judged', () => ({ nbf: 1, cnf: {} }), 'reserved names: nbf, cnf'],
    ['more than 2,048 bytes', () => ({ long: 'x'.repeat(2_048) }), 'more than 2048 bytes'],
    ['something that is no object', () => ['x'] as never, 'no JSON object'],
    ['a circle', () => circle, 'no JSON object'],
    ['a failing source', () => Promise.reject(new Error('the directory is down')), 'the directory is down'],
  ])('refuse %s: the sign-in fails, nothing is left behind, and only the log says why', async (_what, claims, logged) => {
    let faulty = false;
    const { latchkey, log } = await embed({ claims: (account) => (faulty ? claims() : { for: account.id }) });
    const url = await latchkey.listen();
    const { accessToken, refreshToken } = await signUp(url);
    faulty = true;
    for (const answer of [
      await post(url, loginMutation, { input: { login: 'ada', password: goodPassword } }),
      await post(url, refreshMutation, { token: refreshToken }),
    ]) {
      expect(codeOf(answer)).toBe('INTERNAL_SERVER_ERROR');
      expect(answer.text).not.toContain(logged);
    }
    expect(log()).toContain(logged);
    faulty = false;
    const { me } = (await post(url, '{ me { sessions { totalCount nodes { refreshCount } } } }', {}, { token: accessToken })).data;
    expect(me.sessions).toEqual({ totalCount: 1, nodes: [{ refreshCount: 0 }] });
    expect((await post(url, refreshMutation, { token: refreshToken })).errors).toEqual([]);
  });
});

describe('An own mailer', () => {
  /** Uses a superseded token up: with no grace that is reuse at once. */
  async function reuse(url: string) {
    const { refreshToken, session } = await signUp(url);
    await post(url, refreshMutation, { token: refreshToken });
    expect(codeOf(await post(url, refreshMutation, { token: refreshToken }))).toBe('REFRESH_TOKEN_REUSED');
    return { refreshToken, session };
  }

  it('tells the person when a refresh token was used twice, once, without a token in the text', async () => {
    const mails: Mail[] = [];
    const { latchkey } = await embed({ mailer: { send: async (mail) => void mails.push(mail) } }, { LATCHKEY_REFRESH_GRACE: '0s' });
    const url = await latchkey.listen();
    const { refreshToken } = await reuse(url);
    expect(codeOf(await post(url, refreshMutation, { token: refreshToken }))).toBe('SESSION_REVOKED');
    await latchkey.close();
    expect(mails).toEqual([
      {
        id: expect.any(String),
        to: input.email,
        subject: expect.any(String),
        text: expect.stringContaining(allowedOrigin),
        html: expect.stringContaining(allowedOrigin),
        link: null,
      },
    ]);
    expect(mails[0]?.text).not.toMatch(/lk_rt_|eyJ/);
  });

  it('holds up nobody when it fails or hangs, and close waits for what is under way', async () => {
    const fails = await embed(
      { mailer: { send: () => Promise.reject(new Error('no route to the mail host')) } },
      { LATCHKEY_REFRESH_GRACE: '0s' },
    );
    await reuse(await fails.latchkey.listen());
    await fails.latchkey.close();
    expect(fails.log()).toContain('no route to the mail host');

    let finish = (): void => undefined;
    const sent = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const hangs = await embed({ mailer: { send: () => sent } }, { LATCHKEY_REFRESH_GRACE: '0s' });
    await reuse(await hangs.latchkey.listen());
    let closed = false;
    const closing = hangs.latchkey.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(false);
    finish();
    await closing;

    const never = await embed({ mailer: { send: () => new Promise<void>(() => {}) } }, { LATCHKEY_REFRESH_GRACE: '0s' });
    await reuse(await never.latchkey.listen());
    await never.latchkey.close();
    expect(never.log()).toContain('the service stops');
  });

  it('refuses a mail for good by its own error, which is exported', async () => {
    const refuses = await embed(
      { mailer: { send: () => Promise.reject(new MailRefusedError('no such box')) } },
      { LATCHKEY_REFRESH_GRACE: '0s' },
    );
    await reuse(await refuses.latchkey.listen());
    await refuses.latchkey.close();
    expect(refuses.log()).toContain('a mail was given up');
  });

  it('need not be told that no mail server is set', async () => {
    const production = { NODE_ENV: 'production', LATCHKEY_PUBLIC_URL: 'https://auth.example.com', LATCHKEY_BCRYPT_COST: '10' };
    expect((await embed({}, production)).latchkey.warnings).toEqual([expect.stringContaining('LATCHKEY_SMTP_URL')]);
    const required = { ...production, LATCHKEY_EMAIL_VERIFICATION: 'required' };
    expect((await embed({}, required)).latchkey.warnings).toHaveLength(2);
    for (const settings of [production, required])
      expect((await embed({ mailer: { send: async () => {} } }, settings)).latchkey.warnings).toEqual([]);
  });
});

describe('Links in mails', () => {
  it('lead to pages that work under the prefix that the public URL ends in', async () => {
    let take = (_mail: Mail): void => {};
    const taken = new Promise<Mail>((resolve) => {
      take = resolve;
    });
    const { latchkey } = await embed({ mailer: { send: async (mail) => take(mail) } }, { LATCHKEY_PUBLIC_URL: `${allowedOrigin}/auth` });
    const app = fastify();
    await app.register(latchkey.plugin, { prefix: '/auth' });
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    await signUp(`${address}/auth/graphql`);
    const asking = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
    await post(`${address}/auth/graphql`, asking, { email: input.email });
    const link = new URL((await taken).link ?? '');
    expect(link.href).toMatch(/^http:\/\/auth\.test\/auth\/reset-password#token=lk_ot_/);
    /** As a browser to which this server is the public URL. */
    const urlOf = (reference: string) => `${address}${new URL(reference, link).pathname}`;
    const page = await get(urlOf(''), { accept: 'text/html' });
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, reference = '']) => urlOf(reference));
    // Style, script and the way on to the console.
    expect(parts).toHaveLength(3);
    expect(await Promise.all(parts.map(async (url) => (await get(url)).status))).toEqual([200, 200, 200]);
    const { text } = await get(urlOf('console/users/1'), { accept: 'text/html' });
    const [, script = ''] = /src="([^"]+[.]js)"/.exec(text) ?? [];
    expect(await get(new URL(script, `${address}/auth/console/users/1`).href)).toMatchObject({ status: 200 });
    const mutation = 'mutation ($token: String!) { resetPassword(input: { token: $token, newPassword: "another good passphrase" }) }';
    const token = link.hash.replace('#token=', '');
    const answer = await post(urlOf('graphql'), mutation, { token }, { headers: { origin: link.origin } });
    expect(answer).toMatchObject({ errors: [], data: { resetPassword: true } });
    await app.close();
  });
});

describe('The socket on a Fastify instance of the application', () => {
  const token = async (url: string) => (await signUp(url)).accessToken as string;

  it('is under its prefix, beside sockets of the application, and goes with the instance', async () => {
    const { latchkey } = await embed();
    const app = fastify();
    await app.register(latchkey.plugin, { prefix: '/auth' });
    await app.register(async (scope) => {
      await scope.register(websocket);
      scope.get('/echo', { websocket: true }, (socket) => void socket.on('message', (data) => socket.send(`echo ${String(data)}`)));
    });
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const socket = await Socket.open(`${address}/auth/graphql`, await token(`${address}/auth/graphql`));
    const own = new WebSocket(`${address.replace('http', 'ws')}/echo`);
    await once(own, 'open');
    own.send('hello');
    expect(String((await once(own, 'message'))[0])).toBe('echo hello');
    await socket.roundTrip();
    await app.close();
    expect((await socket.closed).code).toBe(1001);
  });

  it('does not hinder an application without sockets: an upgrade elsewhere is served as a request', async () => {
    const { latchkey } = await embed();
    const app = fastify();
    app.get('/own', async () => ({ own: true }));
    await app.register(latchkey.plugin);
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const answer = await get(`${address}/own`, { connection: 'Upgrade', upgrade: 'h2c' });
    expect(answer).toMatchObject({ status: 200, text: '{"own":true}' });
    await app.close();
  });

  it('is refused below a plugin that would answer for it', async () => {
    const { latchkey } = await embed();
    const app = fastify();
    await app.register(websocket);
    await expect(app.register(latchkey.plugin)).rejects.toThrow('register Latchkey before @fastify/websocket');
    await app.close();
  });
});

describe('The routes on a Fastify instance of the application', () => {
  async function mount(prefix?: string, overrides: Record<string, string> = {}) {
    const { latchkey } = await embed({}, overrides);
    const app = fastify();
    app.get('/own', async (request) => {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? null;
      return latchkey.viewer(token);
    });
    await app.register(latchkey.plugin, prefix === undefined ? {} : { prefix });
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    return { app, address, url: `${address}${prefix ?? ''}/graphql`, latchkey };
  }

  it.each([undefined, '/auth'])('serve the API, the keys and health beside its own, under the prefix %s', async (prefix) => {
    const { app, address, url } = await mount(prefix);
    const { accessToken } = await signUp(url);
    expect((await post(url, meQuery, {}, { token: accessToken })).data.me.email).toBe(input.email);
    const base = `${address}${prefix ?? ''}`;
    expect((await (await fetch(`${base}/.well-known/jwks.json`)).json()) as object).toMatchObject({ keys: [{ alg: 'ES256' }] });
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    const own = await fetch(`${address}/own`, { headers: { authorization: `Bearer ${accessToken}` } });
    expect(await own.json()).toMatchObject({ kind: 'account', roles: ['user'] });
    await app.close();
  });

  it('keep their errors, limits and headers, and give none of them to other routes', async () => {
    const { app, address, url } = await mount('/auth', { LATCHKEY_MAX_BODY: '1kb' });
    app.log.level = 'silent';
    const tooLarge = await post(url, `{ me { id } } #${'x'.repeat(2_000)}`);
    expect({ status: tooLarge.status, reason: tooLarge.errors[0]?.extensions.reason }).toEqual({ status: 413, reason: 'BODY_TOO_LARGE' });
    const refused = await fetch(url, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain', accept: 'application/graphql-response+json' },
    });
    expect({ status: refused.status, type: refused.headers.get('content-type') }).toEqual({
      status: 415,
      type: 'application/graphql-response+json; charset=utf-8',
    });
    expect((await fetch(url, { method: 'POST' })).headers.get('content-security-policy')).toContain("default-src 'none'");
    const own = await fetch(`${address}/own`);
    expect([own.headers.get('content-security-policy'), own.headers.get('x-request-id')]).toEqual([null, null]);
    expect(await (await fetch(`${address}/unknown`)).json()).toMatchObject({ statusCode: 404 });
    await app.close();
  });

  it('set the cookie of cookie mode', async () => {
    const { app, url } = await mount();
    const headers = { 'latchkey-transport': 'cookie', origin: allowedOrigin };
    const { data, headers: answered } = await post(url, signupMutation, { input }, { headers });
    expect(data.signup.auth.refreshToken).toBeNull();
    expect(answered.get('set-cookie')).toMatch(/^latchkey=lk_rt_[\w-]+; Max-Age=\d+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    await app.close();
  });

  it('close the service when the instance closes, requests in flight first', async () => {
    const { app, url, latchkey } = await mount();
    const underWay = post(url, signupMutation, { input });
    await new Promise<void>((resolve) => app.server.once('request', () => resolve()));
    await app.close();
    expect((await underWay).errors).toEqual([]);
    expect(await latchkey.viewer((await underWay).data.signup.auth.accessToken)).toEqual({ kind: 'unavailable' });
  });

  it('refuse to stand under another policy of CORS, or beside a list of proxies that would not be asked', async () => {
    const { latchkey } = await embed();
    const open = fastify();
    await open.register(cors, { origin: true });
    await expect(open.register(latchkey.plugin).ready()).rejects.toThrow('before @fastify/cors');
    const proxied = await embed({}, { LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/8' });
    await expect(fastify().register(proxied.latchkey.plugin).ready()).rejects.toThrow('trustProxy');
  });

  it("take the client's address as the instance finds it", async () => {
    const { latchkey } = await embed();
    const app = fastify({ trustProxy: '127.0.0.1' });
    await app.register(latchkey.plugin);
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
    const document = 'mutation ($input: SignupInput!) { signup(input: $input) { auth { session { ipAddress } } } }';
    const { data } = await post(url, document, { input }, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(data.signup.auth.session.ipAddress).toBe('203.0.113.9');
    await app.close();
  });
});
