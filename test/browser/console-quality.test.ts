import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { source } from 'axe-core';
import type { Page } from 'playwright-core';
import { projectPath } from '../architecture/project.js';
import { describeInBrowser } from '../support/browser.js';
import { ConsolePage } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';

jest.setTimeout(600_000);

const mostBytes = 250_000;

/** The files that the page names itself, and what its scripts import before anything is asked for. */
function firstScripts(): string[] {
  const html = readFileSync(projectPath('dist/console/page.html'), 'utf8');
  const found = [...html.matchAll(/__CONSOLE__assets\/([\w.-]+\.js)/g)].map(([, name = '']) => name);
  for (const name of found) {
    const text = readFileSync(projectPath(`dist/console/assets/${name}`), 'utf8');
    for (const [, imported = ''] of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
      if (!found.includes(imported)) found.push(imported);
  }
  return found;
}

describe('the page of the console', () => {
  test('loads little before it shows: the explorer is not among it', () => {
    const scripts = firstScripts().map((name) => {
      const compressed = readFileSync(projectPath(`dist/console/assets/${name}.gz`));
      return { name, bytes: compressed.length, text: gunzipSync(compressed).toString() };
    });
    const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0);
    console.log(`first load: ${Math.ceil(bytes / 1000)} kB of JavaScript, compressed, in ${scripts.length} files`);
    expect(scripts.length).toBeGreaterThan(1);
    expect(bytes).toBeLessThan(mostBytes);
    expect(scripts.filter(({ text }) => text.includes('graphiql')).map(({ name }) => name)).toEqual([]);
  });
});

interface Axe {
  run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { target: unknown; failureSummary: string }[] }[] }>;
}

/** What axe finds that is serious or critical, in the page as it is. */
async function faultsOf(page: Page): Promise<object[]> {
  await page.addScriptTag({ content: source });
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run({ exclude: [['.graphiql-container']] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => ({ id, nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary })) }));
}

describeInBrowser('The console, for everybody', (browser) => {
  let server: Awaited<ReturnType<typeof startConsoleServer>>;
  const root = { email: 'root@example.com', password: goodPassword };
  beforeAll(async () => {
    server = await startConsoleServer('sqlite::memory:');
    const { data } = await post(server.url, signupMutation, { input: { email: root.email, password: root.password } });
    await server.app.services.accounts.grantRole(root.email, 'admin');
    userId = data.signup.auth.user.id;
  });
  let userId = '';
  afterAll(async () => server.close());

  const entries: readonly [path: string, title: string][] = [
    ['', 'Sign in'],
    ['/sign-up', 'Sign up'],
    ['/forgotten', 'Forgotten password'],
    ['/check-mail', 'Check your mail'],
  ];
  const views = (): readonly [path: string, title: string][] => [
    ['', 'Your sessions'],
    ['/activity', 'Activity'],
    ['/account', 'Account'],
    ['/users', 'Users'],
    [`/users/${userId}`, root.email],
    ['/all-sessions', 'All sessions'],
    ['/audit', 'Audit log'],
    ['/sandbox', 'Sandbox'],
    ['/nothing', 'Nothing here'],
  ];
  /** Where the network has gone quiet, lists are there. */
  const goTo = async (page: Page, [path, title]: readonly [string, string]) => {
    await page.goto(`${server.console}${path}`);
    const own = new ConsolePage(page);
    await own.shows(title);
    await own.loaded();
  };

  test.each(['light', 'dark'] as const)('axe finds nothing serious in any view, %s', async (colorScheme) => {
    // What is injected for the test needs a way past the policy; the policy itself is held by the other tests.
    const { page } = await browser.open('about:blank', { bypassCSP: true, colorScheme, reducedMotion: 'reduce' });
    const own = new ConsolePage(page);
    const found: Record<string, object[]> = {};
    for (const entry of entries) {
      await goTo(page, entry);
      found[entry[1]] = await faultsOf(page);
    }
    await page.goto(server.console);
    await own.signIn(root);
    await own.shows('Your sessions');
    for (const view of views()) {
      await goTo(page, view);
      found[view[1]] = await faultsOf(page);
    }
    await page.goto(server.console);
    await own.press('End all');
    await page.getByRole('dialog').waitFor();
    found['a dialog'] = await faultsOf(page);
    expect(Object.fromEntries(Object.entries(found).filter(([, faults]) => faults.length > 0))).toEqual({});
    expect(Object.keys(found)).toHaveLength(entries.length + views().length + 1);
  });

  test('fits a screen of 360 pixels, without anything to scroll sideways', async () => {
    const { page } = await browser.open(server.console, { viewport: { width: 360, height: 740 } });
    const own = new ConsolePage(page);
    await own.signIn(root);
    await own.shows('Your sessions');
    const wide: string[] = [];
    for (const view of views()) {
      await goTo(page, view);
      const width = await page.evaluate(
        () => (globalThis as unknown as { document: { documentElement: { scrollWidth: number } } }).document.documentElement.scrollWidth,
      );
      if (width > 360) wide.push(`${view[1]}: ${width}`);
    }
    expect(wide).toEqual([]);
  });

  test('can be used by the keyboard: to sign in, and in a dialog, which gives the focus back', async () => {
    const { page } = await browser.open(server.console);
    const own = new ConsolePage(page);
    await own.shows('Sign in');
    const focused = () =>
      page.evaluate(() => {
        const { activeElement } = (globalThis as unknown as { document: { activeElement: { name?: string; textContent: string } } })
          .document;
        return activeElement.name || activeElement.textContent;
      });
    for (let count = 0; count < 10 && (await focused()) !== 'login'; count += 1) await page.keyboard.press('Tab');
    await page.keyboard.type(root.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(root.password);
    await page.keyboard.press('Enter');
    await own.shows('Your sessions');
    await page.getByRole('button', { name: 'End all', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'End all sessions?' }).waitFor();
    expect(await focused()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('End all');
  });

  test('is there soon', async () => {
    const { page } = await browser.open('about:blank');
    await page.goto(server.console);
    await new ConsolePage(page).shows('Sign in');
    // It is entered once the frame is on the screen.
    await page.waitForFunction(() => {
      const { performance: clock } = globalThis as unknown as { performance: { getEntriesByName(name: string): unknown[] } };
      return clock.getEntriesByName('first-contentful-paint').length > 0;
    });
    const painted = await page.evaluate(() => {
      const { performance: clock } = globalThis as unknown as {
        performance: { getEntriesByName(name: string): { startTime: number }[]; now(): number };
      };
      return {
        firstPaintMs: Math.round(clock.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1),
        formMs: Math.round(clock.now()),
      };
    });
    console.log(`first paint after ${painted.firstPaintMs} ms, the form within ${painted.formMs} ms`);
    expect(painted.firstPaintMs).toBeGreaterThan(0);
  });
});
