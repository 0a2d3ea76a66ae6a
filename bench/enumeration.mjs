// Whether time tells which addresses have an account: two classes, known and unknown, for each act that anyone may ask for. Prints the area
// under the ROC curve of "the slower one is known": 0.5 is a coin, and 0.55 the promised limit, either way. Needs a build.
//
// Usage: node bench/enumeration.mjs [SAMPLES]    of each class and act; 400 by default
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const samples = Number(process.argv[2] ?? 400);
const knownAccounts = 20;
const limit = 0.05;
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));

const acts = {
  login: (email) => ['mutation ($e: String!) { login(input: { login: $e, password: "not the password" }) { tokenType } }', email],
  signup: (email) => [
    'mutation ($e: String!) { signup(input: { email: $e, password: "correct horse battery" }) { emailVerificationRequired } }',
    email,
  ],
  requestPasswordReset: (email) => ['mutation ($e: String!) { requestPasswordReset(email: $e) }', email],
  requestEmailVerification: (email) => ['mutation ($e: String!) { requestEmailVerification(email: $e) }', email],
};

async function start(verification) {
  const environment = {
    PORT: '0',
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_BCRYPT_COST: '6',
    LATCHKEY_EMAIL_VERIFICATION: verification,
    LATCHKEY_TRUSTED_PROXIES: '127.0.0.1',
    LOG_LEVEL: 'info',
  };
  const child = spawn(process.execPath, [main], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output = output.length < 10_000 ? output + chunk : output;
      const address = /"address":"([^"]+)"/.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.on('close', () => reject(new Error('the server ended before it listened')));
  });
  const stop = async () => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  };
  return { url, stop };
}

let requests = 0;
/** Milliseconds until the answer was read. Each request comes from a network of its own, so that no limit of a network's is in the way. */
async function ask(url, [query, e]) {
  requests += 1;
  const from = `10.${requests >> 8}.${requests & 255}.1`;
  const body = JSON.stringify({ query, variables: { e } });
  const startedAt = performance.now();
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': from }, body });
  const text = await answer.text();
  const passed = performance.now() - startedAt;
  if (/RATE_LIMITED|SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR/.test(text)) throw new Error(text);
  return passed;
}

/** The chance that a value of the first list is above one of the second; ties count half (Mann and Whitney). */
function areaUnderCurve(ones, others) {
  let above = 0;
  for (const one of ones) for (const other of others) above += one > other ? 1 : one === other ? 0.5 : 0;
  return above / (ones.length * others.length);
}

async function measure(url, act) {
  const times = { known: [], unknown: [] };
  // What an act leaves for after its answer must not fall upon the next one more often for one class: the order is random.
  const order = Array.from({ length: 2 * samples }, (_, index) => index % 2 === 0).sort(() => Math.random() - 0.5);
  for (const [index, isKnown] of order.entries()) {
    const email = isKnown ? `known${index % knownAccounts}@example.com` : `unknown-${Math.random()}@example.com`;
    times[isKnown ? 'known' : 'unknown'].push(await ask(url, acts[act](email)));
  }
  return areaUnderCurve(times.known, times.unknown);
}

try {
  const open = await start('off');
  for (let index = 0; index < knownAccounts; index += 1) await ask(open.url, acts.signup(`known${index}@example.com`));
  await open.stop();
  const server = await start('required');
  for (const act of Object.keys(acts)) {
    await measure(server.url, act).then((auc) => {
      const holds = Math.abs(auc - 0.5) <= limit;
      console.log(`${act}: AUC ${auc.toFixed(3)} of ${samples} known and ${samples} unknown addresses${holds ? '' : ', BEYOND THE LIMIT'}`);
      if (!holds) process.exitCode = 1;
    });
  }
  await server.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
