import { expect, jest, test } from '@jest/globals';
import { describeInBrowser, type TestBrowser, type WatchedPage } from '../support/browser.js';
import { SandboxPage } from '../support/sandbox-page.js';
import { startServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(120_000);

const isBlameless = { violations: [], foreignRequests: [], errors: [] };

interface OpenSandbox extends WatchedPage {
  readonly sandbox: SandboxPage;
}

async function openSandbox(browser: TestBrowser, url: string): Promise<OpenSandbox> {
  const watched = await browser.open(url);
  const sandbox = new SandboxPage(watched.page);
  await sandbox.ready();
  return { ...watched, sandbox };
}

async function runExample(sandbox: SandboxPage, title: string, operationName: string) {
  await sandbox.openExample(title, operationName);
  return sandbox.run();
}
const signUp = (sandbox: SandboxPage) => runExample(sandbox, 'Sign up', 'SignUp');
const signIn = (sandbox: SandboxPage) => runExample(sandbox, 'Sign in from a second device', 'SignIn');
const whoAmI = (sandbox: SandboxPage) => runExample(sandbox, 'Who am I?', 'WhoAmI');

/** All that could outlive the page. */
const kept = async ({ page, context }: WatchedPage) => ({
  inPage: await page.evaluate(async () => {
    const { localStorage, sessionStorage, indexedDB } = globalThis as unknown as {
      localStorage: { length: number };
      sessionStorage: { length: number };
      indexedDB: { databases(): Promise<unknown[]> };
    };
    return [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length];
  }),
  cookies: await context.cookies(),
});

describeStores('The sandbox', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    test('leads from an empty server to an ended session, without a fault and without another host', async () => {
      const opened = await openSandbox(browser, (await startServer(database.url)).url);
      const { sandbox, page } = opened;
      expect(await page.title()).toBe('Latchkey sandbox');

      const { data: signedUp } = await signUp(sandbox);
      const first = signedUp as { signup: { auth: { accessToken: string; user: { email: string } } } };
      expect(first.signup.auth.user.email).toBe('ada@example.com');
      expect(await sandbox.identities()).toEqual([expect.stringContaining('session 1: ada@example.com'), 'nobody (no token)']);

      const { data: me } = await whoAmI(sandbox);
      expect(me).toMatchObject({ me: { email: 'ada@example.com', sessions: { totalCount: 1, nodes: [{ isCurrent: true }] } } });

      await signIn(sandbox);
      expect(await sandbox.identities()).toHaveLength(3);
      const { data: listed } = await runExample(sandbox, 'My sessions', 'MySessions');
      expect(listed).toMatchObject({ sessions: { totalCount: 2, nodes: [{ isCurrent: true }, { isCurrent: false }] } });

      const { data: ended } = await runExample(sandbox, 'End the other session', 'EndSession');
      expect(ended).toMatchObject({ revokeSession: { state: 'REVOKED', revocationReason: 'REVOKED_BY_USER' } });
      await sandbox.identity.selectOption({ index: 0 });
      const { errors } = await runExample(sandbox, 'Ask with the ended session', 'AskWithEndedSession');
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } }]);
      expect(await sandbox.valueOf('response')).toContain('"reason": "REVOKED"');
      await page.locator('.result-window').getByText('"REVOKED"').waitFor();

      expect(await opened.misdeeds()).toEqual(isBlameless);
      expect(await kept(opened)).toEqual({ inPage: [0, 0, 0], cookies: [] });
      expect(page.url()).not.toContain('?');
    });
  });
});

describeInBrowser('The sandbox', (browser) => {
  const start = (environment: Record<string, string> = {}) => startServer('sqlite::memory:', environment);

  test('sends no token for nobody, and forgets them all on signing out of it, while the sessions go on', async () => {
    const { sandbox, page } = await openSandbox(browser, (await start()).url);
    const { data } = await signUp(sandbox);
    await sandbox.identity.selectOption('nobody (no token)');
    expect((await whoAmI(sandbox)).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'NO_TOKEN' } }]);
    await sandbox.identity.selectOption({ index: 0 });
    expect(await whoAmI(sandbox)).toMatchObject({ data: { me: { email: 'ada@example.com' } } });

    await page.getByRole('button', { name: 'Sign out of the sandbox' }).click();
    await page.getByText('Not signed in.').waitFor();
    expect((await whoAmI(sandbox)).errors).toMatchObject([{ extensions: { reason: 'NO_TOKEN' } }]);
    const { accessToken } = (data as { signup: { auth: { accessToken: string } } }).signup.auth;
    await sandbox.writeHeaders({ Authorization: `Bearer ${accessToken}` });
    expect(await sandbox.run()).toMatchObject({ data: { me: { sessions: { totalCount: 1 } } } });
  });

  test('lets an Authorization of the header editor win, in whatever case it is written, and keeps no header', async () => {
    const opened = await openSandbox(browser, (await start()).url);
    const { sandbox } = opened;
    await signUp(sandbox);
    await sandbox.openExample('Who am I?', 'WhoAmI');
    await sandbox.writeHeaders({ authorization: 'Bearer none' });
    expect((await sandbox.run()).errors).toMatchObject([{ extensions: { reason: 'INVALID' } }]);
    await sandbox.writeHeaders({ 'x-request-id': 'from-the-editor' });
    expect(await sandbox.run()).toMatchObject({ data: { me: { email: 'ada@example.com' } } });
    expect(await kept(opened)).toEqual({ inPage: [0, 0, 0], cookies: [] });
  });

  test('takes over the tokens of a refresh, and gives the same answer to a second one within the grace', async () => {
    const { sandbox } = await openSandbox(browser, (await start()).url);
    await signUp(sandbox);
    const { data: first } = await runExample(sandbox, 'Refresh the tokens', 'RefreshTokens');
    expect(first).toMatchObject({ refreshToken: { session: { refreshCount: 1 } } });
    const { data: again } = await sandbox.run();
    expect(again).toMatchObject({ refreshToken: { session: { refreshCount: 1 } } });
    const { refreshToken } = (again as { refreshToken: { refreshToken: string } }).refreshToken;
    await sandbox.openExample('Refresh the tokens', 'RefreshTokens');
    expect(JSON.parse(await sandbox.valueOf('variables'))).toEqual({ token: refreshToken });
    expect(await sandbox.identities()).toHaveLength(2);
  });

  test('shows an operation that a link brings, and does not run it', async () => {
    const query = 'mutation Linked { revokeAllSessions { count } }';
    const { url } = await start();
    const opened = await openSandbox(browser, `${url}?query=${encodeURIComponent(query)}&variables=%7B%7D`);
    expect(await opened.sandbox.valueOf('operation')).toBe(query);
    expect(await opened.sandbox.valueOf('response')).toBe('');
    expect((await opened.sandbox.run()).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  test('knows the descriptions of the schema, and shows them', async () => {
    const { sandbox, page } = await openSandbox(browser, (await start()).url);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Mutation', exact: true }).click();
    await page.getByRole('link', { name: 'revokeSession', exact: true }).click();
    await page.getByText('Ends one session').waitFor();
    await page.getByRole('button', { name: 'Show Examples' }).click();
    expect(await runExample(sandbox, 'All error codes', 'ErrorCodes')).toMatchObject({
      data: { __type: { enumValues: expect.any(Array) } },
    });
  });

  test('is watched: a script, a style and a request of another host would be noticed', async () => {
    const opened = await openSandbox(browser, (await start()).url);
    await opened.page.evaluate(async () => {
      const { document, fetch } = globalThis as unknown as {
        document: { createElement(name: string): { textContent: string }; body: { append(element: unknown): void } };
        fetch(url: string): Promise<unknown>;
      };
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      document.body.append(script);
      await fetch('http://other.test/').catch(() => null);
    });
    const { violations } = await opened.misdeeds();
    expect(violations).toEqual(
      expect.arrayContaining(['script-src-elem: inline', expect.stringContaining('connect-src: http://other.test')]),
    );
    expect(await opened.page.evaluate(() => 'injected' in globalThis)).toBe(false);
  });
});
