import type { TestBrowser, WatchedPage } from './browser.js';
import { ConsolePage, type Credentials } from './console-page.js';
import { goodPassword } from './server.js';

export interface OpenConsole extends WatchedPage {
  readonly console: ConsolePage;
}

/** The console, or a view of it by its whole address, for somebody who is not signed in. */
export async function openConsole(browser: TestBrowser, url: string): Promise<OpenConsole> {
  const watched = await browser.open(url);
  return { ...watched, console: new ConsolePage(watched.page) };
}

/** The console of somebody, by an email address or a username. */
export async function openConsoleAs(browser: TestBrowser, url: string, login: string, password = goodPassword): Promise<OpenConsole> {
  const opened = await openConsole(browser, url);
  await opened.console.signIn({ email: login, password } satisfies Credentials);
  await opened.page.getByRole('button', { name: 'Sign out' }).waitFor();
  return opened;
}

/** Follows a link of a mail in a window beside the console, and closes that. Afterwards the person turns to the console again. */
export async function followBeside({ context, page }: OpenConsole, link: string, button: string, done: string): Promise<void> {
  // As a person's windows are, and no window of a test's: that has the focus for ever.
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  const beside = await context.newPage();
  await beside.goto(link);
  await beside.getByRole('button', { name: button }).click();
  await beside.getByRole('status').filter({ hasText: done }).waitFor();
  await beside.close();
  await page.bringToFront();
}
