import { expect, jest, test } from '@jest/globals';
import type { Page, Request } from 'playwright-core';
import { describeInBrowser, type TestBrowser } from '../support/browser.js';
import { startServer } from '../support/server.js';

jest.setTimeout(120_000);

const isBlameless = { violations: [], foreignRequests: [], errors: [] };
const token = 'lk_ot_0123456789';
const done = { data: { ok: true } };
const refusedWith = (code: string, reason?: string) => ({ data: null, errors: [{ message: 'x', extensions: { code, reason } }] });

describeInBrowser('The pages for links in mails, in Chromium', (browser) => {
  let base: Promise<string> | undefined;
  /** The page, before an API that gives these answers in turn, and what it was asked. */
  const openPage = async (opener: TestBrowser, path: string, ...answers: object[]) => {
    base ??= startServer('sqlite::memory:').then(({ url }) => url.replace('/graphql', ''));
    const watched = await opener.open(`${await base}/healthz`);
    const { page } = watched;
    const asked: { query: string; variables: Record<string, string> }[] = [];
    await page.route('**/graphql', async (route) => {
      asked.push(route.request().postDataJSON());
      const { status = 200, ...json }: { status?: number } = answers[asked.length - 1] ?? done;
      await route.fulfill({ status, json });
    });
    const urls: string[] = [];
    page.on('request', (request: Request) => void urls.push(`${request.url()} ${request.headers().referer ?? ''}`));
    await page.goto(`${await base}${path}`);
    const said = async (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
    return { ...watched, asked, urls, said };
  };
  const enter = async (page: Page, password: string, repeated = password) => {
    await page.getByLabel('New password').fill(password);
    await page.getByLabel('The same again').fill(repeated);
    await page.getByRole('button').click();
  };

  test('sets a new password, with a token that is in no address and no request but the mutation', async () => {
    const path = `/reset-password#token=${token}`;
    const opened = await openPage(browser, path, refusedWith('WEAK_PASSWORD', 'COMMON'), done);
    const { page, asked, urls, said } = opened;
    expect(page.url()).toMatch(/\/reset-password$/);
    expect(asked).toEqual([]);
    await enter(page, 'one password', 'another one');
    await said('The two passwords differ.');
    await enter(page, 'hunter22hunter22');
    await said('Choose another password. It is one of the most used passwords.');
    await enter(page, 'correct horse battery');
    await said('The password is set');
    expect(asked.map(({ variables }) => variables)).toEqual([
      { token, newPassword: 'hunter22hunter22' },
      { token, newPassword: 'correct horse battery' },
    ]);
    expect(asked[0]?.query).toContain('resetPassword(input: { token: $token, newPassword: $newPassword })');
    expect(urls.join()).not.toContain(token);
    expect(await page.getByRole('link', { name: 'Go on to your account' }).getAttribute('href')).toBe('console');
    expect(await page.getByRole('button').isVisible()).toBe(false);
    expect(await opened.misdeeds()).toEqual(isBlameless);
  });

  test('confirms an address when it is told to, not before', async () => {
    const opened = await openPage(browser, `/verify-email#token=${token}`);
    expect(opened.asked).toEqual([]);
    await opened.page.getByRole('button', { name: 'Confirm the address' }).click();
    await opened.said('The address is confirmed.');
    expect(opened.asked).toEqual([{ query: 'mutation ($token: String!) { verifyEmail(token: $token) }', variables: { token } }]);
    expect(await opened.misdeeds()).toEqual(isBlameless);
  });

  test('takes an address back, and says when the link is used up', async () => {
    const opened = await openPage(browser, `/verify-email#token=${token}&purpose=revert`, refusedWith('ONE_TIME_TOKEN_INVALID'));
    expect(await opened.page.title()).toBe('Take the address back');
    await opened.page.getByRole('button', { name: 'Take the address back' }).click();
    await opened.said('This link is not good any more');
    expect(opened.asked[0]?.query).toContain('revertEmailChange(token: $token)');
    expect(opened.page.url()).not.toContain('#');
    expect(await opened.page.getByRole('link', { name: 'Go on to your account' }).getAttribute('href')).toBe('console');
  });

  test('leads from a link that is not good any more to another', async () => {
    const { page, said } = await openPage(browser, `/reset-password#token=${token}`, refusedWith('ONE_TIME_TOKEN_INVALID'));
    await enter(page, 'correct horse battery');
    await said('This link is not good any more');
    expect(await page.getByRole('link', { name: 'Ask for another link' }).getAttribute('href')).toBe('console/forgotten');
  });

  test('says that an address has another account by now, and never that something is done which is not', async () => {
    const path = `/verify-email#token=${token}`;
    const { page, said } = await openPage(browser, path, refusedWith('EMAIL_TAKEN'), { data: null }, {}, { ...done, status: 502 }, done);
    const confirm = page.getByRole('button', { name: 'Confirm the address' });
    await confirm.click();
    await said('The address has another account by now.');
    for (let count = 0; count < 3; count += 1) {
      await confirm.click();
      await said('That did not work. Try again later.');
    }
    await confirm.click();
    await said('The address is confirmed.');
  });

  test('asks for nothing without a token', async () => {
    const opened = await openPage(browser, '/reset-password');
    await opened.said('This link is not complete.');
    expect(await opened.page.getByRole('button').isVisible()).toBe(false);
  });
});
