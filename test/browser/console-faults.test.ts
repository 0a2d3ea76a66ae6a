import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';

jest.setTimeout(180_000);

const hour = 3_600_000;
/** More than a page of the list holds. */
const manySessions = 23;

const refused = (code: string) => ({ message: 'refused', extensions: { code } });
const refusal = (code: string) => ({ json: { data: null, errors: [refused(code)] } });

/** What comes between the page and the API. */
class Interference {
  private rule: { readonly operation: string; readonly answer: (route: Route) => Promise<void> } | null = null;
  readonly asked: string[] = [];

  static async on(page: Page): Promise<Interference> {
    const own = new Interference();
    await page.route('**/graphql', async (route) => {
      const text = route.request().postData() ?? '';
      const operation = /(?:query|mutation) (\w+)/.exec(text)?.[1] ?? '';
      own.asked.push(operation);
      if (operation === own.rule?.operation) await own.rule.answer(route);
      else await route.fallback();
    });
    return own;
  }

  /** From now on the server refuses this operation. */
  refuse(operation: string, code = 'INTERNAL_SERVER_ERROR'): void {
    this.rule = { operation, answer: (route) => route.fulfill(refusal(code)) };
  }

  /** From now on this operation waits, until what is returned is called; with a code it is then refused. */
  hold(operation: string): (code?: string) => void {
    let release: (code?: string) => void = () => {};
    const released = new Promise<string | undefined>((resolve) => {
      release = resolve;
    });
    this.rule = {
      operation,
      answer: async (route) => {
        const code = await released;
        await (code === undefined ? route.fallback() : route.fulfill(refusal(code)));
      },
    };
    return (code) => {
      this.rule = null;
      release(code);
    };
  }

  /** From now on this operation has this answer. */
  answer(operation: string, json: object): void {
    this.rule = { operation, answer: (route) => route.fulfill({ json }) };
  }

  stop(): void {
    this.rule = null;
  }
}

/** What has the focus: its words, or the name of the list or the element. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement } = (globalThis as unknown as { document: { activeElement: Focused } }).document;
    return activeElement.getAttribute('aria-label') ?? (activeElement.tagName === 'BODY' ? 'BODY' : activeElement.textContent);
  });
interface Focused {
  readonly tagName: string;
  readonly textContent: string;
  getAttribute(name: string): string | null;
}

describeInBrowser('The console, where something goes wrong', (browser) => {
  let server: Awaited<ReturnType<typeof startConsoleServer>>;
  let root: Person;
  let ada: Person;
  beforeAll(async () => {
    server = await startConsoleServer('sqlite::memory:');
    root = await aPerson(server.url);
    ada = await aPerson(server.url);
    await server.app.services.accounts.grantRole(root.email, 'admin');
    for (let count = 1; count < manySessions; count += 1) await signIn(server.url, ada);
  });
  afterAll(async () => server.close());

  const open = async (path = '', before: (api: Interference) => void = () => {}, { email }: Pick<Person, 'email'> = root) => {
    const { page, context } = await browser.open(`${server.console}${path}`);
    const api = await Interference.on(page);
    before(api);
    const own = new ConsolePage(page);
    await own.signIn({ email, password: goodPassword });
    return { page, context, own, api };
  };
  const sessionsOfAda = () => `/all-sessions?user=${ada.id}`;
  const tryAgain = (page: Page) =>
    page.getByRole('main').filter({ hasNotText: 'Load the page again' }).getByRole('button', { name: 'Try again' });

  test('sets no roles before it knows which there are, and shows one that is held but configured no more', async () => {
    const { page, own, api } = await open(`/users/${root.id}`, (before) => before.refuse('Roles'));
    const roles = page.getByRole('region', { name: 'Roles' });
    await roles.getByText('Something went wrong on the server').waitFor();
    expect(await roles.getByRole('button').allTextContents()).toEqual(['Try again']);
    api.answer('Roles', { data: { roles: [{ __typename: 'Role', name: 'user', permissions: [] }] } });
    await own.press('Try again');
    await roles.getByRole('button', { name: 'Set roles' }).waitFor();
    expect(await roles.getByLabel(/^admin not configured any more/).isChecked()).toBe(true);
    expect(await roles.getByLabel(/^user /).isChecked()).toBe(true);
  });

  test('says that a filter or a page failed, and leaves no rows of another up', async () => {
    const { page, own, api } = await open(sessionsOfAda());
    const rows = own.rows('All sessions');
    await rows.first().waitFor();
    api.refuse('AllSessions');
    await own.press('Older');
    await tryAgain(page).waitFor();
    expect(await rows.count()).toBe(0);
    api.stop();
    await own.press('Newer');
    await rows.first().waitFor();
    api.refuse('AllSessions');
    await page.getByLabel('IP address').fill('192.0.2.1');
    await own.press('Show');
    await tryAgain(page).waitFor();
    expect(await rows.count()).toBe(0);
    api.stop();
    await own.press('Try again');
    await own.says('No session fits.');
    await own.goTo('Audit log');
    await own.rows('Events').first().waitFor();
    api.refuse('AuditEvents');
    await page.getByLabel('Id of the user').fill(ada.id);
    await own.press('Show');
    await tryAgain(page).waitFor();
    expect(await own.rows('Events').count()).toBe(0);
  });

  test('shows the log without names to whoever may not read them', async () => {
    const { page, own } = await open('/audit', (api) => {
      const event = {
        id: 'e1',
        at: new Date().toISOString(),
        type: 'LOGIN',
        count: 1,
        summary: 'signed in',
        ipAddress: null,
        userAgent: null,
      };
      const node = { __typename: 'AuditEvent', ...event, sessionId: null, actor: null, user: null };
      const pageInfo = { __typename: 'PageInfo', hasNextPage: false, endCursor: null };
      const errors = ['actor', 'user'].map((name) => ({ ...refused('FORBIDDEN'), path: ['auditEvents', 'nodes', 0, name] }));
      api.answer('AuditEvents', { data: { auditEvents: { __typename: 'AuditEventPage', nodes: [node], pageInfo } }, errors });
    });
    await own.rows('Events').first().waitFor();
    expect(await tryAgain(page).count()).toBe(0);
  });

  test('is not blank when the files of a view do not come', async () => {
    const { page, own } = await open();
    await own.shows('Your sessions');
    await page.route('**/assets/users-*.js', (route) => route.abort());
    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await own.shows('Something went wrong');
    await own.goTo('Activity');
    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await own.shows('Something went wrong');
    await page.unroute('**/assets/users-*.js');
    await own.press('Try again');
    await own.shows('Users');
  });

  test('goes on by one page at a time, and lets nothing be pressed in the rows of the page before', async () => {
    const { page, own, api } = await open(sessionsOfAda());
    const list = page.getByRole('list', { name: 'All sessions' });
    await own.rows('All sessions').first().waitFor();
    const release = api.hold('AllSessions');
    const older = page.getByRole('button', { name: 'Older' });
    await older.click();
    await page.locator('ul[aria-busy=true]').waitFor();
    expect(await older.isDisabled()).toBe(true);
    await older.click({ force: true });
    await page.locator('ul[aria-busy=true] button').first().click({ force: true });
    expect(await page.getByRole('dialog').count()).toBe(0);
    release();
    await page.locator('ul[aria-busy=false]').waitFor();
    await own.says('Page 2');
    expect(await list.getByRole('listitem').count()).toBe(manySessions - 20);
    await own.press('Newer');
    await own.says('Page 1');
  });

  test('keeps the filter in the address, for Back, reload and the nav, and says it before sessions are ended', async () => {
    const { page, own } = await open(sessionsOfAda());
    const userField = page.getByLabel('Id of the user');
    await own.rows('All sessions').first().waitFor();
    expect(await userField.inputValue()).toBe(ada.id);
    await page.getByLabel('IP address').fill('192.0.2.1');
    await own.press('End all that fit …');
    await page.getByRole('dialog').getByText(`Active sessions of the user ${ada.id}.`).waitFor();
    await own.says(`${manySessions} sessions would be ended`);
    await own.press('Cancel');
    await own.goTo('All sessions');
    await page.waitForFunction('!location.search');
    expect([await userField.inputValue(), await page.getByLabel('IP address').inputValue()]).toEqual(['', '']);
    expect(await page.getByRole('button', { name: 'End all that fit …' }).isDisabled()).toBe(true);
    await page.getByLabel('State').selectOption('any');
    await page.getByText('More filters').click();
    await page.getByLabel('Device').selectOption('telephone');
    await own.press('Show');
    await own.says('No session fits.');
    expect(await focused(page)).toBe('Show');
    await page.reload();
    await own.says('No session fits.');
    expect([await page.getByLabel('State').inputValue(), await page.getByLabel('Device').inputValue()]).toEqual(['', 'MOBILE']);
    await page.goBack();
    await page.goBack();
    await own.rows('All sessions').first().waitFor();
    expect([await userField.inputValue(), await page.getByLabel('State').inputValue()]).toEqual([ada.id, 'ACTIVE']);

    await own.goTo('Users');
    await page.getByLabel('Address or username begins with').fill(ada.username);
    await page.getByLabel('Role').selectOption('user');
    await own.press('Search');
    await page.reload();
    await own.rows('Users').first().waitFor();
    expect(await own.rows('Users').count()).toBe(1);
    expect(await page.getByLabel('Role').inputValue()).toBe('user');
  });

  test('asks anew when the same is to be shown', async () => {
    const { page, own, api } = await open('/users');
    await own.rows('Users').first().waitFor();
    await page.getByLabel('Address or username begins with').fill('late-');
    await own.press('Search');
    await own.says('Nobody fits.');
    await post(server.url, signupMutation, { input: { email: 'late-comer@example.com', password: goodPassword } });
    await own.press('Search');
    await page.getByRole('link', { name: 'late-comer@example.com' }).waitFor();
    expect(api.asked.filter((operation) => operation === 'Users')).toHaveLength(3);
  });

  test('says that an act is done, whatever becomes of what follows it', async () => {
    const { page, own, api } = await open(`/users/${ada.id}`);
    const roles = page.getByRole('region', { name: 'Roles' });
    await roles.getByLabel(/^support/).check();
    api.refuse('Me');
    await own.press('Set roles');
    await own.says('The roles act from now on.');
    expect(await roles.getByRole('alert').textContent()).toBe('');
  });

  test('says that the password was changed also where the new tokens do not come, and blames no address for a wrong one', async () => {
    const { page, own, api } = await open('/account', undefined, await aPerson(server.url));
    await own.shows('Account');
    const change = async (present: string) => {
      await page.getByLabel('Present password').fill(present);
      await page.getByLabel('New password').fill('another horse battery');
      await own.press('Change password');
    };
    await change('not the password');
    await page.getByText('That is not right: the password is wrong.', { exact: true }).waitFor();
    api.refuse('RefreshToken');
    await change(goodPassword);
    await own.says('The password was changed.');
  });

  test('shows what an event told of while an older answer was on its way', async () => {
    const person = await aPerson(server.url);
    const { page, own } = await open('', undefined, person);
    await own.says('Changes show at once.');
    const rows = own.rows('Your sessions');
    await rows.first().waitFor();
    const before = await rows.count();
    let deliver = () => {};
    const delivered = new Promise<void>((resolve) => {
      deliver = resolve;
    });
    let isHeld = false;
    const held = new Promise<void>((resolve) => {
      void page.route('**/graphql', async (route) => {
        if (isHeld || !route.request().postData()?.includes('query Sessions(')) return route.fallback();
        isHeld = true;
        const response = await route.fetch();
        resolve();
        await delivered;
        return route.fulfill({ response });
      });
    });
    await signIn(server.url, person);
    await held;
    const toldAgain = page.waitForRequest((request) => request.postData()?.includes('query Me') ?? false);
    await signIn(server.url, person);
    await toldAgain;
    deliver();
    await rows.nth(before + 1).waitFor();
  });

  test('says exactly when something happened, and calls an hour an hour and a day a day', async () => {
    const { page, own } = await open('/activity');
    const instant = own.rows('Activity').first().locator('time');
    await instant.waitFor();
    expect(await instant.textContent()).toMatch(/^\w+ \d+, \d{4}, \d+:\d\d:\d\d\s[AP]M, now$/);
    const times: readonly (readonly [number, string])[] = [
      [hour - 1000, ', 1 hour ago'],
      [25.5 * hour, ', 1 day ago'],
      [6.6 * 24 * hour, ', 1 week ago'],
    ];
    for (const [after, words] of times) {
      const at = Date.parse((await instant.getAttribute('datetime')) ?? '');
      await page.route('**/graphql', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, headers: { ...response.headers(), date: new Date(at + after).toUTCString() } });
      });
      await own.goTo('Account');
      await own.goTo('Activity');
      await own.rows('Activity').first().waitFor();
      await instant.filter({ hasText: words }).waitFor();
    }
  });

  test('has the places where it says something before there is anything to say', async () => {
    const { page, own } = await open();
    await own.shows('Your sessions');
    const displayed = await page
      .locator('[role=status]:empty, [role=alert]:empty')
      .evaluateAll((elements) => elements.map((element) => (globalThis as unknown as Styles).getComputedStyle(element).display));
    expect(displayed.length).toBeGreaterThan(1);
    expect(displayed).not.toContain('none');
  });

  test('begins a dialog at what ends nothing, says aloud what a dry run found, and keeps the focus', async () => {
    const { page, own, api } = await open(sessionsOfAda());
    await own.rows('All sessions').first().waitFor();
    const release = api.hold('RevokeSessions');
    await own.press('End all that fit …');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('status').getByText('Loading what would be ended').waitFor();
    expect(await focused(page)).toBe('Cancel');
    release();
    await dialog.getByRole('status').getByText(`${manySessions} sessions would be ended`).waitFor();
    expect(await focused(page)).toBe('Cancel');
    expect(await dialog.getByRole('button').allTextContents()).toEqual([`End ${manySessions} sessions`, 'Cancel']);
  });

  test('keeps a dialog open until it is known how the act went, and the focus in the list when a row has lost its button', async () => {
    const { page, own, api } = await open(sessionsOfAda());
    await own.rows('All sessions').first().waitFor();
    const release = api.hold('RevokeSession');
    await page
      .getByRole('button', { name: /^End .+ of / })
      .last()
      .click();
    await own.press('End it');
    for (let count = 0; count < 3; count += 1) await page.keyboard.press('Escape');
    const dialog = page.getByRole('dialog', { name: 'End this session?' });
    expect(await dialog.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true);
    release('FORBIDDEN');
    await dialog.getByText('Your roles do not allow this').waitFor();
    await own.press('End it');
    await dialog.waitFor({ state: 'detached' });
    expect(await focused(page)).toMatch(/^All sessions$/);
  });

  test('is busy while somebody signs out', async () => {
    const { page, own, api } = await open();
    await own.shows('Your sessions');
    const release = api.hold('Logout');
    await own.press('Sign out');
    expect(await page.getByRole('button', { name: 'Signing out …' }).isDisabled()).toBe(true);
    release();
    await own.shows('Sign in');
    expect(await focused(page)).toBe('Sign in');
  });

  test('leads from a session to its events and back, by its id', async () => {
    const { page, own } = await open(sessionsOfAda());
    const first = own.rows('All sessions').first();
    const id = (await first.locator('code').textContent()) ?? '';
    await first.getByRole('link', { name: 'Its events' }).click();
    await own.shows('Audit log');
    expect(await page.getByLabel('Id of the session').inputValue()).toBe(id);
    await own.rows('Events').first().waitFor();
    await own
      .rows('Events')
      .getByRole('link', { name: `session ${id}` })
      .first()
      .click();
    await own.shows('All sessions');
    await own.rows('All sessions').first().waitFor();
    expect(await own.rows('All sessions').locator('code').allTextContents()).toEqual([id]);
  });

  test.each(['/sandbox/', '/%73andbox'])('has the explorer at %s too, and says after a sign-out there that it was one', async (path) => {
    const { page, misdeeds } = await browser.open(`${server.console}${path}`);
    const own = new ConsolePage(page);
    await own.signIn({ email: root.email, password: goodPassword });
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/sandbox');
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click();
    await own.says('You signed out.');
    expect(await misdeeds()).toEqual({ violations: [], foreignRequests: [], errors: [] });
  });

  test('takes languages that the browser names wrongly', async () => {
    const { page, context } = await browser.open('about:blank');
    await context.addInitScript("Object.defineProperty(navigator, 'languages', { get: () => ['en-US@posix', 'de-DE'] })");
    await page.goto(server.console);
    const own = new ConsolePage(page);
    await own.signIn({ email: root.email, password: goodPassword });
    await own.rows('Your sessions').getByText('jetzt').first().waitFor();
  });

  test('asks for the address of somebody who signs in by username, and mails the link to verify it again', async () => {
    const { page } = await browser.open(server.console);
    const api = await Interference.on(page);
    const own = new ConsolePage(page);
    api.refuse('Login', 'EMAIL_NOT_VERIFIED');
    await own.signIn({ email: ada.username, password: goodPassword });
    expect(await page.getByLabel('Address to verify').inputValue()).toBe('');
    await page.getByLabel('Address to verify').fill(ada.email);
    await own.press('Send the mail again');
    await own.shows('Check your mail');
    await own.press('Send the mail again');
    await own.says('Asked for once more.');
    expect(api.asked.filter((operation) => operation === 'RequestEmailVerification')).toHaveLength(2);
  });

  test('has the focus where somebody came to, and leaves it when a title is known later', async () => {
    const { page, own, api } = await open();
    await own.shows('Your sessions');
    expect(await focused(page)).toBe('Your sessions');
    await own.goTo('Users');
    const release = api.hold('User');
    await page.getByRole('link', { name: ada.email }).click();
    await own.shows('User');
    expect(await focused(page)).toBe('User');
    await page.getByRole('link', { name: 'All users' }).focus();
    release();
    await own.shows(ada.email);
    expect(await focused(page)).toBe('All users');
  });

  test('has nothing below its views', async () => {
    const { page, own } = await open();
    await own.shows('Your sessions');
    for (const path of ['/users/of/nobody', '/activity/x', '/audit/x', '/sandbox/x']) {
      await page.goto(`${server.console}${path}`);
      await own.shows('Nothing here');
    }
  });
});

interface Styles {
  getComputedStyle(element: unknown): { readonly display: string };
}
