import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Jest maps `.js` to `.ts` in tests but not for its global set-up, so the module is named without an ending here. */
const mongoServer = './mongo-server';
const chromium = './chromium';
const banners = './banner';

async function setupBrowser(): Promise<void> {
  const { findChromium } = (await import(chromium)) as typeof import('./chromium.js');
  const path = findChromium();
  if (path !== null) {
    process.env.LATCHKEY_TEST_CHROMIUM = path;
    return;
  }
  if (process.env.REQUIRE_BROWSER === '1') throw new Error('REQUIRE_BROWSER=1, and there is no Chromium to test with');
  const { banner } = (await import(banners)) as typeof import('./banner.js');
  process.stderr.write(banner('THE BROWSER TESTS ARE SKIPPED', 'There is no Chromium.', 'Install it, or set CHROMIUM_PATH.'));
}

/** Looks for what the tests need and cannot make themselves. */
export default async function setup(): Promise<void> {
  process.env.LATCHKEY_TEST_DIR = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  await setupBrowser();
  const { findMongo } = (await import(mongoServer)) as typeof import('./mongo-server.js');
  const found = await findMongo();
  switch (found.kind) {
    case 'url':
      process.env.LATCHKEY_TEST_MONGO_URL = found.url;
      return;
    case 'program':
      process.env.LATCHKEY_TEST_MONGO_PROGRAM = JSON.stringify(found.program);
      return;
    case 'none': {
      if (process.env.REQUIRE_MONGO === '1') {
        throw new Error(`REQUIRE_MONGO=1, and there is no MongoDB to test with: ${found.reason}`);
      }
      const { banner } = (await import(banners)) as typeof import('./banner.js');
      process.stderr.write(
        banner(
          'THE MONGODB HALF OF THE TESTS IS SKIPPED',
          found.reason,
          'Set MONGODB_URI, or put mongod on PATH, or have python3 and PyPI.',
        ),
      );
    }
  }
}
