import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const startTimeoutMs = 30_000;
const stopTimeoutMs = 3_000;

/**
 * Starts the build on a free port, with a data folder of its own and a grace of one second. Nothing of this process's environment
 * reaches it but the PATH. Resolves with its address and a `stop` that ends it and removes the folder. Throws an error that can be
 * shown when there is no build, or when it does not listen within 30 s.
 */
export async function startServer() {
  if (!existsSync(program)) throw new Error('There is no build to start: run `npm run build` first, or name the URL of a server.');
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-demo-'));
  const settings = { PORT: '0', LATCHKEY_DATA_DIR: folder, LATCHKEY_REFRESH_GRACE: '1s' };
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH, ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', resolve);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await closed;
    clearTimeout(timer);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { url: await addressOf(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function addressOf(child) {
  let output = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The server that was started does not listen.')), startTimeoutMs);
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const address = /"address":"([^"]+)"/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('close', () => {
      clearTimeout(timer);
      reject(new Error(`The server that was started ended at once:\n${output.trim()}`));
    });
  });
}
