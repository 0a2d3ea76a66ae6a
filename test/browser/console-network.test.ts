import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import { describeInBrowser } from '../support/browser.js';
import { startConsoleServer } from '../support/console-server.js';
import { startForeignSite } from '../support/foreign-page.js';
import { openConsole, openConsoleAs } from '../support/open-console.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { post } from '../support/requests.js';
import { goodPassword } from '../support/server.js';
import { sqlitePath } from '../support/stores.js';

jest.setTimeout(120_000);

/** What a foreign page does, by the names of its functions. */
const attack = (page: Page, api: string, query: string): Promise<Record<string, string>> =>
  page.evaluate(`attack(${JSON.stringify(api)}, ${JSON.stringify(query)})`);
const submit = (page: Page, api: string, enctype: string, query: string): Promise<void> =>
  page.evaluate(`submit(${JSON.stringify(api)}, ${JSON.stringify(enctype)}, ${JSON.stringify(query)})`);
const embed = (page: Page, url: string): Promise<string> => page.evaluate(`embed(${JSON.stringify(url)})`);
/** What the console itself sends. */
const sendAsConsole = (page: Page, query: string): Promise<object> =>
  page.evaluate(`fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'latchkey-transport': 'cookie' },
    body: ${JSON.stringify(JSON.stringify({ query }))},
  }).then((response) => response.json())`);

const refresh = 'mutation { refreshToken { accessToken user { email } } }';
const forged = ['mutation { logout }', refresh, 'mutation { revokeToken }', '{ me { email } sessions { totalCount } }'];
/** Not even an opaque answer: `Cross-Origin-Resource-Policy`. */
const nothing = {
  text: 'TypeError',
  untyped: 'TypeError',
  urlencoded: 'TypeError',
  multipart: 'TypeError',
  json: 'TypeError',
  jsonWithCookie: 'TypeError',
  got: 'TypeError',
  image: 'error',
  socket: 'error',
};

/** How often the server gave which answer at its API, by its log. */
function answersIn(log: string): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const line of log.split('\n').filter((text) => text.includes('"path":"/graphql"'))) {
    const { req, status } = JSON.parse(line);
    tally[`${req.method} ${status}`] = (tally[`${req.method} ${status}`] ?? 0) + 1;
  }
  return tally;
}

describeInBrowser('The console', (browser) => {
  let server: Awaited<ReturnType<typeof startConsoleServer>>;
  let store: Store;
  let foreignPort = 0;
  let root: Person;
  beforeAll(async () => {
    const url = `sqlite:${sqlitePath()}`;
    server = await startConsoleServer(url);
    store = await openStore(url);
    foreignPort = await startForeignSite();
    root = await aPerson(server.url);
    await server.app.services.accounts.grantRole(root.email, 'admin');
  });
  afterAll(() => store.close());
  const someone = () => aPerson(server.url);

  test.each([
    { host: '127.0.0.1', seen: 'of the same site, which gets the cookie sent', getsCookie: true },
    { host: 'localhost', seen: 'of another site', getsCookie: false },
  ])('is not moved by a page $seen', async ({ host, getsCookie }) => {
    const { email } = await someone();
    const { console: own, page, context } = await openConsole(browser, server.console);
    const signedIn = page.waitForResponse((response) => response.request().postData()?.includes('mutation Login') ?? false);
    await own.signIn({ email, password: goodPassword });
    const { id } = (await (await signedIn).json()).data.login.session;
    await own.shows('Your sessions');
    // From here on nobody asks the server but the foreign page.
    await page.goto('about:blank');
    const stateOf = async () => {
      const { generation, rotations, attemptId, idleExpiresAt, revoked } = (await store.findSession(id)) ?? {};
      return { generation, rotations, attemptId, idleExpiresAt, revoked, cookies: await context.cookies() };
    };
    const before = await stateOf();
    expect(before.cookies).toHaveLength(1);
    const logged = server.log().length;

    const foreign = await context.newPage();
    const site = `http://${host}:${foreignPort}/`;
    await foreign.goto(site);
    for (const query of forged) expect(await attack(foreign, server.url, query)).toEqual(nothing);
    for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      await foreign.goto(site);
      const posted = foreign.waitForResponse(server.url);
      await submit(foreign, server.url, enctype, 'mutation { logout }');
      const answer = await posted;
      const { cookie } = await answer.request().allHeaders();
      expect(/latchkey=lk_rt_/.test(cookie ?? '')).toBe(getsCookie);
      expect(await answer.headerValue('set-cookie')).toBeNull();
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST', reason: 'CONTENT_TYPE' } }] });
    }
    await foreign.goto(site);
    // Queries by GET are answered, as to nobody; JSON is asked for by a preflight, and never comes.
    expect(answersIn(server.log().slice(logged))).toEqual({ 'POST 415': 19, 'OPTIONS 404': 8, 'GET 405': 6, 'GET 200': 2, 'GET 403': 4 });
    for (const framed of ['/console', '/console/sandbox', '/graphql', '/reset-password']) {
      await embed(foreign, new URL(framed, server.url).href);
      await foreign.frames().at(-1)?.waitForURL('chrome-error://chromewebdata/', { waitUntil: 'commit' });
    }

    expect(await stateOf()).toEqual(before);
    await page.goto(server.console);
    await own.shows('Your sessions');
    await page.getByText(email).waitFor();
    // The same from the console's own page is heard.
    expect(await sendAsConsole(page, 'mutation { logout }')).toEqual({ data: { logout: true } });
    await own.shows('Sign in');
    expect(await context.cookies()).toEqual([]);
  });

  test('asks every few seconds where no socket stays open, whatever it is closed with', async () => {
    const ada = await someone();
    const windows = [1000, 1011].map(async (code) => {
      const { console: own, page } = await openConsole(browser, new URL('/healthz', server.url).href);
      await page.routeWebSocket(/\/graphql$/, (socket) => void socket.close({ code }));
      await page.goto(server.console);
      await own.signIn({ email: ada.email, password: goodPassword });
      await own.says('Changes show after some seconds.');
      return own;
    });
    const opened = await Promise.all(windows);
    for (const own of opened) await own.rows('Your sessions').nth(2).waitFor();
    await signIn(server.url, ada);
    for (const own of opened) {
      await own.rows('Your sessions').nth(3).waitFor();
      expect(await own.page.getByText('Changes show at once.').count()).toBe(0);
    }
    const { data } = await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: ada.token });
    expect(data.revokeOtherSessions.count).toBe(3);
    for (const own of opened) {
      await own.page.getByText('This session was ended from another device.').waitFor();
      await own.shows('Sign in');
    }
  });

  const unavailable = { data: null, errors: [{ message: 'x', extensions: { code: 'SERVICE_UNAVAILABLE' } }] };
  const unreachable = (route: Route) => route.abort();
  const busy = (route: Route) => route.fulfill({ json: unavailable, status: 503, contentType: 'application/graphql-response+json' });

  const lists = [
    { path: '', list: 'Your sessions', query: 'Sessions' },
    { path: '/activity', list: 'Activity', query: 'Activity' },
    { path: '/users', list: 'Users', query: 'Users', search: 'Search' },
    { path: '/all-sessions', list: 'All sessions', query: 'AllSessions', search: 'Show' },
    { path: '/audit', list: 'Events', query: 'AuditEvents', search: 'Show' },
  ];

  test('says why a list cannot be had, and shows it after another try', async () => {
    const { page, console: own } = await openConsoleAs(browser, server.console, root.email);
    for (const { path, list, query, search } of lists) {
      const rows = own.rows(list);
      const whileFailing = async (answer: (route: Route) => Promise<void>, text: string, ask: () => Promise<unknown>) => {
        const fail = (route: Route) => (route.request().postData()?.includes(`query ${query}(`) ? answer(route) : route.fallback());
        await page.route('**/graphql', fail);
        await ask();
        await own.says(text);
        expect(await rows.count()).toBe(0);
        await page.unroute('**/graphql', fail);
        await own.press('Try again');
        await page.getByText(text).waitFor({ state: 'detached' });
      };
      // An event's question must not be what shows the list.
      const following = page
        .waitForEvent('websocket')
        .then((socket) => socket.waitForEvent('framereceived', ({ payload }) => payload.includes('connection_ack')));
      const open = async () => {
        await page.goto(`${server.console}${path}`);
        await following;
      };
      await whileFailing(unreachable, 'The server cannot be reached. Try again.', open);
      await rows.first().waitFor();
      if (search === undefined) continue;
      // What was found before is not what is asked for now.
      const field = page.getByLabel(/^(Address or username begins with|IP address)$/);
      await field.fill('192.0.2.99');
      await whileFailing(busy, 'The server cannot answer at the moment. Nothing was lost: try again.', () => own.press(search));
      await page.getByText(/^(Nobody|No session|No event) fits\.$/).waitFor();
      await field.fill('');
      await own.press(search);
      await rows.first().waitFor();
    }
  });
});
