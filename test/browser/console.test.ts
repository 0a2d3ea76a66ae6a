import { expect, jest, test } from '@jest/globals';
import type { BrowserContext, BrowserContextOptions } from 'playwright-core';
import { describeInBrowser, type TestBrowser, type WatchedPage } from '../support/browser.js';
import { ConsolePage, type Credentials } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { loginMutation, post, signupMutation } from '../support/requests.js';
import { SandboxPage } from '../support/sandbox-page.js';
import { goodPassword } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(180_000);

const isBlameless = { violations: [], foreignRequests: [], errors: [] };
const nextPassword = 'another horse battery';

interface OpenConsole extends WatchedPage {
  readonly console: ConsolePage;
  /** What the server has answered with so far; waits for bodies under way. */
  bodies(): Promise<string[]>;
}

function collectBodies(context: BrowserContext): () => Promise<string[]> {
  const bodies: Promise<string>[] = [];
  context.on('response', (response) => {
    bodies.push(response.text().catch(() => ''));
  });
  return () => Promise.all(bodies);
}

interface Opening extends BrowserContextOptions {
  /** Without the events of sessions: its socket opens, and never says a word. */
  readonly isDeaf?: boolean;
}

async function openConsole(browser: TestBrowser, url: string, { isDeaf = false, ...options }: Opening = {}): Promise<OpenConsole> {
  // First a page that asks for nothing, so that no answer of the console is missed.
  const watched = await browser.open(new URL('/healthz', url).href, options);
  const bodies = collectBodies(watched.context);
  if (isDeaf) await watched.page.routeWebSocket('**/graphql', () => undefined);
  await watched.page.goto(url);
  return { ...watched, console: new ConsolePage(watched.page), bodies };
}

let people = 0;
function somebody(): Credentials {
  people += 1;
  return { email: `console${people}-${process.pid}@example.com`, password: goodPassword };
}

async function registered(url: string): Promise<Credentials> {
  const { email, password } = somebody();
  await post(url, signupMutation, { input: { email, password } });
  return { email, password };
}

/** All that could outlive the page and be read by a script. */
const storageOf = ({ page }: WatchedPage) =>
  page.evaluate(async () => {
    const { localStorage, sessionStorage, indexedDB, document } = globalThis as unknown as {
      localStorage: object;
      sessionStorage: object;
      indexedDB: { databases(): Promise<unknown[]> };
      document: { cookie: string };
    };
    return { local: { ...localStorage }, session: { ...sessionStorage }, databases: await indexedDB.databases(), cookie: document.cookie };
  });
/** All that the editors of this document hold. Runs in the page. */
const modelsOfEditors = (): string => {
  const { __MONACO: monaco } = globalThis as unknown as { __MONACO: { editor: { getModels(): { getValue(): string }[] } } };
  return monaco.editor
    .getModels()
    .map((model) => model.getValue())
    .join('\n');
};
const nothingStored = { local: {}, session: {}, databases: [], cookie: '' };

describeStores('The console', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    let started: ReturnType<typeof startConsoleServer> | undefined;
    const server = () => {
      started ??= startConsoleServer(database.url);
      return started;
    };
    const open = async (path = '') => openConsole(browser, `${(await server()).console}${path}`);
    const openAs = async (person: Credentials, path = '') => {
      const opened = await open(path);
      await opened.console.signIn(person);
      return opened;
    };

    test('signs somebody up, ends the session of a second device, and that one says why', async () => {
      const ada = somebody();
      const first = await open();
      await first.console.signUp(ada);
      await first.console.shows('Your sessions');
      await first.page.getByText('this one').waitFor();
      expect(await first.context.cookies()).toEqual([
        expect.objectContaining({ name: 'latchkey', httpOnly: true, sameSite: 'Lax', path: '/', value: expect.stringMatching(/^lk_rt_/) }),
      ]);

      const second = await openAs(ada);
      await second.console.shows('Your sessions');
      // The list of the first comes to know of it by itself.
      await first.console.rows('Your sessions').nth(1).waitFor();
      await first.page.getByRole('button', { name: /^End .+ on / }).click();
      await first.console.press('End it');
      const sinceClick = stopwatch();
      await second.page.getByText('This session was ended from another device.').waitFor({ timeout: 10_000 });
      const leftMs = Math.round(sinceClick());
      console.log(`${database.kind}: the other device left within ${leftMs} ms of the click`);
      expect(leftMs).toBeLessThanOrEqual(1000);
      await second.console.shows('Sign in');
      await first.page.getByText(/^The session on .+ was ended\.$/).waitFor();

      for (const opened of [first, second]) {
        expect(await storageOf(opened)).toEqual(nothingStored);
        expect((await opened.bodies()).filter((body) => body.includes('lk_rt_'))).toEqual([]);
        expect(await opened.misdeeds()).toEqual(isBlameless);
      }
    });

    test('changes the password, which ends the other sessions, and deletes the account', async () => {
      const ada = await registered((await server()).url);
      const [first, second] = [await openAs(ada), await openAs(ada)];
      await second.console.shows('Your sessions');
      await first.console.goTo('Account');
      await first.page.getByLabel('Present password').fill('not the password');
      await first.page.getByLabel('New password').fill(nextPassword);
      await first.console.press('Change password');
      await first.console.says('That is not right');
      await first.page.getByLabel('Present password').fill(ada.password);
      await first.page.getByLabel('New password').fill('password1');
      await first.console.press('Change password');
      await first.console.says('It is one of the most used passwords.');
      await first.page.getByLabel('New password').fill(nextPassword);
      await first.console.press('Change password');
      await first.console.says('The password was changed.');
      await second.console.says('because the password was changed on another device');
      await second.console.signIn({ ...ada, password: nextPassword });
      await second.console.shows('Your sessions');

      await first.console.press('Delete account …');
      await first.page.getByLabel('Your password').last().fill(nextPassword);
      await first.console.press('Delete my account');
      await first.console.says('Your account was deleted.');
      await second.console.says('The account was deleted.');
      await first.console.signIn({ ...ada, password: nextPassword });
      await first.console.says('That is not right');
      expect((await first.bodies()).filter((body) => body.includes('lk_rt_'))).toEqual([]);
      expect(await first.misdeeds()).toEqual(isBlameless);
    });

    test('shows nothing of the account after signing out, by the back button either', async () => {
      const ada = await registered((await server()).url);
      const { console: own, page, context } = await openAs(ada);
      await own.goTo('Account');
      await own.goTo('Activity');
      await own.press('Sign out');
      await own.says('You signed out.');
      expect(await context.cookies()).toEqual([]);
      for (let count = 0; count < 2; count += 1) {
        await page.goBack();
        await own.shows('Sign in');
        expect(await page.locator('#root').textContent()).not.toContain(ada.email);
      }
      await page.reload();
      await own.shows('Sign in');
    });

    test('goes back and forth between views, and opens each by its address', async () => {
      const ada = await registered((await server()).url);
      const { console: own, page } = await openAs(ada, '/account');
      await own.shows('Account');
      await own.goTo('Activity');
      expect(new URL(page.url()).pathname).toBe('/console/activity');
      await page.goBack();
      await own.shows('Account');
      await page.goForward();
      await own.shows('Activity');
      await page.reload();
      await own.shows('Activity');
      await page.goto(`${(await server()).console}/users/of/nobody`);
      await own.shows('Nothing here');
    });

    test('lets an administrator search, disable and enable, and end sessions by a filter after a dry run', async () => {
      const { url, app } = await server();
      const [root, ada] = [await registered(url), await registered(url)];
      await app.services.accounts.grantRole(root.email, 'admin');
      const victim = await openAs(ada);
      await victim.console.shows('Your sessions');
      const admin = await openAs(root);
      await admin.console.goTo('Users');
      await admin.console.rows('Users').nth(1).waitFor();
      await admin.page.getByLabel('Address or username begins with').fill(ada.email.slice(0, -4));
      await admin.console.press('Search');
      await admin.console.rows('Users').nth(1).waitFor({ state: 'detached' });
      await admin.console.rows('Users').first().waitFor();
      await expect(admin.console.rows('Users').count()).resolves.toBe(1);
      await admin.page.getByRole('link', { name: ada.email }).click();
      await admin.console.shows(ada.email);
      await admin.console.press('Disable …');
      await admin.page.getByLabel('Reason (optional)').fill('left the company');
      await admin.console.press('Disable');
      await victim.console.says('because the account was disabled');
      await admin.console.says(/left the company/);
      await victim.console.signIn(ada);
      await victim.console.says('This account is disabled.');
      await admin.console.press('Enable …');
      await admin.console.press('Enable');
      await admin.page.getByRole('button', { name: 'Disable …' }).waitFor();
      await victim.console.signIn(ada);
      await victim.console.shows('Your sessions');

      await admin.page.getByRole('link', { name: 'Sessions', exact: true }).click();
      await admin.console.shows('All sessions');
      await admin.console.rows('All sessions').first().waitFor();
      await admin.console.press('End all that fit …');
      await admin.page
        .getByRole('dialog')
        .getByText(/^1 session would be ended:$/)
        .waitFor();
      expect(await admin.page.getByRole('dialog').textContent()).toContain(ada.email);
      await admin.console.press('End 1 session');
      await victim.console.says('This session was ended by an administrator.');
      await admin.console.says('1 session was ended.');

      await admin.console.goTo('Audit log');
      await admin.page.getByRole('img', { name: /^Sign-ins: \d+ succeeded/ }).waitFor();
      await admin.console.rows('Events').first().waitFor();
      expect(await admin.misdeeds()).toEqual(isBlameless);
    });
  });
});

describeInBrowser('The console', (browser) => {
  const start = (environment: Record<string, string> = {}) => startConsoleServer('sqlite::memory:', environment);

  test('asks for the password where an act wants a recent proof, and then does it', async () => {
    const server = await start({ LATCHKEY_REAUTHENTICATION_AGE: '5m' });
    const [root, ada] = [await registered(server.url), await registered(server.url)];
    await server.app.services.accounts.grantRole(root.email, 'admin');
    const victim = await openConsole(browser, server.console);
    await victim.console.signIn(ada);
    await victim.console.shows('Your sessions');
    const admin = await openConsole(browser, server.console);
    await admin.console.signIn(root);
    await admin.console.goTo('All sessions');
    server.advanceClock(600_000);
    await admin.page.getByRole('button', { name: new RegExp(`^End .+ on .+ of ${ada.email}`) }).click();
    await admin.console.press('End it');
    const dialog = admin.page.getByRole('dialog', { name: 'Confirm your password' });
    await dialog.getByLabel('Your password').fill('not the password');
    await admin.console.press('Confirm');
    await dialog.getByText('That is not right').waitFor();
    await dialog.getByLabel('Your password').fill(root.password);
    await admin.console.press('Confirm');
    await victim.console.says('This session was ended by an administrator.');
    await admin.page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('counts down while the server asks to wait', async () => {
    const server = await start({ LATCHKEY_THROTTLE: 'on' });
    const ada = await registered(server.url);
    const { console: own, page } = await openConsole(browser, server.console);
    const button = page.getByRole('button', { name: 'Sign in', exact: true });
    // Until the next has to wait for longer than a slow machine takes to look.
    for (let count = 0; count < 11; count += 1) {
      if (count >= 5) server.advanceClock(1_000 * 2 ** (count - 5));
      await post(server.url, loginMutation, { input: { login: ada.email, password: `wrong ${count}` } });
    }
    await own.signIn(ada);
    await page.getByText('Too many attempts.').waitFor();
    await page.getByText(/^Try again in \d+ s\.$/).waitFor();
    expect(await button.isDisabled()).toBe(true);
  });

  test('takes the token from an open tab, and leaves in all of them at once', async () => {
    const server = await start();
    const ada = await registered(server.url);
    const { console: own, context, page } = await openConsole(browser, server.console);
    await own.signIn(ada);
    await own.shows('Your sessions');
    let refreshes = 0;
    context.on('request', (request) => {
      if (request.postData()?.includes('mutation RefreshToken')) refreshes += 1;
    });
    const tab = await context.newPage();
    await tab.goto(server.console);
    const other = new ConsolePage(tab);
    await other.shows('Your sessions');
    expect(refreshes).toBe(0);
    await other.press('Sign out');
    await own.shows('Sign in');
    await page.bringToFront();
    await own.says('You signed out.');
  });

  test('folds away the filters that are used less, which count there too, and says how many narrow the list', async () => {
    const server = await start();
    const root = await registered(server.url);
    await server.app.services.accounts.grantRole(root.email, 'admin');
    const { console: own, page } = await openConsole(browser, server.console);
    await own.signIn(root);
    await own.goTo('All sessions');
    await own.rows('All sessions').nth(1).waitFor();
    expect(await page.getByLabel('User agent holds').isVisible()).toBe(false);
    await page.getByText('More filters', { exact: true }).click();
    await page.getByLabel('User agent holds').fill('Chrome');
    await page.getByLabel('Device').selectOption('computer');
    await page.getByText('More filters (2 set)', { exact: true }).click();
    expect(await page.getByLabel('User agent holds').isVisible()).toBe(false);
    await own.press('Show');
    await own.rows('All sessions').nth(1).waitFor({ state: 'detached' });
    expect(await own.rows('All sessions').textContent()).toContain('Chrome');
    await own.says('More filters (2 set)');

    await own.goTo('Audit log');
    await own.rows('Events').nth(2).waitFor();
    await page.getByText('Only some kinds of event', { exact: true }).click();
    await page.getByLabel('Roles changed').check();
    await own.press('Show');
    await own.rows('Events').nth(1).waitFor({ state: 'detached' });
    await own.says('Only some kinds of event (1 set)');
  });

  test('is silent about whether an address has an account, and says where the mail is', async () => {
    const server = await start();
    const { console: own, page } = await openConsole(browser, server.console);
    await page.getByRole('link', { name: 'Forgotten your password?' }).click();
    await own.shows('Forgotten password');
    await page.getByLabel('Email').fill('nobody@example.com');
    await own.press('Send the mail');
    await own.shows('Check your mail');
    await own.says('If it has an account');
  });

  test('has the explorer as a view of its own, for the person or for nobody', async () => {
    const server = await start();
    const ada = await registered(server.url);
    const opened = await openConsole(browser, server.console);
    const { console: own, page } = opened;
    await own.signIn(ada);
    await own.goTo('Sandbox');
    const run = async () => {
      const answered = page.waitForResponse((response) => response.request().postData()?.includes('WhoAmI') ?? false);
      await page.getByRole('button', { name: /^Execute query/ }).click();
      return (await answered).json();
    };
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    expect(await run()).toMatchObject({ data: { me: { email: ada.email } } });
    await page.getByLabel('Send as').selectOption('nobody');
    expect(await run()).toMatchObject({ errors: [{ extensions: { reason: 'NO_TOKEN' } }] });
    expect(await opened.misdeeds()).toEqual(isBlameless);
    await own.goTo('Your sessions');
    expect(await opened.misdeeds()).toEqual(isBlameless);
  });

  const openSandbox = async (server: Awaited<ReturnType<typeof start>>, person: Credentials, opening?: Opening) => {
    const opened = await openConsole(browser, server.console, opening);
    await opened.console.signIn(person);
    await opened.console.goTo('Sandbox');
    const sandbox = new SandboxPage(opened.page);
    await sandbox.ready();
    /** Opens an example, runs it, and gives what was sent and answered. */
    const run = async (title: string, operationName: string) => {
      await sandbox.openExample(title, operationName);
      const own = opened.page.waitForResponse(
        (response) => response.request().postDataJSON()?.operationName === operationName && response.request().method() === 'POST',
      );
      await opened.page.getByRole('button', { name: /^Execute query/ }).click();
      const response = await own;
      return { sent: response.request().postDataJSON(), answer: await response.json() };
    };
    return { ...opened, sandbox, run };
  };

  test('has examples in the explorer, which end the other session, and then its own: the page says why', async () => {
    const server = await start();
    const ada = await registered(server.url);
    const other = await openConsole(browser, server.console);
    await other.console.signIn(ada);
    await other.console.shows('Your sessions');
    const opened = await openSandbox(server, ada);
    const { console: own, page, run, sandbox } = opened;
    expect(await page.getByRole('button', { name: /Refresh the tokens|Ask with the ended session/ }).count()).toBe(0);
    expect(await run('Who am I?', 'WhoAmI')).toMatchObject({ answer: { data: { me: { email: ada.email } } } });
    await sandbox.openExample('Sign in from a second device', 'SignIn');
    expect(JSON.parse(await sandbox.valueOf('variables'))).toEqual({ input: { login: ada.email, password: 'your password' } });
    const listed = await run('My sessions', 'MySessions');
    const { id } = listed.answer.data.sessions.nodes.find(({ isCurrent }: { isCurrent: boolean }) => !isCurrent);
    expect(await run('End the other session', 'EndSession')).toMatchObject({
      sent: { variables: { id } },
      answer: { data: { revokeSession: { id, state: 'REVOKED' } } },
    });
    await other.console.says('This session was ended from another device.');
    expect(await run('Sign out', 'SignOut')).toMatchObject({ answer: { data: { logout: true } } });
    await own.says('You signed out.');
    await own.shows('Sign in');
    expect(await opened.misdeeds()).toEqual(isBlameless);

    // Somebody else, without another load of the page.
    const grace = await registered(server.url);
    await own.signIn(grace);
    await own.shows('Sandbox');
    await sandbox.ready();
    expect(await page.evaluate(modelsOfEditors)).not.toEqual(expect.stringContaining(ada.email));
    expect(await run('Who am I?', 'WhoAmI')).toMatchObject({ answer: { data: { me: { email: grace.email } } } });
  });

  test('leaves with its reason where an operation of the explorer ends every session', async () => {
    const server = await start();
    const { console: own, page, sandbox } = await openSandbox(server, await registered(server.url));
    await sandbox.openExample('End all other sessions', 'EndOtherSessions');
    await page.locator('.graphiql-query-editor .view-lines').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText('mutation EndAll { revokeAllSessions { count } }');
    // The explorer knows its name a moment later, and would send the one before.
    await page.getByRole('tab', { selected: true }).getByText('EndAll', { exact: true }).waitFor();
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await own.says('This session was ended from another device.');
    await own.shows('Sign in');
  });

  test('refreshes an access token that has expired, once, and runs the operation again by itself', async () => {
    const server = await start();
    const ada = await registered(server.url);
    // The end of its token would reach a socket by itself, and a new token be there before the person asks.
    const opened = await openSandbox(server, ada, { isDeaf: true });
    const { context, page, sandbox } = opened;
    await sandbox.openExample('Who am I?', 'WhoAmI');
    const asked: string[] = [];
    context.on('request', (request) => {
      const name = /\b(RefreshToken|WhoAmI)\b/.exec(request.postData() ?? '')?.[1];
      if (name !== undefined) asked.push(name);
    });
    // Else the page's own questions might be refused before it.
    await page.route('**/graphql', async (route) => {
      if (!/"operationName":"(Me|Sessions)"/.test(route.request().postData() ?? '')) await route.fallback();
    });
    // Its lifetime, and the leeway of the server.
    server.advanceClock(3_600_000 + 60_000);
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await page.locator('.result-window').getByText('"totalCount"').waitFor();
    expect(JSON.parse(await sandbox.valueOf('response'))).toMatchObject({ data: { me: { email: ada.email } } });
    expect(asked).toEqual(['WhoAmI', 'RefreshToken', 'WhoAmI']);
    expect(await opened.misdeeds()).toEqual(isBlameless);
  });

  test('says so where the server does not allow its own page at this address', async () => {
    const server = await start({ LATCHKEY_ALLOWED_ORIGINS: 'http://app.test' });
    const { console: own } = await openConsole(browser, server.console);
    await own.says('Open it at the public address of the server.');
  });

  test('takes away what roles no longer allow, and says what is forbidden', async () => {
    const server = await start();
    const root = await registered(server.url);
    await server.app.services.accounts.grantRole(root.email, 'support');
    const { console: own, page } = await openConsole(browser, server.console);
    await own.signIn(root);
    await own.goTo('Users');
    await page.getByRole('link', { name: root.email }).click();
    await own.shows(root.email);
    expect(await page.getByRole('button', { name: /Disable|Set roles|reset/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Audit log' }).count()).toBe(0);

    const boss = await registered(server.url);
    await server.app.services.accounts.grantRole(boss.email, 'admin');
    const { data } = await post(server.url, loginMutation, { input: { login: boss.email, password: boss.password } });
    const takeAway = 'mutation ($userId: ID!) { setUserRoles(userId: $userId, roles: ["user"]) { roles } }';
    const userId = new URL(page.url()).pathname.split('/').at(-1);
    const taken = await post(server.url, takeAway, { userId }, { headers: { authorization: `Bearer ${data.login.accessToken}` } });
    expect(taken.data.setUserRoles.roles).toEqual(['user']);
    // An event of their sessions: the page asks anew.
    await post(server.url, loginMutation, { input: { login: root.email, password: root.password } });
    await own.shows('Nothing here');
    expect(await page.getByRole('link', { name: /^(Users|All sessions)$/ }).count()).toBe(0);
  });

  test('has no explorer where the server has none', async () => {
    const server = await start({ LATCHKEY_SANDBOX: 'off' });
    const ada = await registered(server.url);
    const { console: own, page } = await openConsole(browser, `${server.console}/sandbox`);
    await own.signIn(ada);
    await own.shows('Nothing here');
    expect(await page.getByRole('link', { name: 'Sandbox' }).count()).toBe(0);
  });
});
