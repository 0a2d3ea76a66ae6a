import { chmodSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { KeyWrapping } from '../../src/auth/wrapped-keys.js';
import { checkSigningKeys, checkWrappings } from '../../src/doctor/keys.js';
import { checkCookies, checkProxies } from '../../src/doctor/web.js';
import { aSecret } from '../support/factories.js';
import { freePort } from '../support/mongo-server.js';
import { latchkey } from '../support/processes.js';
import { aKey, day, t0 } from '../support/records.js';
import { temporaryFolder, testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

/** Each command is a process of its own, which takes its time to start on a busy machine. */
jest.setTimeout(120_000);

interface Found {
  readonly name: string;
  readonly status: string;
  readonly message: string;
}

async function examine(environment: Record<string, string>, ...args: string[]) {
  const { code, stdout, stderr } = await latchkey(['doctor', '--json', ...args], environment);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Found[] };
  const of = (name: string) => checks.filter((check) => check.name === name);
  return { code, ok, checks, stderr, of, failed: checks.filter(({ status }) => status === 'fail') };
}

describeStores('latchkey doctor', (database) => {
  it('finds nothing wrong before the first start and after it, and makes nothing', async () => {
    const dataDir = join(temporaryFolder(), 'none');
    const environment = testEnvironment(database.url, { LATCHKEY_DATA_DIR: dataDir });
    const before = await examine(environment);
    expect({ code: before.code, ok: before.ok, stderr: before.stderr, failed: before.failed }).toEqual({
      code: 0,
      ok: true,
      stderr: '',
      failed: [],
    });
    expect(before.of('store')[0]?.message).toContain('no database yet');
    expect(existsSync(dataDir)).toBe(false);
    expect((await latchkey(['keys', 'list'], environment)).code).toBe(0);
    const after = await examine(environment);
    expect({ code: after.code, failed: after.failed }).toEqual({ code: 0, failed: [] });
    for (const name of ['indexes', 'signing keys', 'wrappings']) expect(after.of(name).map(({ status }) => status)).toEqual(['ok']);
    const wrong = await examine({ ...environment, LATCHKEY_SECRET: 'another secret: 0123456789 abcdefghijk' });
    expect({ code: wrong.code, failed: wrong.failed.map(({ name }) => name) }).toEqual({ code: 1, failed: ['wrappings'] });
  });
});

describe('latchkey doctor', () => {
  it('prints one line for each check to people', async () => {
    const { stdout, code } = await latchkey(['doctor'], testEnvironment('sqlite::memory:', { LATCHKEY_TRUSTED_PROXIES: '0.0.0.0/0' }));
    expect(code).toBe(1);
    for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(ok {2}|warn|FAIL) {2}[a-z][a-z ]{11} {2}\S/);
    expect(stdout).toMatch(/^FAIL {2}proxies/m);
  });

  it('names every faulty setting, and goes no further', async () => {
    const { code, checks } = await examine({ PORT: 'x', LATCHKEY_SECRET: 'short', NODE_ENV: 'production' });
    expect(code).toBe(1);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual(checks.map(() => 'settings fail'));
    expect(checks.map(({ message }) => message.split(' ')[0])).toEqual(['PORT', 'LATCHKEY_SECRET', 'LATCHKEY_PUBLIC_URL']);
  });

  it('says that the store is down', async () => {
    const { code, failed } = await examine(testEnvironment(`mongodb://user:word@127.0.0.1:${await freePort()}/name`));
    expect({ code, failed }).toEqual({
      code: 1,
      failed: [{ name: 'store', status: 'fail', message: expect.stringContaining('cannot be reached') }],
    });
  });

  it('finds files that others can read, and closes them when it is told to', async () => {
    const dataDir = temporaryFolder();
    const { LATCHKEY_STORE_URL: _, LATCHKEY_SECRET: __, ...environment } = testEnvironment('', { LATCHKEY_DATA_DIR: dataDir });
    expect((await latchkey(['keys', 'list'], environment)).code).toBe(0);
    const [secret, file] = [join(dataDir, 'secret'), join(dataDir, 'latchkey.db')];
    for (const path of [secret, file]) chmodSync(path, 0o644);
    const found = await examine(environment);
    expect({ code: found.code, failed: found.failed.map(({ message }) => message.split(' ')[0]) }).toEqual({
      code: 1,
      failed: [secret, file],
    });
    expect(statSync(secret).mode & 0o777).toBe(0o644);
    expect((await examine(environment, '--fix')).failed).toEqual([]);
    expect([secret, file].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  });
});

describe('what doctor says', () => {
  const web = { publicUrl: 'https://auth.example.com', host: '10.0.0.1', trustedProxies: [], allowedOrigins: ['https://auth.example.com'] };

  it.each([
    [{ trustedProxies: ['10.0.0.1', '0.0.0.0/0'] }, 'fail', /everybody/],
    [{ trustedProxies: ['::/0'] }, 'fail', /everybody/],
    [{ trustedProxies: ['10.0.0.0/7'] }, 'warn', /very large/],
    [{ trustedProxies: ['10.0.0.0/8', 'fd00::/8'] }, 'warn', /very large/],
    [{ trustedProxies: ['10.0.0.0/8'] }, 'ok', /1 trusted/],
    [{ host: '127.0.0.1' }, 'warn', /on this machine/],
    [{}, 'warn', /in front/],
    [{ publicUrl: 'http://auth.example.com' }, 'ok', /none/],
  ])('of proxies %j is %s', (overrides, status, message) => {
    expect(checkProxies({ ...web, ...overrides })).toEqual({ name: 'proxies', status, message: expect.stringMatching(message) });
  });

  it.each<[string, string[], number]>([
    ['https://auth.example.com', ['https://app.example.com', 'https://example.com:8443', 'https://auth.example.com'], 0],
    ['https://auth.example.com', ['https://example.org', 'http://app.example.com', 'https://com'], 3],
    ['http://127.0.0.1:4000', ['http://127.0.0.1:3000'], 1],
    ['http://127.0.0.1:4000', ['http://10.0.0.1'], 2],
    ['http://localhost:4000', ['http://localhost:3000'], 1],
  ])('of cookies for %s and pages of %j warns %i times', (publicUrl, allowedOrigins, warnings) => {
    const checks = checkCookies({ ...web, publicUrl, allowedOrigins });
    expect(checks.filter(({ status }) => status === 'warn')).toHaveLength(warnings);
    expect(checks.length).toBe(Math.max(1, warnings));
  });

  it.each([
    ['ok', [], 0],
    ['ok', [aKey({ activatesAt: t0 })], 1],
    ['ok', [aKey({ activatesAt: t0 })], 31],
    ['warn', [aKey({ activatesAt: t0 })], 32],
    ['ok', [aKey({ activatesAt: t0 }), aKey({ sequence: 2, activatesAt: t0 + 33 * day })], 32],
    ['fail', [aKey({ activatesAt: t0, revokedAt: t0 })], 1],
    ['warn', [aKey({ activatesAt: t0, revokedAt: t0 }), aKey({ sequence: 2, activatesAt: t0 + 3 * day })], 1],
  ] as const)('of signing keys is %s for %j after %i days', (status, keys, days) => {
    const config = { keyRotationSeconds: 30 * 86_400, accessTokenTtlSeconds: 3_600 };
    expect(checkSigningKeys(keys, config, t0 + days * day).map((check) => check.status)).toEqual([status]);
  });

  it.each([
    [['new', 'old'], ['new', 'old'], ['ok']],
    [['new', 'old'], ['new'], ['warn']],
    [['old'], ['new', 'old'], ['warn']],
    [['old'], ['new'], ['fail']],
  ])('of keys that are wrapped under %j while %j are configured is %j', (under, configured, statuses) => {
    const key = aKey();
    const wrapped = new KeyWrapping(under.map((name) => aSecret(name))).wrap(key, Buffer.alloc(32));
    const checks = checkWrappings(
      [{ ...key, wrapped }],
      configured.map((name) => aSecret(name)),
    );
    expect(checks.map(({ status }) => status)).toEqual(statuses);
  });

  it('of wrappings is nothing where there are no keys, and a failure where there is no secret for them', () => {
    expect(checkWrappings([], null)).toEqual([]);
    expect(checkWrappings([aKey()], null)).toMatchObject([{ status: 'fail' }]);
  });
});
