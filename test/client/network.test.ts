import { beforeAll, describe, expect, it } from '@jest/globals';
import { AuthRefusedError, AuthUnavailableError } from 'latchkey-client';
import { meQuery, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { FakeBrowser } from './browser.js';
import { credentials, refusal, type Scripted, scripted } from './scripted.js';

const second = 1_000;
const hour = 3_600 * second;
const unreachable = () => Promise.reject(new TypeError('Failed to fetch'));
const page = (status: number) => () => new Response('<h1>Sign in to this hotel</h1>', { status, headers: { 'content-type': 'text/html' } });

/** Signed in, with a token that has ended. */
async function withEndedToken(steps: Scripted['api']['steps'], random?: () => number): Promise<Scripted> {
  const tab = scripted({}, random);
  await tab.auth.login(credentials);
  tab.page.isVisible = false;
  await tab.time.pass(2 * hour);
  tab.api.steps.push(...steps);
  tab.api.operations.length = 0;
  return tab;
}
/** What became of the promise, once that much time has gone by. */
async function outcome<T>(tab: Scripted, promise: Promise<T>, milliseconds: number): Promise<T | Error | 'pending'> {
  let result: T | Error | 'pending' = 'pending';
  promise.then(
    (value) => {
      result = value;
    },
    (error: Error) => {
      result = error;
    },
  );
  await tab.time.pass(milliseconds);
  return result;
}

const passing = [
  ['a network that is away', unreachable],
  ['a server that is away behind a proxy', page(502)],
  ['a proxy that knows nobody', page(401)],
  ["a hotel's page", page(200)],
  ['an empty answer', () => new Response('')],
  ['an answer that is null', () => new Response('null')],
  ['SERVICE_UNAVAILABLE', () => refusal('SERVICE_UNAVAILABLE', { retryAfter: 1 }, 503)],
  ['RATE_LIMITED', () => refusal('RATE_LIMITED', { retryAfter: 2 })],
  ['INTERNAL_SERVER_ERROR', () => refusal('INTERNAL_SERVER_ERROR', {}, 500)],
] as const;

describe.each(passing)('A refresh that meets %s', (_what, answer) => {
  it('is tried again with the same refresh token, and nobody notices', async () => {
    const tab = await withEndedToken([answer, answer]);
    expect(await outcome(tab, tab.auth.getAccessToken(), 10 * second)).toBe('access-2');
    expect(tab.api.presented).toEqual(['refresh-1', 'refresh-1', 'refresh-1']);
    expect(tab.auth.state.kind).toBe('signed-in');
  });

  it('gives up after four tries with an error that says so, signs nobody out, and works later', async () => {
    const tab = await withEndedToken([answer, answer, answer, answer]);
    const { state } = tab.auth;
    expect(await outcome(tab, tab.auth.getAccessToken(), 15 * second)).toBeInstanceOf(AuthUnavailableError);
    expect(tab.api.operations).toHaveLength(4);
    expect(tab.auth.state).toBe(state);
    await tab.time.pass(10 * second);
    expect(await outcome(tab, tab.auth.getAccessToken(), 0)).toBe('access-2');
    expect(tab.auth.state).toBe(state);
  });

  it('at the start leaves the state unknown', async () => {
    const tab = scripted({ transport: 'cookie' });
    tab.api.steps.push(answer, answer, answer, answer);
    expect(await outcome(tab, tab.auth.start(), 15 * second)).toBeInstanceOf(AuthUnavailableError);
    expect(tab.auth.state).toEqual({ kind: 'unknown' });
    await tab.time.pass(10 * second);
    expect(await outcome(tab, tab.auth.start(), 0)).toMatchObject({ kind: 'signed-in' });
  });
});

describe('Between two tries', () => {
  it.each([
    [0, [0, 250, 750, 1_750]],
    [0.999_999, [0, 500, 1_500, 3_500]],
  ])('the time doubles, up to half shorter by chance: %d', async (random, instants) => {
    const tab = await withEndedToken([unreachable, unreachable, unreachable, unreachable], () => random);
    const promise = outcome(tab, tab.auth.getAccessToken(), 0);
    await promise;
    const counts: number[] = [];
    for (const [index, instant] of instants.entries()) {
      await tab.time.pass(instant - (instants[index - 1] ?? 0) + (index === 0 ? 1 : 0));
      counts.push(tab.api.operations.length);
    }
    expect(counts).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['the error', () => refusal('RATE_LIMITED', { retryAfter: 7 })],
    ['the header', () => new Response('', { status: 429, headers: { 'retry-after': '7' } })],
    ['the header beside a code', () => refusal('SERVICE_UNAVAILABLE', {}, 503, { 'retry-after': '7' })],
  ])('it is never shorter than %s asks', async (_what, answer) => {
    const tab = await withEndedToken([answer]);
    const promise = tab.auth.getAccessToken();
    await tab.time.pass(7 * second);
    expect(tab.api.operations).toHaveLength(1);
    await tab.time.pass(second);
    expect(await promise).toBe('access-2');
  });
});

describe('A server that asks for more than half a minute', () => {
  it('is not waited for, and is left alone for as long', async () => {
    const tab = await withEndedToken([() => refusal('RATE_LIMITED', { retryAfter: 900 })]);
    const refused = await outcome(tab, tab.auth.getAccessToken(), 0);
    expect(refused).toBeInstanceOf(AuthUnavailableError);
    expect(refused).toMatchObject({ retryAfterMs: 900 * second });
    await tab.time.pass(890 * second);
    expect(await outcome(tab, tab.auth.getAccessToken(), 0)).toBe(refused);
    expect(tab.api.operations).toHaveLength(1);
    await tab.time.pass(10 * second);
    expect(await outcome(tab, tab.auth.getAccessToken(), 0)).toBe('access-2');
  });
});

describe('An answer that never comes', () => {
  const endless = (signal: AbortSignal) => {
    const start = (controller: ReadableStreamDefaultController) => {
      controller.enqueue(new TextEncoder().encode('{"data":'));
      signal.addEventListener('abort', () => controller.error(signal.reason));
    };
    return new Response(new ReadableStream({ start }));
  };

  it.each([
    ['as a whole', () => new Promise<Response>(() => {})],
    ['to its end', endless],
  ])('%s counts as lost after 10 s', async (_what, answer) => {
    const tab = await withEndedToken([answer]);
    const promise = tab.auth.getAccessToken();
    await tab.time.pass(9.9 * second);
    expect(tab.api.operations).toHaveLength(1);
    await tab.time.pass(second);
    expect(await promise).toBe('access-2');
  });
});

describe('What is no matter of the network', () => {
  it.each(['FORBIDDEN', 'BAD_REQUEST', 'BAD_USER_INPUT', 'SOMETHING_NEW'])('%s is told at once, and signs nobody out', async (code) => {
    const tab = await withEndedToken([() => refusal(code, { reason: 'X' }, 403)]);
    const refused = await outcome(tab, tab.auth.getAccessToken(), 0);
    expect(refused).toBeInstanceOf(AuthRefusedError);
    expect(refused).toMatchObject({ code, message: `the text of ${code}`, extensions: { reason: 'X' } });
    expect(tab.api.operations).toHaveLength(1);
    expect(tab.auth.state.kind).toBe('signed-in');
  });

  it.each([
    ['SESSION_REVOKED', 'LOGOUT', 'LOGOUT'],
    ['SESSION_EXPIRED', 'ABSOLUTE', 'ABSOLUTE'],
    ['REFRESH_TOKEN_REUSED', 'REUSE_DETECTED', 'REUSE_DETECTED'],
    ['REFRESH_TOKEN_INVALID', undefined, 'REFRESH_TOKEN_INVALID'],
    ['ACCOUNT_DISABLED', undefined, 'ACCOUNT_DISABLED'],
  ])('%s ends the session, once, and its token is forgotten', async (code, given, reason) => {
    const tab = await withEndedToken([() => refusal(code, { reason: given, at: '2026-01-01T00:00:00.000Z' })]);
    const heard: string[] = [];
    tab.auth.onChange(({ kind }) => heard.push(kind));
    expect(await outcome(tab, Promise.all([tab.auth.getAccessToken(), tab.auth.getAccessToken()]), 0)).toEqual([null, null]);
    expect(tab.auth.state).toEqual({ kind: 'signed-out', reason, at: '2026-01-01T00:00:00.000Z', sessionId: 's' });
    expect(heard).toEqual(['signed-out']);
    await tab.auth.getAccessToken();
    expect(tab.api.operations).toHaveLength(1);
  });

  it('a sign-in is sent once, whatever becomes of it', async () => {
    const tab = scripted();
    tab.api.steps.push(unreachable, () => refusal('RATE_LIMITED', { retryAfter: 5 }));
    expect(await outcome(tab, tab.auth.login(credentials), hour)).toBeInstanceOf(AuthUnavailableError);
    expect(await outcome(tab, tab.auth.login(credentials), hour)).toMatchObject({ code: 'RATE_LIMITED', extensions: { retryAfter: 5 } });
    expect(tab.api.operations).toEqual(['Login', 'Login']);
  });

  it('a logout that does not reach the server is none', async () => {
    const tab = scripted();
    await tab.auth.login(credentials);
    tab.api.steps.push(unreachable, unreachable, unreachable, unreachable);
    expect(await outcome(tab, tab.auth.logout(), 10 * second)).toBeInstanceOf(AuthUnavailableError);
    expect(tab.auth.state.kind).toBe('signed-in');
    expect(await outcome(tab, tab.auth.logout(), 10 * second)).toBeUndefined();
    expect(tab.auth.state).toMatchObject({ kind: 'signed-out', reason: 'LOGOUT' });
  });

  it('a listener that throws does not keep others from hearing, nor the token from being handed out', async () => {
    const tab = scripted();
    const thrown: unknown[] = [];
    const queue = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (work) => {
      try {
        work();
      } catch (error) {
        thrown.push(error);
      }
    };
    const heard: string[] = [];
    tab.auth.onChange(() => {
      throw new Error('a fault of the page');
    });
    const stop = tab.auth.onChange(({ kind }) => heard.push(kind));
    await tab.auth.login(credentials).finally(() => {
      globalThis.queueMicrotask = queue;
    });
    expect(heard).toEqual(['signed-in']);
    expect(thrown).toEqual([new Error('a fault of the page')]);
    stop();
  });
});

describe('A token that was refused', () => {
  it('is not handed out again, not even after a late refusal of the one before', async () => {
    const tab = scripted();
    await tab.auth.login(credentials);
    await tab.auth.refresh();
    tab.api.steps.push(unreachable, unreachable, unreachable, unreachable);
    expect(await outcome(tab, tab.auth.handleUnauthenticated('access-2'), 10 * second)).toBeInstanceOf(AuthUnavailableError);
    tab.api.steps.push(() => refusal('RATE_LIMITED', { retryAfter: 900 }));
    expect(await outcome(tab, tab.auth.handleUnauthenticated('access-1'), 10 * second)).toBeInstanceOf(AuthUnavailableError);
    await tab.time.pass(900 * second);
    expect(await outcome(tab, tab.auth.handleUnauthenticated('access-1'), 0)).toBe('access-3');
  });

  it('is not refreshed where another one is held already', async () => {
    const tab = scripted();
    await tab.auth.login(credentials);
    await tab.auth.refresh();
    expect(await tab.auth.handleUnauthenticated('access-1')).toBe('access-2');
    expect(tab.api.operations).toEqual(['Login', 'RefreshToken']);
  });
});

describe('A reply that is lost after the server has acted', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:');
  });

  it.each([
    ['cookie mode', (browser: FakeBrowser) => browser.tab()],
    ['bearer mode', (browser: FakeBrowser) => browser.tab({ transport: 'bearer', storage: browser.tokenStorage() })],
  ])('costs nothing in %s: the same token answers again, round after round', async (mode, open) => {
    const browser = new FakeBrowser(server.url);
    const auth = open(browser);
    const email = `lost-${mode.replace(' ', '-')}@example.com`;
    await auth.signup({ email, password: goodPassword });
    for (let round = 0; round < 5; round += 1) {
      server.advanceClock(hour);
      browser.pass(hour);
      let losses = 2;
      browser.network = async (_sent, send) => {
        const cookies = browser.cookies();
        const response = await send();
        if (losses === 0) return response;
        losses -= 1;
        browser.setCookies(cookies);
        throw new TypeError('Failed to fetch');
      };
      const { data } = await post(server.url, meQuery, {}, { token: (await auth.getAccessToken()) ?? '' });
      expect(data?.me.email).toBe(email);
      expect(losses).toBe(0);
    }
    expect(browser.count('RefreshToken')).toBe(15);
    expect(auth.state.kind).toBe('signed-in');
  });
});
