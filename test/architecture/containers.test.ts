import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { errorKinds } from '../../src/auth/errors.js';
import { isStrong } from '../../src/config.js';
import { freePort } from '../support/mongo-server.js';
import { type ServerProcess, startProcess } from '../support/processes.js';
import { temporaryFolder } from '../support/server.js';
import { composeProblems, environmentOf, isOurs, readCompose } from './compose-file.js';
import { dockerfileProblems, layImage, readDockerfile } from './container-image.js';
import { projectPath } from './project.js';

// No container engine is needed, and none is used: the files are parsed, and what they name is run by this Node.

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const [dockerfile, ignore, compose, nginxText] = [
  read('Dockerfile'),
  read('.dockerignore'),
  read('docker-compose.yml'),
  read('deploy/nginx.conf'),
];
const plan = readDockerfile(dockerfile);
const { version } = JSON.parse(read('package.json')) as { version: string };

const makeSecrets = (folder: string) => spawnSync('sh', [projectPath('deploy/make-secrets.sh'), folder], { encoding: 'utf8' });
const secretsFolder = join(temporaryFolder(), 'secrets');
beforeAll(() => {
  const { status, stderr } = makeSecrets(secretsFolder);
  if (status !== 0) throw new Error(`make-secrets.sh needs sh and openssl: ${stderr}`);
});

/** The text with one thing in it changed; a fixture that changes nothing would prove nothing. */
function changed(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`there is no ${from}`);
  return text.replace(from, to);
}

describe('the Dockerfile', () => {
  test('holds in every respect that can be checked without an engine', () => {
    expect(dockerfileProblems(dockerfile, ignore)).toEqual([]);
    expect(plan.labels['org.opencontainers.image.version']).toBe(version);
    expect(plan.images).toHaveLength(3);
  });

  test.each([
    ['a setting that does not exist', 'PORT=4000', 'LATCHKEY_PORT=4000', 'LATCHKEY_PORT is no setting'],
    ['a value that the server refuses', 'PORT=4000', 'PORT=four', 'PORT has a value that the server refuses'],
    ['a secret', 'PORT=4000', 'LATCHKEY_SECRET=abc', 'LATCHKEY_SECRET is a secret in a layer'],
    ['a secret as a build argument', 'WORKDIR /app', 'ARG NPM_TOKEN\nWORKDIR /app', 'NPM_TOKEN is a secret in a layer'],
    ['a path that does not exist', 'COPY package.json LICENSE', 'COPY package.json LICENCE', 'COPY LICENCE: there is no such path'],
    [
      'a path that is not sent to the build',
      'COPY package.json LICENSE',
      'COPY README.md LICENSE',
      'COPY README.md: .dockerignore leaves it out',
    ],
    ['a stage that does not exist', '--from=build', '--from=builder', 'COPY --from=builder: there is no such stage before'],
    [
      'a path that the stage does not make',
      'RUN node scripts/build.mjs',
      'RUN true',
      'COPY --from=build dist: that stage does not make it',
    ],
    ['a program that does not exist', '"dist/cli/latchkey.js"', '"dist/cli/latch.js"', 'dist/cli/latch.js is not in the image'],
    [
      'a file missing that the program reads',
      'COPY package.json LICENSE',
      'COPY LICENSE',
      'package.json is read at run time and not in the image',
    ],
    ['a program that is not copied', '"scripts/healthcheck.mjs"', '"scripts/build.mjs"', 'scripts/build.mjs is not in the image'],
    ['a build step that does not exist', 'node scripts/build.mjs', 'node scripts/make.mjs', 'RUN scripts/make.mjs: not there'],
    [
      'a shell before the server',
      'ENTRYPOINT ["node", "dist/cli/latchkey.js"]',
      'ENTRYPOINT node dist/cli/latchkey.js',
      'ENTRYPOINT and CMD need the exec form',
    ],
    ['npm before the server', '["node", "dist/cli/latchkey.js"]', '["npm", "run"]', 'npm run start: not run by node itself'],
    ['root', 'USER 10001:10001', 'USER root', "USER root is not a fixed number other than root's"],
    ['a tag that moves', 'ARG NODE_IMAGE=node:26-trixie-slim', 'ARG NODE_IMAGE=node:latest', 'the image node:latest has no pinned tag'],
    ['a word that is no instruction', 'EXPOSE 4000', 'EXPORT 4000', 'EXPORT is no instruction'],
    ['data outside the volume', 'VOLUME ["/data"]', 'VOLUME ["/var"]', 'the data folder is no volume'],
  ])('is refused with %s', (_what, from, to, problem) => {
    expect(dockerfileProblems(changed(dockerfile, from, to), ignore)).toContain(problem);
  });

  test.each([
    ['**/.*', '', '.git/HEAD would reach the build'],
    ['\ndeploy', '', 'deploy/secrets/store_url would reach the build'],
    ['coverage', 'scripts', 'scripts/build.mjs is left out'],
  ])('is refused with a .dockerignore that has %j as %j', (from, to, problem) => {
    expect(dockerfileProblems(dockerfile, changed(ignore, from, to))).toContain(problem);
  });
});

describe('the image, laid out in a folder with production dependencies alone', () => {
  const folder = temporaryFolder();
  const environment = {
    ...plan.environment,
    HOST: '127.0.0.1',
    LATCHKEY_PUBLIC_URL: 'https://latchkey.localhost',
    LATCHKEY_DATA_DIR: join(folder, 'data'),
  };
  let server: ServerProcess;
  const health = (port: string) =>
    spawnSync(process.execPath, plan.health.slice(1), { cwd: folder, env: { PATH: process.env.PATH, PORT: port } }).status;

  beforeAll(async () => {
    layImage(plan, folder);
    const secret = { LATCHKEY_SECRET_FILE: join(secretsFolder, 'latchkey_secret') };
    const parameters = ['--preserve-symlinks', '--preserve-symlinks-main', ...plan.entrypoint.slice(1), ...plan.command];
    server = await startProcess({ ...environment, ...secret, PORT: '0' }, folder, parameters);
  });

  test('holds what the Dockerfile copies, and no development dependency', () => {
    expect(readdirSync(folder).sort()).toEqual(['LICENSE', 'data', 'dist', 'node_modules', 'package.json', 'pages', 'schema', 'scripts']);
    const packages = readdirSync(join(folder, 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['fastify', 'libsql', 'mongoose']));
    for (const name of ['jest', 'typescript', 'yaml', '@biomejs']) expect(packages).not.toContain(name);
  });

  test('serves, writes only into the data folder, and is found healthy', async () => {
    const { port } = new URL(server.url);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(await ready.json()).toMatchObject({ status: 'ready' });
    expect(readdirSync(join(folder, 'data'))).toContain('latchkey.db');
    expect(health(port)).toBe(0);
  });

  test('is found unhealthy where nothing listens', async () => {
    expect(health(String(await freePort()))).toBe(1);
  });

  test('stops on SIGTERM by itself, and is then found unhealthy', async () => {
    const { port } = new URL(server.url);
    expect(await server.end('SIGTERM')).toBe(0);
    expect(health(port)).toBe(1);
  });

  test('does not start when a dependency is missing', async () => {
    const incomplete = join(temporaryFolder(), 'image');
    mkdirSync(incomplete);
    layImage(plan, incomplete, ['commander']);
    const parameters = ['--preserve-symlinks', '--preserve-symlinks-main', ...plan.entrypoint.slice(1), '--help'];
    const { status, stderr } = spawnSync(process.execPath, parameters, { cwd: incomplete, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("Cannot find package 'commander'") });
  });
});

describe('the secrets of the compose file', () => {
  test('are made once, in a folder that its owner alone may enter, and fit what the server asks', () => {
    expect(statSync(secretsFolder).mode & 0o777).toBe(0o700);
    expect(isStrong(readFileSync(join(secretsFolder, 'latchkey_secret'), 'utf8').trim())).toBe(true);
    // mongod: 6 to 1024 characters of base64.
    expect(readFileSync(join(secretsFolder, 'mongo_keyfile'), 'utf8').replace(/\s/g, '')).toMatch(/^[A-Za-z0-9+/=]{6,1024}$/);
    const before = readdirSync(secretsFolder).map((name) => readFileSync(join(secretsFolder, name), 'utf8'));
    expect(makeSecrets(secretsFolder).status).toBe(0);
    expect(readdirSync(secretsFolder).map((name) => readFileSync(join(secretsFolder, name), 'utf8'))).toEqual(before);
    expect(readdirSync(secretsFolder).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('are named by no file of the repository but by their path', () => {
    const { services } = readCompose(compose);
    for (const service of Object.values(services).filter(isOurs)) {
      for (const value of Object.values(environmentOf(service, plan, secretsFolder))) expect(value).not.toMatch(/mongodb:/);
    }
  });
});

describe('the compose file', () => {
  const problemsOf = (text: string, nginx = nginxText) => composeProblems(text, { plan, nginxText: nginx, secretsFolder });

  test('holds in every respect that can be checked without an engine', () => {
    expect(problemsOf(compose)).toEqual([]);
    const { services } = readCompose(compose);
    expect(Object.values(services).filter(isOurs)).toHaveLength(3);
    for (const service of Object.values(services).filter(isOurs)) expect(service.image).toBe(`latchkey:${version}`);
  });

  test.each([
    [
      'a setting that does not exist',
      'LATCHKEY_STORE_URL_FILE:',
      'LATCHKEY_DATABASE_FILE:',
      'latchkey-1: LATCHKEY_DATABASE_FILE is no setting',
    ],
    [
      '_FILE where it is none',
      'LATCHKEY_TRUSTED_PROXIES:',
      'LATCHKEY_TRUSTED_PROXIES_FILE:',
      'latchkey-1: LATCHKEY_TRUSTED_PROXIES_FILE is no setting',
    ],
    [
      'a value that the server refuses',
      'PUBLIC_URL: https://',
      'PUBLIC_URL: http://',
      'latchkey-1: LATCHKEY_PUBLIC_URL must be an https URL in production',
    ],
    [
      'a secret written down',
      'LATCHKEY_SECRET_FILE: /run/secrets/latchkey_secret',
      'LATCHKEY_SECRET: abc',
      'latchkey-2: LATCHKEY_SECRET is a secret in the file',
    ],
    [
      'a whole network trusted',
      'PROXIES: 172.30.47.2',
      'PROXIES: 172.30.47.0/28',
      'latchkey-1 trusts 172.30.47.0/28, the proxy is 172.30.47.2',
    ],
    [
      'a secret that is not granted',
      'secrets: [latchkey_secret, store_url]',
      'secrets: [latchkey_secret]',
      'latchkey-1: /run/secrets/store_url is not granted to it',
    ],
    ['a secret that does not exist', '  tls_key: {', '  tls: {', 'proxy: there is no secret tls_key'],
    ['a secret that may be committed', 'deploy/secrets/tls_key', 'deploy/tls_key', 'deploy/tls_key may be committed'],
    ['a volume that does not exist', 'volumes:\n  mongo-data:', 'volumes:\n  data:', 'mongo: there is no volume mongo-data'],
    ['a network that does not exist', '  data:\n    internal', '  back:\n    internal', 'mongo: there is no network data'],
    ['a mounted file that does not exist', './deploy/nginx.conf', './deploy/proxy.conf', 'proxy: there is no ./deploy/proxy.conf'],
    [
      'a program that is not in the image',
      'scripts/healthcheck.mjs',
      'scripts/health.mjs',
      'latchkey-1: scripts/health.mjs is not in the image',
    ],
    [
      'a service that does not exist',
      '      latchkey-1: { condition',
      '      latchkey-3: { condition',
      'proxy: there is no service latchkey-3',
    ],
    [
      'a dependency that is not waited for',
      'mongo: { condition: service_healthy }',
      'mongo: { condition: service_started }',
      'latchkey-1 does not wait for mongo to be ready',
    ],
    ['a tag that moves', 'nginx:1.30.4-alpine', 'nginx:latest', 'proxy has no pinned image version'],
    ['root', 'user: "999:999"', 'user: "0:0"', 'mongo runs as root'],
    ['capabilities', 'cap_drop: [ALL]', 'cap_drop: []', 'mongo keeps capabilities'],
    ['a root that can be written', 'read_only: true', 'read_only: false', 'latchkey-2 can write to its root'],
    ['no limit on memory', 'memory: 1G, ', '', 'mongo has no resource limits'],
    [
      'a published database',
      'networks: [data]',
      'ports: [127.0.0.1:27017:27017]\n    networks: [data]',
      "mongo is on the database's network and is published",
    ],
    ['an address twice', '172.30.47.12 }', '172.30.47.11 }', '172.30.47.11 is given twice'],
    ['an address that another container may get', '172.30.47.2 }', '172.30.47.5 }', '172.30.47.5 is outside the network, or may be taken'],
    ['a page published to everybody', '127.0.0.1:8025:8025', '8025:8025', 'mailpit publishes 8025:8025 to everybody by default'],
    ['a variable without a default', 'SITE_NAME:-latchkey.localhost}', 'SITE_NAME}', 'SITE_NAME has no default'],
  ])('is refused with %s', (_what, from, to, problem) => {
    expect(problemsOf(changed(compose, from, to))).toContain(problem);
  });

  test.each([
    [
      'another server',
      '172.30.47.12:4000',
      '172.30.47.13:4000',
      'the proxy passes to 172.30.47.11:4000,172.30.47.13:4000, the servers are 172.30.47.11:4000,172.30.47.12:4000',
    ],
    ['another port', 'listen 8443', 'listen 9443', "nobody listens on the proxy's port 8443"],
    ['a key that is not granted', 'secrets/tls_key', 'secrets/latchkey_secret', 'proxy: /run/secrets/latchkey_secret is not granted'],
    [
      'addresses as clients give them',
      'For $remote_addr',
      'For $proxy_add_x_forwarded_for',
      'the proxy passes on what clients say of themselves',
    ],
  ])('is refused with a proxy that names %s', (_what, from, to, problem) => {
    expect(problemsOf(compose, changed(nginxText, from, to))).toContain(problem);
  });

  test('has a proxy that refuses in the words of the API', () => {
    const [, body = ''] = /return 429 '(.*)';/.exec(nginxText) ?? [];
    const [error] = JSON.parse(body).errors;
    expect(error).toMatchObject({ message: errorKinds.RATE_LIMITED.message, extensions: { code: 'RATE_LIMITED' } });
  });
});
