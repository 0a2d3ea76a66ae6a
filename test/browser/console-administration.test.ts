import { beforeAll, expect, jest, test } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { startConsoleServer } from '../support/console-server.js';
import { type OpenConsole, openConsoleAs } from '../support/open-console.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { loginMutation, post } from '../support/requests.js';
import { goodPassword } from '../support/server.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(120_000);

const isBlameless = { violations: [], foreignRequests: [], errors: [] };
const hour = 3_600_000;
const pageSize = 20;

/** Until the list has so many rows. */
async function hasRows(rows: Locator, count: number): Promise<void> {
  if (count > 0) await rows.nth(count - 1).waitFor();
  await rows.nth(count).waitFor({ state: 'detached' });
}
/** Of each row. */
const addressesIn = async (rows: Locator) => (await rows.allTextContents()).map((text) => /from ([\d.]+)/.exec(text)?.[1]);
/** As a field for a date and a time takes it, in this machine's time, which is the browser's too. */
const asEntered = (instant: number) =>
  new Date(instant - new Date(instant).getTimezoneOffset() * 60_000).toISOString().slice(0, 'yyyy-mm-ddThh:mm'.length);

describeStores('The console', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    let server: Awaited<ReturnType<typeof startConsoleServer>>;
    let root: Person;
    beforeAll(async () => {
      server = await startConsoleServer(database.url, { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' });
      root = await aPerson(server.url);
      await server.app.services.accounts.grantRole(root.email, 'admin');
    });
    const someone = () => aPerson(server.url);
    const open = (path: string, login: string) => openConsoleAs(browser, `${server.console}${path}`, login);
    /** The administrator's window, at that view. */
    let admin: OpenConsole | undefined;
    const openAdmin = async (path: string) => {
      admin ??= await open('', root.email);
      await admin.page.goto(`${server.console}${path}`);
      return admin;
    };
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const show = async ({ console: own, page }: OpenConsole, label: string, text: string, button = 'Show') => {
      await page.getByLabel(label, { exact: true }).fill(text);
      await own.press(button);
    };

    test('changes the username, by which the person signs in from then on', async () => {
      const [ada, bob] = [await someone(), await someone()];
      const { console: own, page } = await open('/account', ada.email);
      const username = `Lovelace-${ada.username}`;
      await page.getByLabel('Username', { exact: true }).fill(bob.username.toUpperCase());
      await own.press('Change username');
      await own.says('Somebody has this username already.');
      await own.press('Sign out');
      await own.signIn({ email: ada.username, password: goodPassword });
      await own.goTo('Account');
      await page.getByLabel('Username', { exact: true }).fill(username);
      await own.press('Change username');
      await own.says('The username was changed.');
      await page.getByRole('definition').getByText(username, { exact: true }).waitFor();
      await own.press('Sign out');
      await own.signIn({ email: ada.username, password: goodPassword });
      await own.says('That is not right');
      await own.signIn({ email: username.toLowerCase(), password: goodPassword });
      await own.goTo('Account');
      expect(await page.getByLabel('Username', { exact: true }).inputValue()).toBe(username);
    });

    test('shows the views of a role with the next event, and takes them away with the next visit', async () => {
      const ada = await someone();
      const person = await open('', ada.email);
      const users = person.page.getByRole('link', { name: 'Users', exact: true });
      await hasRows(person.console.rows('Your sessions'), 2);
      expect(await users.count()).toBe(0);
      const admin = await openAdmin(`/users/${ada.id}`);
      const support = admin.page.getByRole('checkbox', { name: /^support / });
      await support.check();
      await admin.console.press('Set roles');
      await admin.console.says('The roles act from now on.');
      expect(await support.isChecked()).toBe(true);
      await signIn(server.url, ada);
      await hasRows(person.console.rows('Your sessions'), 3);
      await users.waitFor();
      // Else it would come to know of the roles by itself, by asking every few seconds.
      await person.console.says('Changes show at once.');
      await person.console.goTo('Users');
      await person.console.rows('Users').first().waitFor();
      expect(await person.page.getByRole('button', { name: 'New user …' }).count()).toBe(0);

      await support.uncheck();
      await admin.console.press('Set roles');
      await admin.page.getByRole('status').filter({ hasText: 'The roles act from now on.' }).waitFor();
      await show(person, 'Address or username begins with', ada.email, 'Search');
      await person.console.says('Your roles do not allow this, or not on that account.');
      await person.console.goTo('Activity');
      await users.waitFor({ state: 'detached' });
      await person.page.goBack();
      await person.console.shows('Nothing here');
    });

    test('finds events by their kind and by the address that they came from', async () => {
      const ada = await someone();
      const login = (password: string, address: string) =>
        post(server.url, loginMutation, { input: { login: ada.email, password } }, { headers: from(address) });
      await login('not the password', '203.0.113.7');
      await login('not the password', '198.51.100.8');
      await login(goodPassword, '203.0.113.7');
      await server.app.services.audit.flush();
      const admin = await openAdmin(`/audit?user=${ada.id}`);
      const rows = admin.console.rows('Events');
      await hasRows(rows, 5);
      await show(admin, 'IP address', '203.0.113.7');
      await hasRows(rows, 2);
      await admin.page.getByText('Only some kinds of event').click();
      const failed = admin.page.getByRole('checkbox', { name: 'Login failed', exact: true });
      await failed.check();
      await admin.console.press('Show');
      await hasRows(rows, 1);
      expect(await rows.textContent()).toMatch(/Login failed.*from 203\.0\.113\.7/);
      expect(await rows.getByRole('link', { name: ada.email }).count()).toBe(1);
      await show(admin, 'IP address', '');
      await hasRows(rows, 2);
      expect(new Set(await addressesIn(rows))).toEqual(new Set(['203.0.113.7', '198.51.100.8']));
      await show(admin, 'IP address', '203.0.113.9');
      await admin.console.says('No event fits.');
      await hasRows(rows, 0);
    });

    test('goes through long lists page by page, and counts what it would end', async () => {
      const ada = await someone();
      const others = Array.from({ length: 2 * pageSize + 3 }, (_, index) => `198.51.100.${index + 1}`);
      for (const address of others) await signIn(server.url, ada, from(address));
      const newestFirst = ['127.0.0.1', ...others.toReversed(), '127.0.0.1'];
      const person = await open('', ada.email);
      const admin = await openAdmin(`/all-sessions?user=${ada.id}`);
      for (const [{ page, console: own }, list] of [
        [person, 'Your sessions'],
        [admin, 'All sessions'],
      ] as const) {
        const rows = own.rows(list);
        const [newer, older] = ['Newer', 'Older'].map((name) => page.getByRole('button', { name, exact: true })) as [Locator, Locator];
        await rows.filter({ hasText: `from ${others.at(-1)}` }).waitFor();
        expect(await newer.isDisabled()).toBe(true);
        const seen = await addressesIn(rows);
        let answer = () => {};
        const mayAnswer = new Promise<void>((resolve) => {
          answer = resolve;
        });
        await page.route('**/graphql', (route) => mayAnswer.then(() => route.fallback()));
        await older.click();
        // Somebody who is impatient does not come further by it.
        await older.click({ force: true });
        answer();
        await rows.filter({ hasText: `from ${newestFirst[pageSize]}` }).waitFor();
        seen.push(...(await addressesIn(rows)));
        await older.click();
        await rows.filter({ hasText: /from 198\.51\.100\.1(?!\d)/ }).waitFor();
        seen.push(...(await addressesIn(rows)));
        expect(seen).toEqual(newestFirst);
        expect(await older.isDisabled()).toBe(true);
        await newer.click();
        await hasRows(rows, pageSize);
        expect(await addressesIn(rows)).toEqual(newestFirst.slice(pageSize, 2 * pageSize));
        await page.getByText('Page 2', { exact: true }).waitFor();
      }
      await admin.console.press('End all that fit …');
      const dialog = admin.page.getByRole('dialog');
      await dialog.getByText('45 sessions would be ended, the newest of them:').waitFor();
      expect(await addressesIn(admin.console.rows('Sample'))).toEqual(newestFirst.slice(0, 5));
      await dialog.getByRole('button', { name: 'Cancel' }).click();

      await person.console.press('End all others');
      await person.console.press('End the others');
      await person.console.says('44 sessions were ended.');
      await hasRows(person.console.rows('Your sessions'), 1);
      expect(await person.page.getByRole('navigation', { name: 'Pages of your sessions' }).count()).toBe(0);
      expect(await person.misdeeds()).toEqual(isBlameless);
      expect(await admin.misdeeds()).toEqual(isBlameless);
    });

    test('says where nothing fits', async () => {
      const admin = await openAdmin('/users');
      await show(admin, 'Address or username begins with', 'nobody-of-that-name', 'Search');
      await admin.console.says('Nobody fits.');
      await admin.console.goTo('All sessions');
      await show(admin, 'IP address', '192.0.2.99');
      await admin.console.says('No session fits.');
      await admin.console.press('End all that fit …');
      await admin.console.says('No active session fits that you may end.');
    });

    test('shows until when an account is disabled; it is enabled by hand, or when that has come', async () => {
      const ada = await someone();
      const person = await open('', ada.email);
      const admin = await openAdmin(`/users/${ada.id}`);
      const state = admin.page.getByRole('region', { name: 'Account' });
      const disable = async (until: string) => {
        await admin.page.getByLabel('Until (optional)').fill(until);
        await admin.console.press('Disable');
      };
      await admin.console.press('Disable …');
      await disable('2001-01-01T00:00');
      await admin.console.says('The end is not acceptable.');
      await disable('2099-01-02T10:00');
      await person.console.says('This session was ended because the account was disabled.');
      await state.getByText(/^disabled .+, enabled again in \d+ years$/).waitFor();
      const [, again] = await Promise.all(
        (await state.locator('dd').last().locator('time').all()).map((time) => time.getAttribute('datetime')),
      );
      expect(Date.parse(again ?? '')).toBe(Date.parse('2099-01-02T10:00'));
      await admin.console.press('Enable …');
      await admin.console.press('Enable');
      await state.getByText('enabled', { exact: true }).waitFor();
      await person.console.signIn({ email: ada.email, password: goodPassword });
      await person.console.shows('Your sessions');

      await admin.console.press('Disable …');
      await disable(asEntered(Date.now() + 3 * hour));
      await state.getByText(/^disabled .+, enabled again in 3 hours$/).waitFor();
      await person.console.signIn({ email: ada.email, password: goodPassword });
      await person.console.says('This account is disabled.');
      // On MongoDB a clock that was moved goes at half speed for a while.
      server.advanceClock(8 * hour);
      await person.console.signIn({ email: ada.email, password: goodPassword });
      await person.console.shows('Your sessions');
      await admin.page.reload();
      await state.getByText('enabled', { exact: true }).waitFor();
    });
  });
});
