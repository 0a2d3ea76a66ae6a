import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthClient } from 'latchkey-client';
import { meQuery, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { FakeBrowser } from './browser.js';

const minute = 60_000;
const hour = 60 * minute;

let people = 0;
const somebody = () => {
  people += 1;
  return { email: `tabs${people}@example.com`, password: goodPassword };
};

let server: TestServer;
beforeAll(async () => {
  server = await startServer('sqlite::memory:');
});
const passTime = (browser: FakeBrowser, milliseconds: number) => {
  server.advanceClock(milliseconds);
  browser.pass(milliseconds);
};
const tokensOf = (tabs: readonly AuthClient[]) => Promise.all(tabs.map((tab) => tab.getAccessToken()));
const answerTo = async (token: string | null) =>
  post(server.url, '{ me { email } sessions { nodes { refreshCount } } }', {}, { token: token ?? '' });
const becomes = (tab: AuthClient, kind: string) =>
  new Promise<void>((resolve) => {
    if (tab.state.kind === kind) resolve();
    tab.onChange((state) => {
      if (state.kind === kind) resolve();
    });
  });

const modes = [
  ['cookie mode', (browser: FakeBrowser, count: number) => browser.tabs(count)],
  ['bearer mode in a storage', (browser: FakeBrowser, count: number) => browser.bearerTabs(count)],
] as const;
/** Locks are granted at once and messages take their time, so that a tab has its turn before it hears of the result. */
const slowMessages = { messageDelay: () => Math.random() * 25 };

describe.each(modes)('Twenty tabs in %s', (_mode, open) => {
  it('that wake at once make one request together, round after round', async () => {
    const browser = new FakeBrowser(server.url, slowMessages);
    const tabs = open(browser, 20);
    const person = somebody();
    await tabs[0]?.signup(person);
    await Promise.all(tabs.map((tab) => tab.start()));
    expect(browser.count('RefreshToken')).toBe(0);
    const seen = new Set<string | null>();
    const rounds = 10;
    for (let round = 1; round <= rounds; round += 1) {
      passTime(browser, hour);
      const tokens = await tokensOf(tabs);
      expect(new Set(tokens).size).toBe(1);
      expect(browser.count('RefreshToken')).toBe(round);
      for (const token of tokens) seen.add(token);
    }
    expect(seen.size).toBe(rounds);
    const [last] = await tokensOf(tabs);
    const { data } = await answerTo(last ?? null);
    expect(data).toEqual({ me: { email: person.email }, sessions: { nodes: [{ refreshCount: rounds }] } });
  });

  it('make one request together on a busy machine, where messages take up to a second', async () => {
    const browser = new FakeBrowser(server.url, { messageDelay: () => Math.random() * 1_000 });
    const tabs = open(browser, 20);
    await tabs[0]?.signup(somebody());
    await Promise.all(tabs.map((tab) => tab.start()));
    const before = browser.count('RefreshToken');
    for (let round = 1; round <= 3; round += 1) {
      passTime(browser, hour);
      expect(new Set(await tokensOf(tabs)).size).toBe(1);
      expect(browser.count('RefreshToken') - before).toBe(round);
    }
  });

  it('that are opened after a sign-in wait for its token on a busy machine, but for nothing after a sign-out', async () => {
    const browser = new FakeBrowser(server.url, { messageDelay: () => 400 });
    const [first, ...others] = open(browser, 20);
    await first?.signup(somebody());
    await Promise.all(others.map((tab) => tab.start()));
    expect(browser.count('RefreshToken')).toBe(0);
    await first?.logout();
    const [late] = open(browser, 1);
    expect(await late?.start()).toMatchObject({ kind: 'signed-out' });
    expect(await browser.sharedLocks()).toEqual([]);
  });

  it('that are told at once that their token was refused make one request together', async () => {
    const browser = new FakeBrowser(server.url, slowMessages);
    const tabs = open(browser, 20);
    await tabs[0]?.signup(somebody());
    const [refused] = await tokensOf(tabs);
    const tokens = await Promise.all(tabs.map((tab) => tab.handleUnauthenticated(refused ?? '')));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens).not.toContain(refused);
    expect(browser.count('RefreshToken')).toBe(1);
  });

  it('that are opened at once, without one that has a token, make one request together', async () => {
    const browser = new FakeBrowser(server.url, slowMessages);
    const person = somebody();
    const [first, ...others] = open(browser, 21);
    await first?.signup(person);
    first?.close();
    const states = await Promise.all(others.map((tab) => tab.start()));
    for (const state of states) expect(state).toMatchObject({ kind: 'signed-in', user: { email: person.email } });
    expect(browser.count('RefreshToken')).toBe(1);
  });

  it.each([
    ['locks', { hasLocks: false }],
    ['a channel', { hasChannel: false }],
    ['either', { hasLocks: false, hasChannel: false }],
  ])('without %s all stay signed in, to the same session, round after round', async (_what, options) => {
    const browser = new FakeBrowser(server.url, options);
    const tabs = open(browser, 20);
    const person = somebody();
    await tabs[0]?.signup(person);
    for (let round = 1; round <= 5; round += 1) {
      passTime(browser, hour);
      const answers = await Promise.all((await tokensOf(tabs)).map(answerTo));
      for (const { data } of answers) expect(data?.me).toEqual({ email: person.email });
    }
    expect(new Set(tabs.map(({ state }) => state.kind))).toEqual(new Set(['signed-in']));
  });

  it('are signed out together, once each, with the same reason', async () => {
    const browser = new FakeBrowser(server.url, slowMessages);
    const tabs = open(browser, 20);
    await tabs[0]?.signup(somebody());
    const [token] = await tokensOf(tabs);
    const heard = tabs.map(() => [] as string[]);
    for (const [index, tab] of tabs.entries()) {
      tab.onChange((state) => heard[index]?.push(state.kind === 'signed-out' ? `${state.reason} ${state.at}` : state.kind));
    }
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token: token ?? '' });
    await Promise.all(tabs.map((tab) => tab.handleUnauthenticated(token ?? '')));
    expect(heard[0]).toEqual([expect.stringMatching(/^REVOKED_BY_USER 20/)]);
    for (const one of heard) expect(one).toEqual(heard[0]);
    expect(browser.count('RefreshToken')).toBe(1);
  });
});

describe.each(modes)('Two tabs in %s', (_mode, open) => {
  const two = (browser: FakeBrowser) => open(browser, 2) as [AuthClient, AuthClient];

  it('share a sign-in, a logout and the next sign-in, whoever it is', async () => {
    const browser = new FakeBrowser(server.url);
    const [here, there] = two(browser);
    await Promise.all([here.start(), there.start()]);
    const [ada, eve] = [somebody(), somebody()];
    await here.signup(ada);
    await becomes(there, 'signed-in');
    expect(there.state).toEqual(here.state);
    await there.logout();
    await becomes(here, 'signed-out');
    expect(here.state).toMatchObject({ reason: 'LOGOUT' });
    await here.signup(eve);
    await becomes(there, 'signed-in');
    expect((await answerTo(await there.getAccessToken())).data.me).toEqual({ email: eve.email });
  });

  it('follow a sign-in as somebody else without a sign-out between', async () => {
    const browser = new FakeBrowser(server.url);
    const [here, there] = two(browser);
    const [ada, eve] = [somebody(), somebody()];
    await here.signup(ada);
    await there.start();
    const changed = new Promise<void>((resolve) => there.onChange(() => resolve()));
    await here.signup(eve);
    await changed;
    expect(there.state).toMatchObject({ kind: 'signed-in', user: { email: eve.email } });
    passTime(browser, hour);
    for (const token of await tokensOf([here, there])) expect((await answerTo(token)).data.me).toEqual({ email: eve.email });
  });

  it('never tell each other a refresh token', async () => {
    const browser = new FakeBrowser(server.url);
    const tabs = two(browser);
    await tabs[0].signup(somebody());
    passTime(browser, hour);
    await tokensOf(tabs);
    await tabs[1].logout();
    expect(browser.messages.length).toBeGreaterThan(3);
    expect(JSON.stringify(browser.messages)).not.toContain('lk_rt_');
  });

  it('do not take up a session again that one of them has ended', async () => {
    const browser = new FakeBrowser(server.url);
    const [here, there] = two(browser);
    await here.signup(somebody());
    await there.start();
    const told = browser.messages.find((message) => (message as { type: string }).type === 'grant');
    await here.logout();
    await becomes(there, 'signed-out');
    const stranger = browser.stranger();
    stranger.postMessage(told);
    stranger.postMessage({ version: 1, type: 'ask', newerThan: 0 });
    await browser.delivered();
    expect([here.state.kind, there.state.kind]).toEqual(['signed-out', 'signed-out']);
  });

  it('do not heed messages of another kind', async () => {
    const browser = new FakeBrowser(server.url);
    const [here] = two(browser);
    await here.signup(somebody());
    const stranger = browser.stranger();
    for (const message of [
      null,
      'signed-out',
      7,
      [],
      {},
      { version: 2, type: 'signed-out', state: { kind: 'signed-out', reason: 'X' } },
      { version: 1, type: 'grant' },
    ]) {
      stranger.postMessage(message);
    }
    await browser.delivered();
    expect(here.state.kind).toBe('signed-in');
    const answer = new Promise((resolve) => stranger.addEventListener('message', ({ data }) => resolve(data)));
    stranger.listen();
    stranger.postMessage({ version: 1, type: 'ask', newerThan: 0 });
    expect(await answer).toMatchObject({ type: 'grant', grant: { accessToken: await here.getAccessToken() } });
  });
});

describe('A tab whose lock is held by one that never answers', () => {
  it('goes on without it after a while, and both keep the session', async () => {
    const browser = new FakeBrowser(server.url);
    const options = { requestTimeoutMs: 300 };
    const [frozen, awake] = [browser.tab(options), browser.tab(options)];
    const person = somebody();
    await browser.tab().signup(person);
    for (const tab of [frozen, awake]) await tab.start();
    passTime(browser, hour);
    let thaw = () => {};
    const frost = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    browser.network = async (_sent, send) => {
      const response = await send();
      browser.network = (_next, sendNext) => sendNext();
      await frost;
      return response;
    };
    const late = frozen.getAccessToken();
    expect((await answerTo(await awake.getAccessToken())).data?.me.email).toBe(person.email);
    thaw();
    expect((await answerTo(await late)).data?.me.email).toBe(person.email);
    passTime(browser, hour);
    for (const token of await tokensOf([frozen, awake])) expect((await answerTo(token)).data?.me.email).toBe(person.email);
  });
});

describe('In bearer mode', () => {
  it('a late reply does not put back an older refresh token', async () => {
    const browser = new FakeBrowser(server.url, { hasLocks: false, hasChannel: false });
    const [slow, quick] = browser.bearerTabs(2) as [AuthClient, AuthClient];
    await quick.signup(somebody());
    await slow.start();
    passTime(browser, hour);
    let arrive = () => {};
    const delay = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    browser.network = async (_sent, send) => {
      browser.network = (_next, sendNext) => sendNext();
      const response = await send();
      await delay;
      return response;
    };
    const late = slow.getAccessToken();
    await quick.getAccessToken();
    passTime(browser, hour);
    await answerTo(await quick.getAccessToken());
    const newest = await browser.tokenStorage().read();
    arrive();
    await late;
    expect(await browser.tokenStorage().read()).toBe(newest);
    passTime(browser, hour);
    for (const token of await tokensOf([slow, quick]))
      expect((await post(server.url, meQuery, {}, { token: token ?? '' })).errors).toEqual([]);
  });
});
