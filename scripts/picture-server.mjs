import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** That was free a moment ago: a server must know its own origin before it listens. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function start(env) {
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (/"address":"[^"]+"/.test(output)) resolve();
    });
    child.on('close', () => reject(new Error('The server ended before it listened. Was it built? Run: npm run build')));
  });
  return () => new Promise((resolve) => child.once('close', resolve).kill('SIGTERM'));
}

/** Runs `use` with the build as a server of its own, on an empty store, and with its command line. */
export async function withServer(use) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-screenshots-'));
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_THROTTLE: 'off',
    LATCHKEY_BCRYPT_COST: '4',
  };
  const stop = await start(env);
  const latchkey = (...words) => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'latchkey.js'), ...words], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  try {
    await use({ origin: `http://127.0.0.1:${port}`, latchkey });
  } finally {
    await stop();
    rmSync(folder, { recursive: true });
  }
}
