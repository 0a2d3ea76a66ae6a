import { describe, expect, jest, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { describeInBrowser, type WatchedPage } from '../support/browser.js';
import { ConsolePage, type Credentials } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { loginMutation, post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(400_000);

const hour = 2.5 * 3_600_000;

interface Machine {
  /** Milliseconds that this machine's clocks have leapt since its tabs were opened. */
  leap?: number;
  /** How many answers the tab has had that say who it is. */
  answers?: number;
}
declare const window: Machine & { dispatchEvent(event: unknown): void };
declare const document: { dispatchEvent(event: unknown): void };
declare const Navigator: { prototype: object };
declare class Event {
  constructor(name: string);
}

/** Runs in each tab before its scripts: a machine whose clocks can be moved, and a count of what the server has said. */
function moveableClocks(): void {
  window.leap = 0;
  window.answers = 0;
  const { now } = Date;
  const monotonic = performance.now.bind(performance);
  Date.now = () => now() + (window.leap ?? 0);
  performance.now = () => monotonic() + (window.leap ?? 0);
  const ask = fetch;
  globalThis.fetch = async (...call) => {
    const response = await ask(...call);
    const { data } = (await response.clone().json()) as { data?: { me?: unknown } };
    if (data?.me) window.answers = (window.answers ?? 0) + 1;
    return response;
  };
}

function withoutLocks(): void {
  Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
}

/** The machine wakes up: its clocks have gone on, or stood still. Resolves when the server has told the tab who it is. */
const wake = (tab: Page, leap: number) =>
  tab.evaluate(async (milliseconds) => {
    window.leap = (window.leap ?? 0) + milliseconds;
    const before = window.answers ?? 0;
    document.dispatchEvent(new Event('visibilitychange'));
    while ((window.answers ?? 0) === before) await new Promise((resolve) => setTimeout(resolve, 5));
  }, leap);

const refreshesIn = (context: BrowserContext): { count: number } => {
  const refreshes = { count: 0 };
  context.on('request', (request) => {
    if (request.postData()?.includes('mutation RefreshToken')) refreshes.count += 1;
  });
  return refreshes;
};

let people = 0;
async function signedUp(url: string): Promise<Credentials> {
  people += 1;
  const person = { email: `tabs${people}-${process.pid}@example.com`, password: goodPassword };
  await post(url, signupMutation, { input: person });
  return person;
}

describeStores('Tabs of the console', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    let started: ReturnType<typeof startConsoleServer> | undefined;
    const server = () => {
      started ??= startConsoleServer(database.url);
      return started;
    };

    async function openTabs(count: number, script: () => void = () => undefined) {
      const { console: address, url } = await server();
      const { context, page } = await browser.open('about:blank');
      await context.addInitScript(moveableClocks);
      await context.addInitScript(script);
      const person = await signedUp(url);
      const tabs = [page];
      while (tabs.length < count) tabs.push(await context.newPage());
      await page.goto(address);
      await new ConsolePage(page).signIn(person);
      await Promise.all(tabs.slice(1).map((tab) => tab.goto(address)));
      await Promise.all(tabs.map((tab) => new ConsolePage(tab).shows('Your sessions')));
      return { context, tabs, person };
    }
    /** As the store has counted them, of the one session in this browser. */
    async function rotationsOf({ email, password }: Credentials): Promise<number> {
      const { url } = await server();
      const { data } = await post(url, loginMutation, { input: { login: email, password } });
      const { accessToken: token, session } = data.login;
      const answer = await post(url, '{ sessions { nodes { id refreshCount } } }', {}, { token });
      const others = answer.data.sessions.nodes.filter(({ id }: { id: string }) => id !== session.id);
      await post(url, 'mutation { logout }', {}, { token });
      expect(others).toHaveLength(1);
      return others[0].refreshCount;
    }

    test.each([
      [5, 100],
      [20, 100],
    ])('%i that wake at once with an expired token make one request together and all stay in, %i times in a row', async (count, rounds) => {
      const { context, tabs, person } = await openTabs(count);
      const refreshes = refreshesIn(context);
      const begun = performance.now();
      for (let round = 1; round <= rounds; round += 1) {
        (await server()).advanceClock(hour);
        // Half of the time the machine's clocks have stood still in its sleep, and the server's refusal tells.
        await Promise.all(tabs.map((tab) => wake(tab, round % 2 === 0 ? hour : 0)));
        expect(refreshes.count).toBe(round);
      }
      console.log(
        `${database.kind}: ${count} tabs, ${rounds} rounds, ${refreshes.count} refreshes, ${Math.round((performance.now() - begun) / rounds)} ms a round`,
      );
      expect(await rotationsOf(person)).toBe(rounds);
      for (const tab of tabs) expect(await tab.getByRole('heading', { name: 'Your sessions' }).isVisible()).toBe(true);
    });
  });
});
