// docs/images/sandbox-*.png: the way from an empty server to an ended session, in Chromium, on a server of its own.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'esbuild-register/dist/node.js';
import { chromium } from 'playwright-core';
import UPNG from 'upng-js';

register();
const require = createRequire(import.meta.url);
const { chromiumArguments, findChromium } = require('../test/support/chromium.ts');
const { SandboxPage } = require('../test/support/sandbox-page.ts');

const root = fileURLToPath(new URL('../', import.meta.url));
const mostBytes = 150_000;
/** Of a palette: a page of text needs no more, and is half as large. */
const colours = 128;

/** Starts `dist/main.js` on a free port and gives its address. */
function startServer(dataDir) {
  const environment = { PATH: process.env.PATH, PORT: '0', LATCHKEY_DATA_DIR: dataDir };
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js')], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const address = /"address":"([^"]+)"/.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.on('close', () => reject(new Error('The server ended before it listened. Was it built? Run: npm run build')));
  });
  const stop = () => new Promise((resolve) => child.once('close', resolve).kill('SIGTERM'));
  return { url, stop };
}

async function takePictures(page) {
  const sandbox = new SandboxPage(page);
  await sandbox.ready();
  const picture = async (name) => {
    // The caret blinks, and the pointer leaves a tooltip: neither belongs in a picture.
    await page.mouse.move(640, 790);
    const full = UPNG.decode(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
    const small = Buffer.from(UPNG.encode(UPNG.toRGBA8(full), full.width, full.height, colours));
    const file = `docs/images/sandbox-${name}.png`;
    if (small.length > mostBytes) throw new Error(`${file} would have ${small.length} bytes, more than ${mostBytes}`);
    writeFileSync(join(root, file), small);
    console.log(`${file}: ${Math.ceil(small.length / 1000)} kB`);
  };
  const run = async (title, operationName, name) => {
    await sandbox.openExample(title, operationName);
    await sandbox.run();
    if (name !== undefined) await picture(name);
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
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-screenshots-'));
const server = startServer(dataDir);
try {
  mkdirSync(join(root, 'docs', 'images'), { recursive: true });
  const browser = await chromium.launch({ executablePath, args: [...chromiumArguments] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    await page.goto(await server.url);
    await takePictures(page);
  } finally {
    await browser.close();
  }
} finally {
  await server.stop();
  rmSync(dataDir, { recursive: true });
}
