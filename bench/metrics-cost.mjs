// What metrics and tracing cost: throughput of `me` and of refreshes with them, as a share of that without, measured side by side.
// Needs a build. Everything runs on this machine over loopback: three servers, this client, and a collector that throws spans away.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rounds = 9;
const clients = 16;
const requestsPerRound = { me: 1_600, refresh: 480 };
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));

const collector = createServer((incoming, answer) => {
  incoming.resume().on('end', () => answer.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
});
await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));

const metrics = { LATCHKEY_METRICS_TOKEN: 'token-of-the-benchmark' };
const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}` };
const variants = { off: {}, metrics, 'metrics and tracing': { ...metrics, ...tracing } };

const agent = new Agent({ keepAlive: true, maxSockets: clients });

function post(url, query, variables, token) {
  const body = JSON.stringify({ query, variables });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const { data, errors } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        if (errors === undefined) resolve(data);
        else reject(new Error(errors[0].extensions.code));
      });
    });
    outgoing.on('error', reject).end(body);
  });
}

async function start(name, settings) {
  const environment = {
    PORT: '0',
    LATCHKEY_DATA_DIR: join(folder, name.replaceAll(' ', '-')),
    LATCHKEY_BCRYPT_COST: '4',
    LOG_LEVEL: 'info',
    ...settings,
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
  const signup = 'mutation ($input: SignupInput!) { signup(input: $input) { auth { accessToken refreshToken } } }';
  const people = [];
  for (let person = 0; person < clients; person += 1) {
    const input = { email: `person${person}@example.com`, password: 'correct horse battery' };
    people.push((await post(url, signup, { input })).signup.auth);
  }
  return { url, child, people };
}

const work = {
  me: ({ url }, person) => post(url, '{ me { id email roles } }', {}, person.accessToken),
  refresh: async ({ url }, person) => {
    const token = person.refreshToken;
    const { refreshToken } = await post(url, 'mutation ($t: String) { refreshToken(token: $t) { accessToken refreshToken } }', {
      t: token,
    });
    Object.assign(person, refreshToken);
  },
};

/** Requests a second of one round: each client sends its next when it has its answer. */
async function measure(server, name) {
  const each = requestsPerRound[name] / clients;
  const startedAt = performance.now();
  const lines = server.people.map(async (person) => {
    for (let sent = 0; sent < each; sent += 1) await work[name](server, person);
  });
  await Promise.all(lines);
  return (requestsPerRound[name] / (performance.now() - startedAt)) * 1000;
}

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

const servers = {};
try {
  for (const [name, settings] of Object.entries(variants)) servers[name] = await start(name, settings);
  for (const name of Object.keys(work)) {
    const rates = Object.fromEntries(Object.keys(servers).map((variant) => [variant, []]));
    for (let round = -1; round < rounds; round += 1) {
      const order = Object.keys(servers);
      for (let turn = 0; turn < round; turn += 1) order.push(order.shift());
      for (const variant of order) {
        const rate = await measure(servers[variant], name);
        // The first round warms up.
        if (round >= 0) rates[variant].push(rate);
      }
    }
    for (const variant of Object.keys(servers)) {
      // Round by round, so that what else the machine does touches both sides.
      const share = median(rates[variant].map((rate, round) => rate / rates.off[round]));
      console.log(`${name}, ${variant}: ${Math.round(median(rates[variant]))} a second, ${share.toFixed(3)} of off`);
    }
  }
} finally {
  for (const { child } of Object.values(servers)) {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.on('exit', resolve) : resolve()));
  }
  agent.destroy();
  collector.close();
  collector.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
