// Pictures of the sandbox and of the console, in Chromium, each on a server of its own. docs/images/: those of the manual. Every view of the
// console, light and dark, wide and narrow: into the folder that is named on the command line, .cache/console-pictures unless given.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'esbuild-register/dist/node.js';
import { chromium } from 'playwright-core';
import UPNG from 'upng-js';
import { takeConsolePictures } from './console-pictures.mjs';
import { withServer } from './picture-server.mjs';

register();
const require = createRequire(import.meta.url);
const { chromiumArguments, findChromium } = require('../test/support/chromium.ts');
const { ConsolePage } = require('../test/support/console-page.ts');
const { SandboxPage } = require('../test/support/sandbox-page.ts');

const root = fileURLToPath(new URL('../', import.meta.url));
const images = join(root, 'docs', 'images');
const mostBytes = 150_000;
/** Of a palette: a page of text needs no more, and is half as large. */
const colours = 128;

/** Of the page as it is. The caret blinks, and the pointer leaves a tooltip: neither belongs in a picture. */
async function pictureOf(page, options = {}) {
  await page.mouse.move(1, 1);
  const full = UPNG.decode(await page.screenshot({ animations: 'disabled', caret: 'hide', ...options }));
  return Buffer.from(UPNG.encode(UPNG.toRGBA8(full), full.width, full.height, colours));
}

/** For the manual, where each must stay small. */
function keep(picture, name) {
  if (picture.length > mostBytes) throw new Error(`docs/images/${name}.png would have ${picture.length} bytes, more than ${mostBytes}`);
  writeFileSync(join(images, `${name}.png`), picture);
  console.log(`docs/images/${name}.png: ${Math.ceil(picture.length / 1000)} kB`);
}

async function takeSandboxPictures(page) {
  const sandbox = new SandboxPage(page);
  await sandbox.ready();
  const run = async (title, operationName, name) => {
    await sandbox.openExample(title, operationName);
    await sandbox.run();
    if (name !== undefined) keep(await pictureOf(page), `sandbox-${name}`);
  };
  await run('Sign up', 'SignUp', '1-sign-up');
  await run('Who am I?', 'WhoAmI', '2-who-am-i');
  await run('Sign in from a second device', 'SignIn');
  await run('My sessions', 'MySessions', '3-two-sessions');
  await run('End the other session', 'EndSession', '4-end-the-other-session');
  await sandbox.identity.selectOption({ index: 0 });
  await run('Ask with the ended session', 'AskWithEndedSession', '5-ask-with-the-ended-session');
}

const executablePath = findChromium();
if (executablePath === null) throw new Error('There is no Chromium. Install it, or set CHROMIUM_PATH.');
const folder = resolve(process.argv[2] ?? join(root, '.cache', 'console-pictures'));
for (const each of [images, folder]) mkdirSync(each, { recursive: true });
const browser = await chromium.launch({ executablePath, args: [...chromiumArguments] });
try {
  await withServer(async ({ origin }) => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    await page.goto(`${origin}/graphql`);
    await takeSandboxPictures(page);
  });
  await withServer((server) => takeConsolePictures({ browser, server, ConsolePage, pictureOf, keep, folder }));
} finally {
  await browser.close();
}
