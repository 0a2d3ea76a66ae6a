import { afterEach, expect, jest, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { ConsolePage, type Credentials } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { loginMutation, post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';
import { describeStores } from '../support/stores.js';

// No measure of anything: a slow machine with forty processes of a browser takes its time.
jest.setTimeout(1_200_000);

const hour = 2.5 * 3_600_000;

interface Machine {
  /** Milliseconds that this machine's clocks have leapt since its tabs were opened. */
  leap: number;
  /** While the machine sleeps, nothing leaves it. */
  isAsleep: boolean;
  /** How often it was put to sleep. */
  naps: number;
  /** How many answers the tab has had that say who it is. */
  answers: number;
}
declare const window: Machine;
declare const document: { dispatchEvent(event: unknown): void };
declare const Navigator: { prototype: object };
declare class Event {
  constructor(name: string);
}

/** Runs in each tab before its scripts: a machine that can sleep, and a count of what the server has said. */
function sleepyMachine(): void {
  Object.assign(window, { leap: 0, naps: 0, isAsleep: false, answers: 0 });
  const { now } = Date;
  const monotonic = performance.now.bind(performance);
  Date.now = () => now() + window.leap;
  performance.now = () => monotonic() + window.leap;
  const send = fetch;
  globalThis.fetch = async (...call) => {
    while (window.isAsleep) await new Promise((resolve) => setTimeout(resolve, 5));
    const { naps } = window;
    const response = await send(...call);
    const { data } = (await response.clone().json()) as { data?: { me?: unknown } };
    // Not by a question from before the sleep.
    if (data?.me && naps === window.naps) window.answers += 1;
    return response;
  };
}

function withoutLocks(): void {
  Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
}

/** All tabs of a machine have the same clocks: none wakes before all have leapt. */
async function sleepAndWake(tabs: readonly Page[], leap: number, meanwhile: () => void): Promise<void> {
  const fallAsleep = (milliseconds: number) => {
    window.isAsleep = true;
    window.naps += 1;
    window.leap += milliseconds;
  };
  await Promise.all(tabs.map((tab) => tab.evaluate(fallAsleep, leap)));
  meanwhile();
  await Promise.all(tabs.map((tab) => tab.evaluate(wake)));
}

/** Resolves when the server has told the tab who it is. */
async function wake(): Promise<void> {
  const before = window.answers;
  window.isAsleep = false;
  document.dispatchEvent(new Event('visibilitychange'));
  while (window.answers === before) await new Promise((resolve) => setTimeout(resolve, 5));
}

const refreshesIn = (context: BrowserContext): { count: number } => {
  const refreshes = { count: 0 };
  context.on('request', (request) => {
    if (request.postData()?.includes('mutation RefreshToken')) refreshes.count += 1;
  });
  return refreshes;
};

async function allAreIn(tabs: readonly Page[]): Promise<void> {
  for (const tab of tabs) expect(await tab.getByRole('heading', { name: 'Your sessions' }).isVisible()).toBe(true);
}

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
      // The longest. Without locks each of twenty tabs asks by itself: a second rotation is right once the last comes later than the grace,
      // 10 s by default, as on a slow machine it may.
      started ??= startConsoleServer(database.url, { LATCHKEY_REFRESH_GRACE: '60s' });
      return started;
    };

    const contexts: BrowserContext[] = [];
    // Tabs that stay open go on refreshing as the clock of the server leaps.
    afterEach(async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
    });
    async function openTabs(count: number, script: () => void = () => undefined) {
      const { console: address, url } = await server();
      const { context, page } = await browser.open('about:blank');
      contexts.push(context);
      await context.addInitScript(sleepyMachine);
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
      const answer = await post(
        url,
        '{ sessions(first: 100, state: ACTIVE) { nodes { userAgent refreshCount } } }',
        {},
        { token: data.login.accessToken },
      );
      const rows: { readonly userAgent: string; readonly refreshCount: number }[] = answer.data.sessions.nodes;
      const [row, ...others] = rows.filter(({ userAgent }) => userAgent.includes('Chrome'));
      expect(others).toEqual([]);
      return row?.refreshCount ?? Number.NaN;
    }

    const fewRounds = 20;
    test('without Web Locks all stay in, and at most one rotation is counted each time', async () => {
      const { context, tabs, person } = await openTabs(20, withoutLocks);
      const { advanceClock } = await server();
      const refreshes = refreshesIn(context);
      let rotations = 0;
      for (let round = 1; round <= fewRounds; round += 1) {
        await sleepAndWake(tabs, round % 2 === 0 ? hour : 0, () => advanceClock(hour));
        const counted = await rotationsOf(person);
        expect(counted - rotations).toBeLessThanOrEqual(1);
        rotations = counted;
      }
      console.log(`${database.kind}, no locks: ${fewRounds} rounds, ${refreshes.count} refreshes, ${rotations} rotations`);
      expect(refreshes.count).toBeGreaterThan(fewRounds);
      await allAreIn(tabs);
    });

    test.each([
      [5, fewRounds],
      [20, database.kind === 'sqlite' ? 100 : fewRounds],
    ])('%i that wake at once with an expired token make one request together and all stay in, %i times in a row', async (count, rounds) => {
      const { context, tabs, person } = await openTabs(count);
      const { advanceClock } = await server();
      const refreshes = refreshesIn(context);
      const begun = performance.now();
      for (let round = 1; round <= rounds; round += 1) {
        // Half of the time the machine's clocks stand still in its sleep, and the server's refusal tells.
        await sleepAndWake(tabs, round % 2 === 0 ? hour : 0, () => advanceClock(hour));
        expect(refreshes.count).toBe(round);
      }
      console.log(
        `${database.kind}: ${count} tabs, ${rounds} rounds, ${refreshes.count} refreshes, ${Math.round((performance.now() - begun) / rounds)} ms a round`,
      );
      expect(await rotationsOf(person)).toBe(rounds);
      await allAreIn(tabs);
    });
  });
});
