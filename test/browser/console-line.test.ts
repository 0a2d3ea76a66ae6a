import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { BrowserContext, WebSocket } from 'playwright-core';
import { describeInBrowser } from '../support/browser.js';
import { ConsolePage, type Credentials } from '../support/console-page.js';
import { startConsoleServer } from '../support/console-server.js';
import { type Line, startLine } from '../support/line.js';
import { loginMutation, post, signupMutation } from '../support/requests.js';
import { goodPassword } from '../support/server.js';
import { describeStores } from '../support/stores.js';

jest.setTimeout(120_000);

/** On MongoDB the clock that was moved goes at half speed until the database's has come up with it. */
const hour = 2.5 * 3_600_000;

declare const document: { documentElement: { dataset: { seen?: string } }; dispatchEvent(event: unknown): void };
declare const Document: { prototype: object };
declare class Event {
  constructor(name: string);
}

const refreshesIn = (context: BrowserContext): { count: number } => {
  const refreshes = { count: 0 };
  context.on('request', (request) => {
    if (request.postData()?.includes('mutation RefreshToken')) refreshes.count += 1;
  });
  return refreshes;
};

/** Runs in the page before its scripts: a machine whose clock was set wrong. */
function wrongClock(offset: number): void {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given: []) {
      super(...(given.length > 0 ? given : ([Real.now() + offset] as unknown as [])));
    }
    static override now = () => Real.now() + offset;
  } as DateConstructor;
}

let people = 0;
async function registeredAt(url: string): Promise<Credentials> {
  people += 1;
  const person = { email: `line${people}-${process.pid}@example.com`, password: goodPassword };
  await post(url, signupMutation, { input: person });
  return person;
}

describeStores('The console over a bad line', (database) => {
  describeInBrowser('in Chromium', (browser) => {
    let line: Line;
    let server: Awaited<ReturnType<typeof startConsoleServer>>;
    beforeAll(async () => {
      let port = 0;
      line = await startLine(() => port);
      server = await startConsoleServer(database.url, { LATCHKEY_PUBLIC_URL: line.origin });
      port = Number(new URL(server.url).port);
    });
    afterAll(() => line.close());

    const registered = () => registeredAt(server.url);
    async function openAs(person: Credentials) {
      const opened = await browser.open(`${line.origin}/console`);
      const own = new ConsolePage(opened.page);
      await own.signIn(person);
      await own.shows('Your sessions');
      return { ...opened, own, refreshes: refreshesIn(opened.context) };
    }
    const signInElsewhere = async ({ email, password }: Credentials) => {
      const { data } = await post(server.url, loginMutation, { input: { login: email, password } });
      return data.login.accessToken as string;
    };

    test('is offline for a while, comes back with an ended token, stays in and shows what happened meanwhile', async () => {
      const person = await registered();
      const { own, context, refreshes } = await openAs(person);
      await own.says('Changes show at once.');
      await own.rows('Your sessions').first().waitFor();
      const before = await own.rows('Your sessions').count();
      line.cut();
      await context.setOffline(true);
      await own.says('Changes show after some seconds.');
      server.advanceClock(hour);
      await signInElsewhere(person);
      line.mend();
      await context.setOffline(false);
      await own.rows('Your sessions').nth(before).waitFor();
      await own.says('Changes show at once.');
      expect(refreshes.count).toBe(1);
    });

    test('behind a proxy that knows no sockets it asks every few seconds, and goes over to one once that is possible', async () => {
      const person = await registered();
      line.allowSockets(false);
      const { own } = await openAs(person);
      await own.says('Changes show after some seconds.');
      await own.rows('Your sessions').first().waitFor();
      const before = await own.rows('Your sessions').count();
      await signInElsewhere(person);
      await own.rows('Your sessions').nth(before).waitFor();
      line.allowSockets(true);
      await own.says('Changes show at once.');
    });

    test('learns when it comes back that its session was ended meanwhile, and says why', async () => {
      const person = await registered();
      const { own, context } = await openAs(person);
      await own.says('Changes show at once.');
      line.cut();
      await context.setOffline(true);
      await own.says('Changes show after some seconds.');
      const token = await signInElsewhere(person);
      await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token });
      line.mend();
      await context.setOffline(false);
      await own.says('This session was ended from another device.');
      await own.shows('Sign in');
    });

    test('asks again when the reply to a refresh was lost, and stays in the same session with one rotation', async () => {
      const person = await registered();
      const { own } = await openAs(person);
      server.advanceClock(hour);
      const before = line.countOf('mutation RefreshToken');
      const lost = line.loseReplyTo('mutation RefreshToken');
      await own.goTo('Activity');
      await lost;
      await own.rows('Activity').first().waitFor();
      expect(line.countOf('mutation RefreshToken') - before).toBeGreaterThanOrEqual(2);
      const token = await signInElsewhere(person);
      const { data } = await post(server.url, '{ sessions(state: ACTIVE) { nodes { userAgent refreshCount } } }', {}, { token });
      const ofBrowser = data.sessions.nodes.filter(({ userAgent }: { userAgent: string }) => userAgent.includes('Chrome'));
      expect(ofBrowser.map(({ refreshCount }: { refreshCount: number }) => refreshCount)).toEqual([1]);
    });
  });
});

describeInBrowser('The console that nobody sees', (browser) => {
  test('leaves its socket after a minute, asks for nothing, and is up to date when it is seen again', async () => {
    const server = await startConsoleServer('sqlite::memory:');
    const person = await registeredAt(server.url);
    const { page } = await browser.open('about:blank');
    await page.addInitScript(() => {
      Object.defineProperty(Document.prototype, 'visibilityState', { get: () => document.documentElement.dataset.seen ?? 'visible' });
    });
    await page.clock.install();
    const becomes = (seen: 'visible' | 'hidden') =>
      page.evaluate((value) => {
        document.documentElement.dataset.seen = value;
        document.dispatchEvent(new Event('visibilitychange'));
      }, seen);
    const sockets: WebSocket[] = [];
    page.on('websocket', (socket) => sockets.push(socket));
    await page.goto(server.console);
    const own = new ConsolePage(page);
    await own.signIn(person);
    await own.says('Changes show at once.');
    const rows = own.rows('Your sessions');
    await rows.first().waitFor();
    const before = await rows.count();

    await becomes('hidden');
    await page.clock.runFor(10_000);
    expect(sockets.filter((socket) => !socket.isClosed())).toHaveLength(1);
    await page.clock.runFor(60_000);
    // There may be several by now: time flies here, and answers to pings do not come as fast.
    for (const socket of sockets) if (!socket.isClosed()) await socket.waitForEvent('close');
    let requests = 0;
    page.on('request', () => {
      requests += 1;
    });
    // What a socket of before has caused, when it came to stand while nobody looked.
    for (let quiet = 0; quiet < 2; quiet = requests === 0 ? quiet + 1 : 0) {
      requests = 0;
      await page.clock.runFor(5_000);
    }
    server.advanceClock(hour);
    await page.clock.runFor(hour);
    expect(requests).toBe(0);

    await post(server.url, loginMutation, { input: { login: person.email, password: person.password } });
    const openedAgain = page.waitForEvent('websocket');
    await becomes('visible');
    await openedAgain;
    await rows.nth(before).waitFor();
  });
});

describeInBrowser('The console on a machine whose clock is wrong', (browser) => {
  test.each([2, -2])('by %i hours, works with one refresh an hour, and tells the time by the server', async (hours) => {
    const server = await startConsoleServer('sqlite::memory:');
    const person = await registeredAt(server.url);
    const { page, context } = await browser.open('about:blank');
    await context.addInitScript(wrongClock, hours * 3_600_000);
    const refreshes = refreshesIn(context);
    await page.goto(server.console);
    const own = new ConsolePage(page);
    await own.signIn(person);
    await own.shows('Your sessions');
    expect(await page.evaluate(() => Math.round((Date.now() - performance.timeOrigin) / 3_600_000))).toBe(hours);
    await own.rows('Your sessions').first().waitFor();
    expect(await page.getByRole('list', { name: 'Your sessions' }).textContent()).not.toContain('hour');
    // The first is the question who is signed in.
    expect(refreshes.count).toBe(1);
    for (let round = 1; round <= 3; round += 1) {
      const refreshed = page.waitForResponse((response) => response.request().postData()?.includes('mutation RefreshToken') ?? false);
      server.advanceClock(hour);
      await own.goTo('Activity');
      await own.goTo('Your sessions');
      await own.rows('Your sessions').first().waitFor();
      await refreshed;
      expect(refreshes.count).toBe(1 + round);
    }
  });
});
