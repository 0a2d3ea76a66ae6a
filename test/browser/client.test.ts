import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';
import type { AuthClient } from 'latchkey-client';
import type { BrowserContext, Page } from 'playwright-core';
import { projectPath } from '../architecture/project.js';
import { describeInBrowser } from '../support/browser.js';
import { post, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';

jest.setTimeout(120_000);

const hour = 3_600_000;
declare const auth: AuthClient;

/** The example of the manual, and a page with nothing but a client; both ask the server at that address. */
async function scriptsFor(api: string): Promise<Readonly<Record<string, string>>> {
  const bundle = async (contents: string, loader: 'ts' | 'tsx') => {
    const { outputFiles } = await build({
      stdin: { contents: contents.replaceAll('https://auth.example.com/graphql', api), resolveDir: projectPath('client/example'), loader },
      bundle: true,
      write: false,
      format: 'esm',
      jsx: 'automatic',
      // The example names its files as Node does.
      plugins: [
        {
          name: 'tsx',
          setup: (own) => own.onResolve({ filter: /^\.\/sign-in\.js$/ }, () => ({ path: projectPath('client/example/sign-in.tsx') })),
        },
      ],
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    return outputFiles[0]?.text ?? '';
  };
  const bare = `import { createAuthClient } from 'latchkey-client';
    globalThis.auth = createAuthClient({ uri: 'https://auth.example.com/graphql', transport: 'cookie' });`;
  const example = readFileSync(projectPath('client/example/app.tsx'), 'utf8');
  return { '/app.js': await bundle(example, 'tsx'), '/bare.js': await bundle(bare, 'ts') };
}

let scripts: Readonly<Record<string, string>> = {};
const site = createServer(({ url = '/' }, response) => {
  const script = scripts[url];
  response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
  response.end(script ?? `<!doctype html><title>page</title><body><script type="module" src="${url}.js"></script>`);
});
let server: TestServer;
let origin = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  server = await startServer('sqlite::memory:', { LATCHKEY_ALLOWED_ORIGINS: origin });
  scripts = await scriptsFor(server.url);
});
afterAll(() => void site.close());

let people = 0;
async function somebody(): Promise<string> {
  people += 1;
  const email = `browser${people}@example.com`;
  await post(server.url, signupMutation, { input: { email, password: goodPassword } });
  return email;
}
const refreshesIn = (context: BrowserContext) => {
  const counted = { refreshes: 0 };
  context.on('request', (request) => {
    if (request.postData()?.includes('mutation RefreshToken')) counted.refreshes += 1;
  });
  return counted;
};
async function signIn(page: Page, login: string, password = goodPassword): Promise<void> {
  await page.getByLabel('Email or username').fill(login);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describeInBrowser('latchkey-client, in Chromium', (browser) => {
  test('the example of the manual lets in who signs in, keeps every tab in step, and says why somebody is out', async () => {
    const email = await somebody();
    const { page, context } = await browser.open(`${origin}/app`);
    const isIn = (tab: Page) => tab.getByRole('button', { name: `Sign out ${email}` }).waitFor();
    await signIn(page, email, 'a wrong password');
    await page.getByText('The login or the password is wrong.').waitFor();
    await signIn(page, email);
    await isIn(page);

    const counted = refreshesIn(context);
    const other = await context.newPage();
    await other.goto(`${origin}/app`);
    await isIn(other);
    expect(counted.refreshes).toBe(0);

    await other.close();
    await page.reload();
    await isIn(page);
    expect(counted.refreshes).toBe(1);

    const third = await context.newPage();
    await third.goto(`${origin}/app`);
    await isIn(third);
    await third.getByRole('button', { name: 'Sign out' }).click();
    for (const tab of [page, third]) await tab.getByText('You were signed out: LOGOUT').waitFor();

    const next = await somebody();
    await signIn(page, next);
    for (const tab of [page, third]) await tab.getByRole('button', { name: `Sign out ${next}` }).waitFor();
  });

  test('ten tabs whose token is refused at once make one request together, by the locks and channels of the browser', async () => {
    const email = await somebody();
    const { page, context } = await browser.open(`${origin}/bare`);
    const tabs = [page];
    for (let count = 1; count < 10; count += 1) {
      const tab = await context.newPage();
      await tab.goto(`${origin}/bare`);
      tabs.push(tab);
    }
    await page.evaluate((credentials) => auth.login(credentials), { login: email, password: goodPassword });
    await Promise.all(tabs.map((tab) => tab.evaluate(() => auth.start())));
    const counted = refreshesIn(context);
    const rounds = 3;
    for (let round = 1; round <= rounds; round += 1) {
      // One that comes to it late holds the next one by then, which nobody has refused.
      const refused = (await page.evaluate(() => auth.getAccessToken())) ?? '';
      server.advanceClock(hour);
      const tokens = await Promise.all(tabs.map((tab) => tab.evaluate((token) => auth.handleUnauthenticated(token), refused)));
      expect(new Set(tokens).size).toBe(1);
      expect(typeof tokens[0]).toBe('string');
      expect(counted.refreshes).toBe(round);
    }
  });

  test('no script of the page can find the refresh token', async () => {
    const email = await somebody();
    const { page, context } = await browser.open(`${origin}/bare`);
    await page.evaluate((credentials) => auth.login(credentials), { login: email, password: goodPassword });
    const seen = await page.evaluate(() => {
      const { document, localStorage, sessionStorage } = globalThis as unknown as Record<string, { cookie: string; length: number }>;
      return { cookie: document?.cookie, stored: (localStorage?.length ?? 0) + (sessionStorage?.length ?? 0) };
    });
    expect(seen).toEqual({ cookie: '', stored: 0 });
    expect((await context.cookies(server.url)).map(({ name, httpOnly }) => ({ name, httpOnly }))).toEqual([
      { name: 'latchkey', httpOnly: true },
    ]);
  });
});
