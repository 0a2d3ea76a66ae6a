import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const root = resolve(__dirname, '../..');

/** A program as somebody would write it who embeds the service, in TypeScript and as an ES module. */
const program = `
import { fastify } from 'fastify';
import { createLatchkey, ConfigError, type Latchkey, type Mail, type Viewer } from 'latchkey';

const mails: Mail[] = [];
const latchkey: Latchkey = await createLatchkey({
  settings: { PORT: '0', LATCHKEY_STORE_URL: 'sqlite::memory:', LATCHKEY_SECRET: '0123456789 abcdefghijklmnopqrstuvwxyz', LATCHKEY_BCRYPT_COST: '4', LOG_LEVEL: 'silent' },
  claims: async ({ email, roles }) => ({ tenant: email.split('@')[1], isUser: roles.includes('user') }),
  mailer: { send: async (mail) => void mails.push(mail) },
});
const app = fastify();
await app.register(latchkey.plugin, { prefix: '/auth' });
const address = await app.listen({ port: 0, host: '127.0.0.1' });
const document = 'mutation { signup(input: { email: "ada@example.com", password: "correct horse battery" }) { auth { accessToken } } }';
const response = await fetch(address + '/auth/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: document }),
});
const { data } = (await response.json()) as { data: { signup: { auth: { accessToken: string } } } };
const token = data.signup.auth.accessToken;
const viewer: Viewer = await latchkey.viewer(token);
const account = viewer.kind === 'account' ? await latchkey.account(viewer.accountId) : null;
const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { tenant: string };
const problems: unknown = await createLatchkey({ settings: { PORT: 'x' } }).catch((error: unknown) => error instanceof ConfigError && error.problems);
console.log(JSON.stringify({ email: account?.email, tenant: claims.tenant, version: latchkey.version, problems }));
await app.close();
`;
/** A service that verifies tokens, against a server of its own. */
const verifying = `
import { createLatchkey } from 'latchkey';
import { createVerifier, TokenRefusedError, VerifierUnavailableError, type VerifiedToken, type Verifier } from 'latchkey/verify';

const issuer = 'http://auth.test';
const serviceToken = 'token-of-the-services-0123456789';
const latchkey = await createLatchkey({
  settings: {
    PORT: '0', LATCHKEY_STORE_URL: 'sqlite::memory:', LATCHKEY_SECRET: '0123456789 abcdefghijklmnopqrstuvwxyz', LATCHKEY_BCRYPT_COST: '4',
    LATCHKEY_PUBLIC_URL: issuer, LATCHKEY_SERVICE_TOKEN: serviceToken, LOG_LEVEL: 'silent',
  },
});
const url = await latchkey.listen();
const ask = async (query: string, headers = {}) =>
  (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query }) })).json();
const { data } = (await ask('mutation { signup(input: { email: "ada@example.com", password: "correct horse battery" }) { auth { accessToken } } }')) as
  { data: { signup: { auth: { accessToken: string } } } };
const token = data.signup.auth.accessToken;
const verifier: Verifier = createVerifier({ issuer, audience: issuer, serviceToken, url: new URL(url).origin });
await verifier.ready();
const { roles, checkedBy }: VerifiedToken = await verifier.verifyHeader('Bearer ' + token);
await ask('mutation { logout }', { authorization: 'Bearer ' + token });
let reason: string | null = null;
const giveUpAt = Date.now() + 10_000;
while (reason === null && Date.now() < giveUpAt) {
  const error: unknown = await verifier.verify(token).then(() => null, (thrown: unknown) => thrown);
  reason = error instanceof TokenRefusedError ? error.reason : null;
}
await verifier.close();
const closed: unknown = await verifier.verify(token).catch((thrown: unknown) => thrown);
console.log(JSON.stringify({ roles, checkedBy, reason, closed: closed instanceof VerifierUnavailableError }));
await latchkey.close();
`;
/** Each is a mistake that the types must find. */
const mistakes = `
import { createLatchkey } from 'latchkey';
// @ts-expect-error: a claim source answers with an object
await createLatchkey({ claims: () => 'tenant' });
// @ts-expect-error: there is no such option
await createLatchkey({ port: 0 });
const latchkey = await createLatchkey();
const viewer = await latchkey.viewer(null);
// @ts-expect-error: only a viewer of kind account has one
viewer.accountId;
if (viewer.kind === 'account') {
  // @ts-expect-error: nobody outside gets a password hash
  (await latchkey.account(viewer.accountId))?.passwordHash;
}
// @ts-expect-error: what is inside stays inside
latchkey.services;
import { createVerifier } from 'latchkey/verify';
const known = { issuer: 'https://auth.example.com', audience: 'https://auth.example.com' };
// @ts-expect-error: without a service token it must be said
createVerifier(known);
// @ts-expect-error: a variable may not be set
createVerifier({ ...known, serviceToken: process.env.SERVICE_TOKEN });
// @ts-expect-error: who can check could forge
createVerifier({ ...known, serviceToken: null, algorithms: ['HS256'] });
// @ts-expect-error: no deep imports
await import('latchkey/dist/app.js');
`;
/** The programs of the manual, each a module. */
const examples = [...readFileSync(join(root, 'docs/library.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
const compilerOptions = {
  module: 'NodeNext',
  target: 'ES2023',
  lib: ['ES2023'],
  strict: true,
  types: ['node'],
  outDir: 'out',
  skipLibCheck: true,
};

describe('The package, installed into an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-package-'));
  const npm = (args: string[], cwd: string) =>
    run('npm', [...args, '--no-audit', '--no-fund', '--fetch-retries=5'], { cwd, maxBuffer: 1 << 26 });
  const node = (...args: string[]) => run(process.execPath, args, { cwd: folder });

  beforeAll(async () => {
    await npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    await npm(['install', '--ignore-scripts', '--prefer-offline', `./${tarball}`], folder);
    // What a consumer's own project would have.
    for (const name of ['typescript', '@types/node', 'undici-types']) {
      mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
      rmSync(join(folder, 'node_modules', name), { recursive: true, force: true });
      cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
    }
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('type-checks and runs, as do the programs of the manual: own claims, own mailer, mounted on a Fastify instance', async () => {
    writeFileSync(join(folder, 'program.ts'), program);
    expect(examples).toHaveLength(2);
    for (const [index, text] of examples.entries()) writeFileSync(join(folder, `example-${index}.ts`), text);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['program.ts', 'example-0.ts', 'example-1.ts'] }),
    );
    await node('node_modules/typescript/bin/tsc', '-p', '.');
    const { stdout } = await node('out/program.js');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(JSON.parse(stdout)).toEqual({
      email: 'ada@example.com',
      tenant: 'example.com',
      version,
      problems: [{ variable: 'PORT', problem: expect.any(String) }],
    });
    await node('out/example-1.js');
  }, 120_000);

  it('brings the verifier for other services, with its types', async () => {
    writeFileSync(join(folder, 'verifying.ts'), verifying);
    writeFileSync(join(folder, 'tsconfig.verifying.json'), JSON.stringify({ compilerOptions, files: ['verifying.ts'] }));
    await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.verifying.json');
    const { stdout } = await node('out/verifying.js');
    expect(JSON.parse(stdout)).toEqual({ roles: ['user'], checkedBy: 'feed', reason: 'REVOKED', closed: true });
  }, 120_000);

  it('keeps its inside to itself, and its types find mistakes', async () => {
    writeFileSync(join(folder, 'mistakes.ts'), mistakes);
    await node(
      'node_modules/typescript/bin/tsc',
      '--noEmit',
      '--ignoreConfig',
      '--strict',
      '--module',
      'NodeNext',
      '--target',
      'ES2023',
      '--types',
      'node',
      '--skipLibCheck',
      'mistakes.ts',
    ).catch(({ stdout }: { stdout: string }) => {
      throw new Error(stdout);
    });
    const deep = node('--input-type=module', '-e', "await import('latchkey/dist/app.js')");
    await expect(deep).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED') });
  }, 120_000);

  it('brings the schema and the command', async () => {
    const { stdout } = await node('--input-type=module', '-e', "process.stdout.write(import.meta.resolve('latchkey/schema.graphql'))");
    expect(readFileSync(new URL(stdout), 'utf8')).toContain('type AuthPayload');
    const form = await node('--input-type=module', '-e', "process.stdout.write(import.meta.resolve('latchkey/config.schema.json'))");
    expect(readFileSync(new URL(form.stdout), 'utf8')).toContain('defaultRole');
    const { stdout: help } = await run(join(folder, 'node_modules/.bin/latchkey'), ['--help'], { cwd: folder });
    expect(help).toContain('latchkey');
  });
});
