import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumArguments } from './chromium.js';

/** What a page did that none of ours may do. */
export interface Misdeeds {
  /** Of its Content-Security-Policy. */
  readonly violations: readonly string[];
  /** Requests to another host than the page's own. */
  readonly foreignRequests: readonly string[];
  /** Uncaught errors, and what the console lists as errors. */
  readonly errors: readonly string[];
}

/** A page in a context of its own: no cookie or storage of another test. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  misdeeds(): Promise<Misdeeds>;
}

export interface TestBrowser {
  /** Opens the URL. All pages are closed after the block's tests. */
  open(url: string, options?: BrowserContextOptions): Promise<WatchedPage>;
}

interface ViolationList {
  policyViolations?: string[];
}

/** Runs in the page, before its scripts. */
function recordViolations(): void {
  const list: string[] = [];
  (globalThis as ViolationList).policyViolations = list;
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }: SecurityPolicyViolation) => {
    list.push(`${effectiveDirective}: ${blockedURI}`);
  });
}
type SecurityPolicyViolation = { readonly effectiveDirective: string; readonly blockedURI: string };
declare function addEventListener(type: 'securitypolicyviolation', listener: (event: SecurityPolicyViolation) => void): void;

async function watch(context: BrowserContext, url: string): Promise<WatchedPage> {
  // For a machine on which Chromium is several times slower.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const { host } = new URL(url);
  const foreignRequests: string[] = [];
  const errors: string[] = [];
  const policyMessages: string[] = [];
  const note = (type: string, text: string) => {
    if (text.includes('Content Security Policy')) policyMessages.push(text);
    else if (type === 'error') errors.push(text);
  };
  context.on('request', (request) => {
    const target = new URL(request.url());
    if (/^(http|ws)s?:$/.test(target.protocol) && target.host !== host) foreignRequests.push(target.href);
  });
  context.on('console', (message) => note(message.type(), message.text()));
  page.on('worker', (worker) => worker.on('console', (message) => note(message.type(), message.text())));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(recordViolations);
  await page.goto(url);
  return {
    page,
    context,
    misdeeds: async () => {
      const recorded = await page.evaluate(() => (globalThis as ViolationList).policyViolations ?? []);
      return { violations: [...recorded, ...policyMessages], foreignRequests, errors };
    },
  };
}

/** Runs the block of tests with one Chromium, which is closed after them. Skipped, loudly, where there is none: see `jest-setup.ts`. */
export function describeInBrowser(name: string, block: (browser: TestBrowser) => void): void {
  const executablePath = process.env.LATCHKEY_TEST_CHROMIUM;
  const run = executablePath === undefined ? describe.skip : describe;
  run(name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: [...chromiumArguments] });
    }, 60_000);
    afterAll(async () => browser?.close());
    block({
      open: async (url, options = {}) => {
        if (browser === undefined) throw new Error('pages are opened in tests, when the browser is there');
        return watch(await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options }), url);
      },
    });
  });
}
