// What a flood of wrong passwords does to everybody else: `me` and refreshes of people who are signed in, while 500 sign-ins with wrong
// passwords are sent at once, again and again, beside the same on the idle server in the same run. With throttling and without, where
// the hashing queue stands alone. Needs a build. `node bench/login-flood.mjs 10`: a phase lasts 10 s, twice as long as by default. Everything runs on this machine over loopback: one server at a time, this client, and
// the flood in a process of its own.
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const flooders = 500;
const isFlood = process.argv[2] === 'flood';
const secondsPerPhase = isFlood ? 0 : Number(process.argv[2] ?? 5);
const readers = 4;
const refreshers = 2;
const metricsToken = 'token-of-the-benchmark';
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const self = fileURLToPath(import.meta.url);

/** Resolves with the answer's data and the code of its first error, if any. */
function post(agent, url, query, variables, headers = {}) {
  const body = JSON.stringify({ query, variables });
  const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, headers: all }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const { data, errors } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        resolve({ data, code: errors?.[0]?.extensions.code });
      });
    });
    outgoing.on('error', reject).end(body);
  });
}

const quantile = (values, share) => values.toSorted((one, other) => one - other)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
const ms = (value) => `${value.toFixed(1)} ms`;

/** In its own process: sends round after round until it is told to stop, and tells what came of them. */
async function flood(url, networks) {
  const agent = new Agent({ keepAlive: true, maxSockets: flooders });
  const login = 'mutation ($input: LoginInput!) { login(input: $input) { tokenType } }';
  const refusals = [];
  const codes = {};
  let isOver = false;
  process.on('message', () => {
    isOver = true;
  });
  const guess = async (nth) => {
    const startedAt = performance.now();
    const input = { login: `person${nth}@example.com`, password: `wrong ${nth}` };
    const headers = { 'x-forwarded-for': `10.${nth % networks}.0.1` };
    const { code } = await post(agent, url, login, { input }, headers);
    codes[code] = (codes[code] ?? 0) + 1;
    if (code === 'RATE_LIMITED') refusals.push(performance.now() - startedAt);
  };
  // A connection is taken in one turn of the server's event loop: five hundred new ones would be measured, and not the sign-ins.
  await Promise.all(Array.from({ length: flooders }, () => post(agent, url, '{ __typename }', {})));
  process.send('begun');
  while (!isOver) await Promise.all(Array.from({ length: flooders }, (_, nth) => guess(nth)));
  process.send({ codes, refused: { p50: quantile(refusals, 0.5), p99: quantile(refusals, 0.99) } });
  agent.destroy();
  process.disconnect();
}

async function start(folder, throttle) {
  const environment = {
    PORT: '0',
    LATCHKEY_DATA_DIR: join(folder, throttle),
    LATCHKEY_BCRYPT_COST: '10',
    LATCHKEY_TRUSTED_PROXIES: '127.0.0.1',
    LATCHKEY_METRICS_TOKEN: metricsToken,
    LATCHKEY_THROTTLE: throttle,
    LOG_LEVEL: 'info',
  };
  const child = spawn(process.execPath, [main], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output = output.length < 10_000 ? output + chunk : output;
      const address = /"address":"([^"]+)"/.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.on('exit', () => reject(new Error('the server ended before it listened')));
  });
  return { url, child };
}

/** The people who must not notice. The flood guesses at their accounts too, among others that nobody has. */
async function signUp(agent, url) {
  const signup = 'mutation ($input: SignupInput!) { signup(input: $input) { auth { accessToken refreshToken } } }';
  const people = [];
  for (let nth = 0; nth < 20; nth += 1) {
    const input = { email: `person${nth}@example.com`, password: 'correct horse battery' };
    const { data, code } = await post(agent, url, signup, { input }, { 'x-forwarded-for': '198.51.100.1' });
    if (code !== undefined) throw new Error(`a sign-up failed: ${code}`);
    people.push(data.signup.auth);
  }
  return people;
}

/** `me` by some who read as fast as they are answered, and refreshes by others, for as long as a phase lasts. */
async function measure(agent, url, people) {
  const endsAt = performance.now() + secondsPerPhase * 1000;
  const [meTimes, refreshTimes] = [[], []];
  let failed = 0;
  const timed = async (times, work) => {
    const startedAt = performance.now();
    const { data, code } = await work();
    times.push(performance.now() - startedAt);
    if (code !== undefined) failed += 1;
    return data;
  };
  const read = async ({ accessToken }) => {
    while (performance.now() < endsAt) {
      await timed(meTimes, () => post(agent, url, '{ me { id email roles } }', {}, { authorization: `Bearer ${accessToken}` }));
    }
  };
  const refresh = async (person) => {
    const query = 'mutation ($t: String) { refreshToken(token: $t) { accessToken refreshToken } }';
    while (performance.now() < endsAt) {
      const data = await timed(refreshTimes, () => post(agent, url, query, { t: person.refreshToken }));
      Object.assign(person, data?.refreshToken);
      await delay(50);
    }
  };
  const [reading, refreshing] = [people.slice(0, readers), people.slice(readers, readers + refreshers)];
  await Promise.all([...reading.map(read), ...refreshing.map(refresh)]);
  return { me: quantile(meTimes, 0.99), refresh: quantile(refreshTimes, 0.99), refreshes: refreshTimes.length, failed };
}

async function hashesOf(url) {
  const text = await (await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${metricsToken}` } })).text();
  return Number(/^latchkey_password_hash_duration_seconds_count (\d+)/m.exec(text)?.[1]);
}

async function compare(folder, throttle, networks) {
  const { url, child } = await start(`${folder}/${networks}`, throttle);
  const agent = new Agent({ keepAlive: true });
  try {
    const people = await signUp(agent, url);
    await measure(agent, url, people);
    const idle = await measure(agent, url, people);
    const before = await hashesOf(url);
    const attackers = fork(self, ['flood', url, String(networks)]);
    await new Promise((resolve) => attackers.once('message', resolve));
    const during = await measure(agent, url, people);
    const told = new Promise((resolve) => attackers.once('message', resolve));
    attackers.send('stop');
    const { codes, refused } = await told;
    const hashes = (await hashesOf(url)) - before;
    console.log(
      `throttling ${throttle}, ${flooders} wrong passwords at once from ${networks} network(s): ${JSON.stringify(codes)}, ${hashes} hashes`,
    );
    console.log(`  me p99: ${ms(during.me)}, idle ${ms(idle.me)}: ${(during.me / idle.me).toFixed(2)} times`);
    console.log(`  refresh p99: ${ms(during.refresh)}, idle ${ms(idle.refresh)}: ${(during.refresh / idle.refresh).toFixed(2)} times`);
    console.log(`  failed of ${during.refreshes} refreshes and of all \`me\`: ${during.failed} (idle ${idle.failed} of ${idle.refreshes})`);
    console.log(`  refused in ${ms(refused.p50)} (median), ${ms(refused.p99)} (p99)`);
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.on('exit', resolve) : resolve()));
  }
}

if (isFlood) {
  await flood(process.argv[3], Number(process.argv[4]));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  try {
    for (const throttle of ['on', 'off']) for (const networks of [1, 100]) await compare(folder, throttle, networks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
