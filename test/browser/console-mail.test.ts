import { beforeAll, expect, jest, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startMailingConsoleServer } from '../support/console-server.js';
import { linkIn, type MailServer, startMailServer } from '../support/mail-server.js';
import { followBeside, type OpenConsole, openConsole, openConsoleAs } from '../support/open-console.js';
import { aPerson } from '../support/people.js';
import { goodPassword } from '../support/server.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(120_000);

const nextPassword = 'another horse battery';
const isBlameless = { violations: [], foreignRequests: [], errors: [] };

/** At the page that a link leads to. */
async function choosePassword(page: Page, password: string): Promise<void> {
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The same again').fill(password);
  await page.getByRole('button', { name: 'Set the password' }).click();
}
const said = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
const factsOf = ({ page }: OpenConsole) => page.getByRole('region', { name: 'What is known of you' });

describeStores('The console, by the mails that a mail server gets', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    let mail: MailServer;
    let server: Awaited<ReturnType<typeof startMailingConsoleServer>>;
    beforeAll(async () => {
      mail = await startMailServer();
      server = await startMailingConsoleServer(database.url, mail);
    });
    const link = async (to: string, subject: string) => linkIn(await mail.letter(to, subject));
    const someone = () => aPerson(server.url);

    test('sets a new password by the link that somebody who forgot it asked for, and the open session says why it ended', async () => {
      const { email } = await someone();
      const elsewhere = await openConsoleAs(browser, server.console, email);
      await elsewhere.console.shows('Your sessions');
      const opened = await openConsole(browser, server.console);
      const { console: own, page } = opened;
      await page.getByRole('link', { name: 'Forgotten your password?' }).click();
      await own.shows('Forgotten password');
      await page.getByLabel('Email').fill(email.toUpperCase());
      await own.press('Send the mail');
      await own.shows('Check your mail');

      const reset = await link(email, 'Set a new password');
      await page.goto(reset);
      expect(page.url()).toBe(new URL('/reset-password', server.url).href);
      await choosePassword(page, nextPassword);
      await said(page, 'The password is set, and every session was ended.');
      await elsewhere.console.says('This session was ended because the password was reset.');
      await page.getByRole('link', { name: 'Go on to your account' }).click();
      await own.signIn({ email, password: goodPassword });
      await own.says('That is not right');
      await own.signIn({ email, password: nextPassword });
      await own.shows('Your sessions');
      await own.rows('Your sessions').first().waitFor();
      expect(await own.rows('Your sessions').count()).toBe(1);
      await mail.letter(email, 'Your password was changed');

      await page.goto(reset);
      await choosePassword(page, 'yet another horse battery');
      await said(page, 'This link is not good any more');
      await elsewhere.console.signIn({ email, password: nextPassword });
      await elsewhere.console.shows('Your sessions');
      expect(await elsewhere.misdeeds()).toEqual(isBlameless);
    });

    test('verifies the address of an account by a link that its view asks for, and shows so when the person comes back to it', async () => {
      const { email } = await someone();
      const opened = await openConsoleAs(browser, server.console, email);
      await opened.console.goTo('Account');
      await factsOf(opened).getByText('not verified', { exact: true }).waitFor();
      await opened.console.press('Send the mail');
      await opened.console.says('The mail is on its way. Follow the link in it.');
      await followBeside(opened, await link(email, 'Confirm your address'), 'Confirm the address', 'The address is confirmed.');
      await factsOf(opened).getByText('verified', { exact: true }).waitFor();
      expect(await opened.page.getByRole('region', { name: 'Verify your email address' }).count()).toBe(0);
      expect(await opened.misdeeds()).toEqual(isBlameless);
    });

    test('shows in the view what a link did that was followed on another device', async () => {
      const { email } = await someone();
      const opened = await openConsoleAs(browser, server.console, email);
      await opened.console.goTo('Account');
      await opened.console.press('Send the mail');
      await opened.console.goTo('Activity');
      const telephone = await browser.open(await link(email, 'Confirm your address'));
      await telephone.page.getByRole('button', { name: 'Confirm the address' }).click();
      await said(telephone.page, 'The address is confirmed.');
      await opened.console.goTo('Account');
      await factsOf(opened).getByText('verified', { exact: true }).waitFor();
    });

    test('changes the address by a link to the new one, and the mail to the old one has the way back', async () => {
      const { email } = await someone();
      const wanted = `new.${email}`;
      const opened = await openConsoleAs(browser, server.console, email);
      const { console: own, page } = opened;
      await own.goTo('Account');
      const form = page.getByRole('region', { name: 'Change email address' });
      await form.getByLabel('New email address').fill(wanted);
      await form.getByLabel('Your password').fill('not the password');
      await own.press('Change email address');
      await own.says('That is not right');
      await form.getByLabel('Your password').fill(goodPassword);
      await own.press('Change email address');
      await own.says('A mail is on its way to the new address.');
      const told = await mail.letter(email, 'Your address is about to change');
      expect(told.message.text).not.toContain(wanted);
      expect(await factsOf(opened).textContent()).not.toContain(wanted);

      await followBeside(opened, await link(wanted, 'Confirm your new address'), 'Confirm the address', 'The address is confirmed.');
      await factsOf(opened).getByText(wanted).waitFor();
      await page.getByRole('banner').getByText(wanted).waitFor();

      const back = await browser.open(await link(email, 'Your address was changed'));
      await back.page.getByRole('heading', { name: 'Take the address back' }).waitFor();
      await back.page.getByRole('button', { name: 'Take the address back' }).click();
      await said(back.page, 'The address is yours again, and every session was ended.');
      await own.says('This session was ended because the email address was changed.');
      for (const login of [wanted, email]) {
        await own.signIn({ email: login, password: goodPassword });
        await own.says('That is not right');
      }
      await back.page.goto(await link(email, 'Set a new password'));
      await choosePassword(back.page, nextPassword);
      await said(back.page, 'The password is set');
      await own.signIn({ email, password: nextPassword });
      await own.goTo('Account');
      await factsOf(opened).getByText(email).waitFor();
      expect(await factsOf(opened).textContent()).not.toContain(wanted);
    });

    test('makes an account that has no password until its person chose one by the mailed link', async () => {
      const [root, { email: known }] = [await someone(), await someone()];
      await server.app.services.accounts.grantRole(root.email, 'admin');
      const admin = await openConsoleAs(browser, `${server.console}/users`, root.email);
      const email = `hired.${root.email}`;
      await admin.console.press('New user …');
      const dialog = admin.page.getByRole('dialog', { name: 'New user' });
      await dialog.getByLabel('Email of the user').fill(known);
      await admin.console.press('Create');
      await dialog.getByText('This email address already has an account.').waitFor();
      await dialog.getByLabel('Email of the user').fill(email);
      await dialog.getByRole('checkbox', { name: /^support / }).check();
      await admin.console.press('Create');
      await admin.console.shows(email);
      const account = admin.page.getByRole('region', { name: 'Account' });
      await account.getByText('not verified', { exact: true }).waitFor();

      const { page } = await browser.open(await link(email, 'An account was made for you'));
      await choosePassword(page, goodPassword);
      await said(page, 'The password is set');
      await page.getByRole('link', { name: 'Go on to your account' }).click();
      const hired = new ConsolePage(page);
      await hired.signIn({ email, password: goodPassword });
      await hired.goTo('Users');
      await admin.page.reload();
      await account.getByText('verified', { exact: true }).waitFor();
      expect(await account.textContent()).not.toContain('never');
      expect(await admin.misdeeds()).toEqual(isBlameless);
    });

    test('sends somebody a link for a new password, and the present one stays good until it is followed', async () => {
      const [root, ada] = [await someone(), await someone()];
      await server.app.services.accounts.grantRole(root.email, 'admin');
      const person = await openConsoleAs(browser, server.console, ada.email);
      const admin = await openConsoleAs(browser, `${server.console}/users/${ada.id}`, root.email);
      await admin.console.press('Send password reset …');
      await admin.console.press('Send the mail');
      await admin.console.says('The mail is on its way.');
      const reset = await link(ada.email, 'Set a new password');
      await person.page.reload();
      await person.console.shows('Your sessions');
      const { page } = await browser.open(reset);
      await choosePassword(page, nextPassword);
      await said(page, 'The password is set');
      await person.console.says('This session was ended because the password was reset.');
      await person.console.signIn({ email: ada.email, password: nextPassword });
      await person.console.shows('Your sessions');
    });

    test('signs nobody up before the address is verified, where that is required', async () => {
      const strict = await startMailingConsoleServer(database.url, mail, { LATCHKEY_EMAIL_VERIFICATION: 'required' });
      const { email: known } = await someone();
      const email = `verified.${known}`;
      const opened = await openConsole(browser, strict.console);
      const { console: own, page } = opened;
      await own.signUp({ email, password: goodPassword });
      await own.shows('Check your mail');
      expect(await opened.context.cookies()).toEqual([]);
      await page.getByRole('link', { name: 'To sign in' }).click();
      await own.signIn({ email, password: nextPassword });
      await own.says('That is not right');
      await own.signIn({ email, password: goodPassword });
      await own.says('Verify your email address first');
      expect(await opened.context.cookies()).toEqual([]);

      await page.goto(await link(email, 'Confirm your address'));
      await page.getByRole('button', { name: 'Confirm the address' }).click();
      await said(page, 'The address is confirmed.');
      await page.getByRole('link', { name: 'Go on to your account' }).click();
      await own.signIn({ email, password: goodPassword });
      await own.goTo('Account');
      await factsOf(opened).getByText('verified', { exact: true }).waitFor();

      // Whether an address has an account is told to nobody but its owner.
      const other = await openConsole(browser, strict.console);
      await other.console.signUp({ email: known, password: goodPassword });
      await other.console.shows('Check your mail');
      await mail.letter(known, 'You have an account already');
      // It signed up where that is not required, and so is not verified: here it may not sign in.
      await other.page.getByRole('link', { name: 'To sign in' }).click();
      await other.console.signIn({ email: known, password: goodPassword });
      await other.console.says('Verify your email address first');
      await other.console.press('Send the mail again');
      await other.console.shows('Check your mail');
      await other.page.goto(await link(known, 'Confirm your address'));
      await other.page.getByRole('button', { name: 'Confirm the address' }).click();
      await said(other.page, 'The address is confirmed.');
      await other.page.goto(strict.console);
      await other.console.signIn({ email: known, password: goodPassword });
      await other.console.shows('Your sessions');
    });
  });
});
