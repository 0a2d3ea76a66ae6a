import { afterEach, describe, expect, test } from '@jest/globals';
import { transportOf } from '../../src/http/cookies.js';
import { errorOf, exchange, page, post, type RunningServer, rawPost, startServer, stopServers } from './server-under-test.js';

afterEach(stopServers);

const now = Date.parse('2030-01-01T00:00:00Z');
const http = { LATCHKEY_PUBLIC_URL: 'http://127.0.0.1:4000' };
const cookieMode = { 'latchkey-transport': 'cookie', origin: page };
const name = '__Host-latchkey';

/** Answers how the token travels; with `act` it also writes. */
const server = (act: 'set' | 'clear' | 'both' | null = null, environment = {}): Promise<RunningServer> =>
  startServer(
    {
      now: () => now,
      graphqlHandler: async (request) => {
        const transport = transportOf(request);
        if (act === 'set' || act === 'both') transport.set('lk_rt_next', now + 90_500);
        if (act === 'clear' || act === 'both') transport.clear();
        return JSON.stringify({ mode: transport.mode, presented: transport.presented });
      },
    },
    environment,
  );

const none = { kind: 'none' };
const one = { kind: 'one', token: 'lk_rt_abc' };

describe('without the header, or with bearer, the cookie is neither read nor written', () => {
  test.each<Record<string, string>>([{}, { 'latchkey-transport': 'bearer' }, { origin: page }, { origin: 'https://evil.example' }])(
    '%j',
    async (headers) => {
      const response = await post(await server('both'), undefined, { cookie: `${name}=lk_rt_abc`, ...headers });
      expect(await response.json()).toEqual({ mode: 'bearer', presented: none });
      expect(response.headers.has('set-cookie')).toBe(false);
    },
  );
});

describe('cookie mode', () => {
  test.each([
    [`${name}=lk_rt_abc`, one],
    [`other=1; ${name}=lk_rt_abc; x${name}=2`, one],
    ['', none],
    ['latchkey=lk_rt_abc', none],
    [`${name.toLowerCase()}=lk_rt_abc`, none],
    [`${name}=lk_rt_abc; ${name}=lk_rt_def`, { kind: 'several' }],
    [`${name}=lk_rt_abc; ${name}=lk_rt_abc`, { kind: 'several' }],
  ])('reads the cookie %j', async (cookie, presented) => {
    const response = await post(await server(), undefined, { ...cookieMode, ...(cookie && { cookie }) });
    expect(await response.json()).toEqual({ mode: 'cookie', presented });
  });

  test('sees two cookies in two headers as well', async () => {
    const { port } = await server();
    const headers = ['Latchkey-Transport: cookie', `Origin: ${page}`, `Cookie: ${name}=a`, `Cookie: ${name}=b`];
    expect(await exchange(port, rawPost(headers))).toContain('{"mode":"cookie","presented":{"kind":"several"}}');
  });

  test('writes a cookie that only this host gets, and no script', async () => {
    const response = await post(await server('set'), undefined, cookieMode);
    expect(response.headers.getSetCookie()).toEqual([
      `${name}=lk_rt_next; Max-Age=90; Path=/; Expires=Tue, 01 Jan 2030 00:01:30 GMT; HttpOnly; Secure; SameSite=Lax`,
    ]);
  });

  test('clears it with the same attributes, and the last word counts', async () => {
    for (const act of ['clear', 'both'] as const) {
      const response = await post(await server(act), undefined, cookieMode);
      expect(response.headers.getSetCookie()).toEqual([
        `${name}=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax`,
      ]);
    }
  });

  test('over plain http uses a name without the prefix, and no Secure', async () => {
    const plain = await server('set', http);
    const response = await post(plain, undefined, { ...cookieMode, cookie: `latchkey=lk_rt_abc; ${name}=lk_rt_def` });
    expect(await response.json()).toEqual({ mode: 'cookie', presented: one });
    expect(response.headers.getSetCookie()).toEqual([
      'latchkey=lk_rt_next; Max-Age=90; Path=/; Expires=Tue, 01 Jan 2030 00:01:30 GMT; HttpOnly; SameSite=Lax',
    ]);
  });

  test('by GET is bearer mode: a GET never reads a cookie', async () => {
    const running = await server('both');
    const response = await fetch(`${running.url}/graphql?query=%7Bok%7D`, { headers: { ...cookieMode, cookie: `${name}=lk_rt_abc` } });
    expect(await response.json()).toEqual({ mode: 'bearer', presented: none });
    expect(response.headers.has('set-cookie')).toBe(false);
  });
});

describe('cookie mode is for listed pages', () => {
  test.each<Record<string, string>>([
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${page}:8443` },
    { origin: `${page}/` },
    { origin: page, 'sec-fetch-site': 'cross-site' },
    { origin: page, 'sec-fetch-site': 'none' },
    { origin: page, 'sec-fetch-site': 'nonsense' },
  ])('not from %j', async (headers) => {
    const response = await post(await server('both'), undefined, {
      'latchkey-transport': 'cookie',
      cookie: `${name}=lk_rt_abc`,
      ...headers,
    });
    expect(response.status).toBe(403);
    expect(response.headers.has('set-cookie')).toBe(false);
    expect(await errorOf(response)).toMatchObject({ code: 'FORBIDDEN', reason: 'ORIGIN_NOT_ALLOWED' });
  });

  test.each(['same-origin', 'same-site'])('with Sec-Fetch-Site %s', async (site) => {
    expect((await post(await server(), undefined, { ...cookieMode, 'sec-fetch-site': site })).status).toBe(200);
  });

  test.each(['', 'Cookie', 'cookies', 'cookie, cookie', 'none'])('another transport is refused: %j', async (transport) => {
    const response = await post(await server(), undefined, { ...cookieMode, 'latchkey-transport': transport });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'BAD_REQUEST', reason: 'TRANSPORT' });
  });
});
