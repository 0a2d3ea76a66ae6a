import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Config, ConfigError, loadConfig, noMailWarning, noSignupWarning, type Setting, settings } from '../src/config.js';
import { explain } from '../src/explain.js';

type Environment = Readonly<Record<string, string>>;
type Key = keyof typeof settings;

const strong = 'Zx9 a secret of more than thirty-two bytes';
const production = {
  NODE_ENV: 'production',
  LATCHKEY_SECRET: strong,
  LATCHKEY_PUBLIC_URL: 'https://auth.example.com',
  LATCHKEY_SMTP_URL: 'smtps://mail.example.com',
  LATCHKEY_MAIL_FROM: 'no-reply@example.com',
};
const rows: readonly Setting[] = Object.values(settings);
const secretRows = rows.filter(({ secret }) => secret);

/** The refusal of these settings. */
function refusal(environment: Environment): ConfigError {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('these settings were accepted');
}
const faulty = (environment: Environment): string[] => refusal(environment).problems.map(({ variable }) => variable);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('without any variable', () => {
  it('the defaults are those of the design', () => {
    expect(loadConfig({})).toEqual({
      production: false,
      host: '127.0.0.1',
      port: 4_000,
      dataDir: resolve('data'),
      storeUrl: `sqlite:${resolve('data/latchkey.db')}`,
      secret: null,
      previousSecrets: [],
      publicUrl: 'http://127.0.0.1:4000',
      audience: 'http://127.0.0.1:4000',
      clientId: 'latchkey',
      signingAlgorithm: 'ES256',
      accessTokenTtlSeconds: 3_600,
      refreshTokenTtlSeconds: 7 * 86_400,
      sessionMaxAgeSeconds: 90 * 86_400,
      refreshGraceSeconds: 10,
      sessionLimit: 0,
      sessionBinding: 'off',
      sessionHistorySeconds: 30 * 86_400,
      roles: {
        user: [],
        support: ['users:read', 'sessions:read'],
        admin: ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'],
      },
      defaultRole: 'user',
      reauthenticationAgeSeconds: 900,
      emailVerificationRequired: false,
      resetTtlSeconds: 3_600,
      verificationTtlSeconds: 86_400,
      auditHistorySeconds: 31_557_600,
      bcryptCost: 12,
      hashThreads: Math.min(availableParallelism(), 3),
      passwordMinLength: 8,
      passwordMaxLength: 256,
      signupEnabled: true,
      throttle: true,
      notices: { newDevice: true, passwordChanged: true, emailChanged: true, reuseDetected: true },
      smtpUrl: null,
      mailFrom: null,
      resetUrl: null,
      verifyUrl: null,
      allowedOrigins: ['http://127.0.0.1:4000'],
      trustedProxies: [],
      introspection: true,
      sandbox: true,
      console: true,
      keyRotationSeconds: 30 * 86_400,
      tokenClaims: [],
      maxTokens: 2_000,
      maxDepth: 12,
      maxAliases: 30,
      maxDirectives: 50,
      requestTimeoutMs: 10_000,
      maxBodyBytes: 100 * 1024,
      logLevel: 'info',
      metricsToken: null,
      serviceToken: null,
      otlpEndpoint: null,
      otlpServiceName: 'latchkey',
      startedByNpm: false,
      warnings: expect.any(Array),
    });
  });

  it('nothing of the settings can be changed any more, lists included', () => {
    const config = loadConfig({
      LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/8',
      LATCHKEY_TOKEN_CLAIMS: 'email',
      LATCHKEY_PREVIOUS_SECRETS: strong,
    });
    expect(Object.isFrozen(config)).toBe(true);
    const thawed = Object.entries(config).filter(([, value]) => Array.isArray(value) && !Object.isFrozen(value));
    expect(thawed.map(([name]) => name)).toEqual([]);
  });

  it('the start says aloud what is not for production', () => {
    const { warnings } = loadConfig({});
    expect(warnings).toEqual([
      expect.stringContaining('LATCHKEY_SECRET'),
      expect.stringContaining('plain http'),
      expect.stringContaining('introspection'),
      expect.stringContaining('the sandbox is on'),
    ]);
    expect(loadConfig({ LATCHKEY_THROTTLE: 'off' }).warnings).toContainEqual(expect.stringContaining('LATCHKEY_THROTTLE is off'));
    expect(loadConfig({ LATCHKEY_BCRYPT_COST: '9' }).warnings).toContainEqual(expect.stringContaining('LATCHKEY_BCRYPT_COST'));
    const unexplored = { LATCHKEY_INTROSPECTION: 'off', LATCHKEY_SANDBOX: 'off' };
    expect(loadConfig({ ...production, NODE_ENV: '', ...unexplored }).warnings).toEqual([]);
  });

  it('the start of production says that mails go nowhere, or may be read on the way', () => {
    const said = (more: Record<string, string>) =>
      loadConfig({ ...production, ...more }).warnings.filter((warning) => warning.includes('LATCHKEY_SMTP_URL'));
    expect(said({ LATCHKEY_SMTP_URL: '' })).toEqual([noMailWarning]);
    const required = { LATCHKEY_EMAIL_VERIFICATION: 'required' };
    expect(said({ ...required, LATCHKEY_SMTP_URL: '' })).toEqual([noMailWarning, noSignupWarning]);
    expect(said({ ...required, LATCHKEY_SIGNUP: 'off', LATCHKEY_SMTP_URL: '' })).toEqual([noMailWarning]);
    expect(said({ ...required, LATCHKEY_SMTP_URL: 'smtps://mail.example.com' })).toEqual([]);
    expect(said({ LATCHKEY_SMTP_URL: 'smtp://mail.example.com' })).toEqual([expect.stringContaining('can be read on the way')]);
    for (const url of ['smtps://mail.example.com', 'smtp://ada:hunter22@mail.example.com', 'smtp://localhost:25', 'smtp://[::1]:25'])
      expect(said({ LATCHKEY_SMTP_URL: url })).toEqual([]);
  });

  it('an empty variable counts as not set', () => {
    const empty = Object.fromEntries(
      rows.flatMap(({ env }) => [
        [env, ''],
        [`${env}_FILE`, ''],
      ]),
    );
    const { warnings: _, ...config } = loadConfig(empty);
    const { warnings: __, ...defaults } = loadConfig({});
    expect(config).toEqual(defaults);
  });
});

const durations = ['soon', '3600', '1h30m', '-5m', '1.5h', '10 m', ' 10m', '10M', '1e3s', '10min', '9999999s'];
/** Values that each setting must refuse. None only where any text is meant. */
const badValues: Readonly<Record<Key, readonly string[]>> = {
  nodeEnv: [],
  host: [],
  dataDir: [],
  audience: [],
  clientId: [],
  port: ['65536', 'http', '-7', '80.5', '0x1F90', ' 8080', '8e3', '99999999999'],
  storeUrl: [
    'sqlite:',
    'mongodb://',
    'mongodb+srv://',
    'postgres://user:hunter22@db/latchkey',
    '/var/lib/latchkey.db',
    'SQLITE:latchkey.db',
    'mongo://db',
  ],
  secret: ['correct horse', strong.slice(0, 31), 'k'.repeat(64), 'abcdefghi'.repeat(8), '\u00e9'.repeat(40)],
  previousSecrets: ['correct horse', `${strong},correct horse`, 'k'.repeat(64), `${strong},${'ab'.repeat(20)}`],
  publicUrl: [
    'auth.example.com',
    'ftp://auth.example.com',
    'https://',
    'https://ada:hunter22@auth.example.com',
    'https://ada@auth.example.com',
    'https://:hunter22@auth.example.com',
    'https://auth.example.com?x=1',
    'https://auth.example.com/#x',
    'javascript:alert(1)',
    '//auth.example.com',
    'https://auth example.com',
  ],
  signingAlgorithm: ['es256', 'none', 'ES384', 'PS256', 'HS512', ' ES256'],
  accessTokenTtlSeconds: ['59s', '25h', '86401s', ...durations],
  refreshTokenTtlSeconds: ['4m', '299s', '367d', ...durations],
  sessionMaxAgeSeconds: ['4m', '101y', ...durations],
  refreshGraceSeconds: ['61s', '2m', ...durations],
  sessionLimit: ['1001', '-7', 'many', '2.5', 'unlimited'],
  sessionBinding: ['on', 'ip', 'Agent', 'agent,address'],
  sessionHistorySeconds: ['367d', '2y', ...durations],
  auditHistorySeconds: ['11y', '4000d', ...durations],
  bcryptCost: ['3', '16', '-12', 'high', '12.5'],
  hashThreads: ['1', '1025', 'all', '4.5'],
  passwordMinLength: ['7', '1025', 'long', '8.5'],
  passwordMaxLength: ['63', '1025', 'long', '64.5'],
  emailVerificationRequired: ['on', 'Required', 'true'],
  resetTtlSeconds: ['4m', '299s', '8d', ...durations],
  verificationTtlSeconds: ['4m', '299s', '8d', ...durations],
  configFile: ['/is/not/there.json', '/', 'nothing'],
  reauthenticationAgeSeconds: ['25h', '86401s', 'off', ...durations],
  signupEnabled: ['true', 'yes', 'ON', 'maybe'],
  throttle: ['true', 'no', 'OFF', '0'],
  smtpUrl: [
    'mail.example.com:587',
    'https://mail.example.com',
    'smtp://',
    'smtp:///',
    'smtp://ada:hunter22@',
    'smtp://ada@mail.example.com',
    'smtp://:hunter22@mail.example.com',
    'smtp://ada:%zz@mail.example.com',
    'smtp://mail.example.com/path',
    'smtp://mail.example.com?pool=true',
    'smtp://mail.example.com#x',
  ],
  mailFrom: [
    'Latchkey',
    '@example.com',
    'a@',
    'a b@example.com',
    'a@example.com, b@example.com',
    'Name <a@example.com',
    'Name <a@example.com> <b@example.com>',
    'Name\r\nBcc: b@example.com <a@example.com>',
  ],
  resetUrl: ['/reset-password', 'https://app.example.com/?x=1', 'https://app.example.com/#x', 'javascript:alert(1)'],
  verifyUrl: ['/verify-email', 'https://app.example.com/?x=1', 'https://app.example.com/#x', 'javascript:alert(1)'],
  allowedOrigins: [
    '*',
    'https://app.example.com/',
    'https://app.example.com/path',
    'app.example.com',
    'null',
    'https://*.example.org',
    'HTTPS://app.example.com',
    'https://app.example.org:443',
    'https://ok.example.com,nonsense',
    'file:///etc/passwd',
  ],
  trustedProxies: [
    'localhost',
    '300.0.0.1',
    '10.0.0.0/33',
    '10.1',
    '10.0.0.1/',
    '*',
    '::1/129',
    '10.0.0.0/8/8',
    '0x7f.0.0.1',
    '10.0.0.1,nonsense',
    '10.0.0.0/255.0.0.0',
  ],
  introspection: ['true', 'yes', 'OFF', 'maybe'],
  sandbox: ['true', 'yes', 'ON', 'maybe'],
  console: ['true', 'yes', 'ON', 'maybe'],
  keyRotationSeconds: ['23h', '367d', 'never', 'OFF', ...durations],
  tokenClaims: ['roles', 'email,passwordHash', 'Email', 'email;username'],
  maxTokens: ['199', '20001', 'many', '-2000', '2e3'],
  maxDepth: ['9', '101', 'deep', '12.5'],
  maxAliases: ['1001', 'many', '-7'],
  maxDirectives: ['1001', 'many', '-7'],
  requestTimeoutMs: ['999ms', '6m', ...durations],
  maxBodyBytes: ['100', '1023b', '11mb', '10gb', '1.5mb', '100 kb', '100KB', 'large', '-7kb'],
  logLevel: ['verbose', 'INFO', '30', 'warning'],
  metricsToken: [
    'fifteen-letters',
    'sixteen letters..',
    'm\u00e9trique-0123456789',
    '===============',
    'a=b=c=d=e=f=g=h=',
    'k'.repeat(1025),
  ],
  serviceToken: ['fifteen-letters', 'sixteen letters..', '===============', 'k'.repeat(1025)],
  otlpEndpoint: [
    'collector:4318',
    'grpc://collector:4317',
    'http://ada:hunter22@collector:4318',
    'http://collector:4318?x=1',
    '/v1/traces',
  ],
  otlpServiceName: [],
};

describe('a faulty setting (P24)', () => {
  const cases = (Object.entries(badValues) as [Key, readonly string[]][]).flatMap(([key, values]) =>
    values.map((value) => [settings[key].env, value] as const),
  );

  it.each(cases)('%s is refused as %j, by name and without the value', (env, value) => {
    const [{ variable = '', problem = '' } = {}, ...others] = refusal({ [env]: value }).problems;
    expect({ variable, others }).toEqual({ variable: env, others: [] });
    expect(problem).toMatch(/^(must|each must|may) .{10,}/);
    // Another faulty value gives the same words: so there is nothing of a value in them.
    const other = refusal({ [env]: 'hunter22' });
    expect(other.message).toBe(`${env} ${problem}`);
    expect(explain(other)).toContain(other.message);
    expect(explain(other) + JSON.stringify(other)).not.toContain('hunter22');
  });

  it('is told of together with all the others', () => {
    const bad = (Object.entries(badValues) as [Key, readonly string[]][]).flatMap(([key, [value]]) =>
      value === undefined ? [] : [[settings[key].env, value] as const],
    );
    expect(faulty(Object.fromEntries(bad)).sort()).toEqual(bad.map(([env]) => env).sort());
    expect(bad.length).toBeGreaterThan(25);
  });

  it('is refused in production as well, and no further fault is invented for it', () => {
    expect(faulty({ ...production, LATCHKEY_SECRET: 'short' })).toEqual(['LATCHKEY_SECRET']);
    expect(faulty({ ...production, LATCHKEY_PUBLIC_URL: 'nonsense' })).toEqual(['LATCHKEY_PUBLIC_URL']);
    expect(faulty({ ...production, LATCHKEY_BCRYPT_COST: 'nonsense' })).toEqual(['LATCHKEY_BCRYPT_COST']);
  });

  it('is refused where two settings do not go together', () => {
    expect(faulty({ LATCHKEY_SESSION_MAX_AGE: '6d' })).toEqual(['LATCHKEY_SESSION_MAX_AGE']);
    expect(loadConfig({ LATCHKEY_SESSION_MAX_AGE: '7d' }).sessionMaxAgeSeconds).toBe(7 * 86_400);
    expect(faulty({ LATCHKEY_PASSWORD_MIN_LENGTH: '65', LATCHKEY_PASSWORD_MAX_LENGTH: '64' })).toEqual(['LATCHKEY_PASSWORD_MIN_LENGTH']);
    expect(faulty({ LATCHKEY_SMTP_URL: 'smtp://mail.example.com' })).toEqual(['LATCHKEY_MAIL_FROM']);
    expect(faulty({ ...production, LATCHKEY_RESET_URL: 'http://app.test', LATCHKEY_VERIFY_URL: 'http://app.test' })).toEqual([
      'LATCHKEY_RESET_URL',
      'LATCHKEY_VERIFY_URL',
    ]);
    expect(loadConfig({ LATCHKEY_PASSWORD_MIN_LENGTH: '64', LATCHKEY_PASSWORD_MAX_LENGTH: '64' }).passwordMinLength).toBe(64);
  });
});

describe('a setting', () => {
  const read = (key: keyof Config, env: string, value: string): unknown =>
    loadConfig({ LATCHKEY_SESSION_MAX_AGE: '100y', [env]: value })[key];

  it.each<[keyof Config, string, unknown]>([
    ['port', '0', 0],
    ['port', '65535', 65_535],
    ['accessTokenTtlSeconds', '1m', 60],
    ['accessTokenTtlSeconds', '60s', 60],
    ['accessTokenTtlSeconds', '24h', 86_400],
    ['accessTokenTtlSeconds', '1d', 86_400],
    ['refreshTokenTtlSeconds', '5m', 300],
    ['refreshTokenTtlSeconds', '1y', 31_557_600],
    ['sessionMaxAgeSeconds', '100y', 3_155_760_000],
    ['refreshGraceSeconds', '0', 0],
    ['refreshGraceSeconds', '0s', 0],
    ['refreshGraceSeconds', '60s', 60],
    ['refreshGraceSeconds', '1m', 60],
    ['sessionLimit', '1000', 1_000],
    ['sessionBinding', 'both', 'both'],
    ['sessionHistorySeconds', '0', 0],
    ['sessionHistorySeconds', '1y', 31_557_600],
    ['auditHistorySeconds', '0', 0],
    ['auditHistorySeconds', '10y', 315_576_000],
    ['bcryptCost', '4', 4],
    ['bcryptCost', '15', 15],
    ['hashThreads', '2', 1],
    ['passwordMinLength', '15', 15],
    ['passwordMaxLength', '64', 64],
    ['passwordMaxLength', '1024', 1_024],
    ['reauthenticationAgeSeconds', '0s', 0],
    ['reauthenticationAgeSeconds', '24h', 86_400],
    ['signupEnabled', 'off', false],
    ['throttle', 'off', false],
    ['mailFrom', 'no-reply@example.com', { name: '', address: 'no-reply@example.com' }],
    ['mailFrom', '  Ada, Inc. (Auth)  <no-reply@example.com>', { name: 'Ada, Inc. (Auth)', address: 'no-reply@example.com' }],
    ['resetUrl', 'https://app.example.com/reset/', 'https://app.example.com/reset'],
    ['resetTtlSeconds', '5m', 300],
    ['verificationTtlSeconds', '7d', 604_800],
    ['introspection', 'off', false],
    ['sandbox', 'off', false],
    ['console', 'off', false],
    ['keyRotationSeconds', 'off', 0],
    ['keyRotationSeconds', '1d', 86_400],
    ['tokenClaims', 'email, username', ['email', 'username']],
    ['trustedProxies', '10.0.0.0/8, ::1 ,,192.0.2.7', ['10.0.0.0/8', '::1', '192.0.2.7']],
    ['allowedOrigins', 'https://a.example.com,http://localhost:5173', ['https://a.example.com', 'http://localhost:5173']],
    ['requestTimeoutMs', '1s', 1_000],
    ['requestTimeoutMs', '5m', 300_000],
    ['maxBodyBytes', '1kb', 1_024],
    ['maxBodyBytes', '10mb', 10 * 1024 * 1024],
    ['maxDepth', '10', 10],
    ['logLevel', 'silent', 'silent'],
    ['signingAlgorithm', 'HS256', 'HS256'],
    ['audience', 'https://api.example.com', 'https://api.example.com'],
    ['clientId', 'console', 'console'],
    ['metricsToken', 'sixteen-letters.', 'sixteen-letters.'],
    ['metricsToken', `${'k'.repeat(1022)}==`, `${'k'.repeat(1022)}==`],
    ['serviceToken', 'sixteen-letters.', 'sixteen-letters.'],
    ['otlpEndpoint', 'http://collector:4318/', 'http://collector:4318'],
    ['otlpServiceName', 'sign-in', 'sign-in'],
  ])('%s takes %j at the edge of its bounds', (key, value, expected) => {
    expect(read(key, settings[key as Key].env, value)).toEqual(expected);
  });

  it('with a public URL loses the slash at its end, and gives audience and origin', () => {
    expect(loadConfig({ LATCHKEY_PUBLIC_URL: 'https://Example.com/auth//' })).toMatchObject({
      publicUrl: 'https://example.com/auth',
      audience: 'https://example.com/auth',
      allowedOrigins: ['https://example.com'],
    });
  });

  it('with another port gives another public URL', () => {
    expect(loadConfig({ PORT: '8080' }).publicUrl).toBe('http://127.0.0.1:8080');
  });

  it.each([
    ['sqlite:latchkey.db', `sqlite:${resolve('latchkey.db')}`],
    ['sqlite:./a/../b.db', `sqlite:${resolve('b.db')}`],
    ['sqlite:/var/lib/latchkey.db', 'sqlite:/var/lib/latchkey.db'],
    ['sqlite::memory:', 'sqlite::memory:'],
    ['mongodb://db.example.com/latchkey', 'mongodb://db.example.com/latchkey'],
    ['mongodb+srv://db.example.com', 'mongodb+srv://db.example.com'],
  ])('with the store %j means %j', (value, expected) => {
    expect(loadConfig({ LATCHKEY_STORE_URL: value }).storeUrl).toBe(expected);
  });

  it('with a data folder puts the database there', () => {
    expect(loadConfig({ LATCHKEY_DATA_DIR: '/var/lib/latchkey' })).toMatchObject({
      dataDir: '/var/lib/latchkey',
      storeUrl: 'sqlite:/var/lib/latchkey/latchkey.db',
    });
    expect(loadConfig({ LATCHKEY_DATA_DIR: 'elsewhere' }).storeUrl).toBe(`sqlite:${resolve('elsewhere/latchkey.db')}`);
  });

  it('with a secret of exactly 32 bytes and 10 different ones is strong enough', () => {
    const least = 'abcdefghij'.padEnd(32, 'a');
    expect(loadConfig({ LATCHKEY_SECRET: least }).secret).toBe(least);
  });

  it('that nobody knows is warned of by name, not by value, in production too', () => {
    for (const environment of [{}, production]) {
      const { warnings } = loadConfig({
        ...environment,
        LATCHKEY_ACCESS_TTL: 'hunter22',
        LATCHKEY_AUDIENCE_FILE: '/x',
        OTHER: 'x',
        HOSTNAME: 'x',
      });
      const unknown = warnings.filter((warning) => warning.includes('is not a setting'));
      expect(unknown).toEqual([expect.stringContaining('LATCHKEY_ACCESS_TTL'), expect.stringContaining('LATCHKEY_AUDIENCE_FILE')]);
      expect(warnings.join()).not.toContain('hunter22');
    }
  });
});

describe('a setting from a file', () => {
  it('is one of those that are secret', () => {
    expect(secretRows.map(({ env }) => env)).toEqual([
      'LATCHKEY_STORE_URL',
      'LATCHKEY_SECRET',
      'LATCHKEY_PREVIOUS_SECRETS',
      'LATCHKEY_SMTP_URL',
      'LATCHKEY_METRICS_TOKEN',
      'LATCHKEY_SERVICE_TOKEN',
    ]);
  });

  it.each(['\n', '\r\n', ''])('is read without the line break %j at its end', (lineBreak) => {
    const path = file('secret', `${strong}${lineBreak}`);
    expect(loadConfig({ LATCHKEY_SECRET_FILE: path })).toMatchObject({ secret: strong });
    expect(loadConfig({ LATCHKEY_SECRET_FILE: path }).warnings.join()).not.toContain('LATCHKEY_SECRET');
  });

  it('may be the store and the previous secrets', () => {
    const environment = {
      LATCHKEY_STORE_URL_FILE: file('store', 'mongodb://db/latchkey\n'),
      LATCHKEY_PREVIOUS_SECRETS_FILE: file('previous', `${strong},B${strong}\n`),
    };
    expect(loadConfig(environment)).toMatchObject({ storeUrl: 'mongodb://db/latchkey', previousSecrets: [strong, `B${strong}`] });
  });

  it.each(secretRows.map(({ env }) => env))('is refused when %s is set as well', (env) => {
    const value = env === 'LATCHKEY_STORE_URL' ? 'sqlite::memory:' : strong;
    const error = refusal({ [env]: value, [`${env}_FILE`]: file('both', value) });
    expect(error.problems).toEqual([{ variable: env, problem: `and ${env}_FILE are both set` }]);
    expect(error.message).not.toContain(value);
  });

  it.each(secretRows.map(({ env }) => env))('is refused when %s_FILE cannot be read', (env) => {
    const path = join(folder, 'is not there');
    const error = refusal({ [`${env}_FILE`]: path });
    expect(error.problems).toEqual([{ variable: `${env}_FILE`, problem: 'names a file that cannot be read' }]);
    expect(error.message).not.toContain(path);
    expect(faulty({ [`${env}_FILE`]: folder })).toEqual([`${env}_FILE`]);
  });

  it('is refused when it is weak, without being printed', () => {
    const error = refusal({ LATCHKEY_SECRET_FILE: file('weak', 'correct horse\n') });
    expect(error.problems).toMatchObject([{ variable: 'LATCHKEY_SECRET' }]);
    expect(error.message).not.toContain('correct horse');
  });

  it('is at fault when the file is empty: a secret would be made, and open nothing', () => {
    expect(faulty({ ...production, LATCHKEY_SECRET: '', LATCHKEY_SECRET_FILE: file('empty', '\n') })).toEqual(['LATCHKEY_SECRET_FILE']);
  });

  it('is one fault in production too when it cannot be read or is given twice', () => {
    expect(faulty({ ...production, LATCHKEY_SECRET: '', LATCHKEY_SECRET_FILE: join(folder, 'is not there') })).toEqual([
      'LATCHKEY_SECRET_FILE',
    ]);
    expect(faulty({ ...production, LATCHKEY_SECRET_FILE: file('twice', strong) })).toEqual(['LATCHKEY_SECRET']);
  });
});

describe('in production', () => {
  it('secret and public URL are required, and told of together', () => {
    expect(refusal({ NODE_ENV: 'production' }).problems).toEqual([
      { variable: 'LATCHKEY_SECRET', problem: 'is required in production' },
      { variable: 'LATCHKEY_PUBLIC_URL', problem: 'is required in production' },
    ]);
  });

  it.each([
    ['LATCHKEY_PUBLIC_URL', 'http://auth.example.com'],
    ['LATCHKEY_PUBLIC_URL', 'HTTP://auth.example.com'],
    ['LATCHKEY_THROTTLE', 'off'],
    ['LATCHKEY_BCRYPT_COST', '9'],
    ['LATCHKEY_BCRYPT_COST', '4'],
    ['LATCHKEY_SECRET', ''],
    ['LATCHKEY_PUBLIC_URL', ''],
  ])('%s is refused as %j', (env, value) => {
    expect(faulty({ ...production, [env]: value })).toEqual([env]);
  });

  it('SQLite is allowed, the least cost is 10, introspection is off unless it is turned on, and there is nothing to warn of', () => {
    const config = loadConfig({ ...production, LATCHKEY_STORE_URL: 'sqlite:/var/lib/latchkey.db', LATCHKEY_BCRYPT_COST: '10' });
    expect(config).toMatchObject({ production: true, bcryptCost: 10, introspection: false, warnings: [] });
    expect(loadConfig({ ...production, LATCHKEY_INTROSPECTION: 'on' }).introspection).toBe(true);
  });

  it('the sandbox is off unless it is turned on, and the start says that it has no schema without introspection', () => {
    expect(loadConfig(production)).toMatchObject({ sandbox: false, console: true });
    const on = loadConfig({ ...production, LATCHKEY_SANDBOX: 'on' });
    expect(on).toMatchObject({
      sandbox: true,
      warnings: [expect.stringContaining('LATCHKEY_SANDBOX is on and LATCHKEY_INTROSPECTION is off')],
    });
    expect(loadConfig({ ...production, LATCHKEY_SANDBOX: 'on', LATCHKEY_INTROSPECTION: 'on' })).toMatchObject({
      sandbox: true,
      warnings: [],
    });
  });

  it.each(['Production', 'prod', 'production '])('is not what NODE_ENV=%j means', (value) => {
    expect(loadConfig({ NODE_ENV: value }).production).toBe(false);
  });
});

describe('npm', () => {
  it.each([
    ['start', true],
    ['test', false],
    ['', false],
  ])('in its script %j has started the server: %s', (script, expected) => {
    expect(loadConfig({ npm_lifecycle_event: script }).startedByNpm).toBe(expected);
  });
});

describe('the table of settings', () => {
  it('names each variable once, and says of each what it is and what it may be', () => {
    expect(new Set(rows.map(({ env }) => env)).size).toBe(rows.length);
    for (const row of rows) {
      expect(row.env).toMatch(/^(LATCHKEY_[A-Z_]+|NODE_ENV|HOST|PORT|LOG_LEVEL|UV_THREADPOOL_SIZE|OTEL_[A-Z_]+)$/);
      expect([row.about, row.bounds, row.defaultText].every((text) => text !== '')).toBe(true);
    }
  });

  it('is read from the environment of the process by default', () => {
    const before = process.env.LATCHKEY_CLIENT_ID;
    process.env.LATCHKEY_CLIENT_ID = 'from the process';
    try {
      expect(loadConfig().clientId).toBe('from the process');
    } finally {
      if (before === undefined) delete process.env.LATCHKEY_CLIENT_ID;
      else process.env.LATCHKEY_CLIENT_ID = before;
    }
  });
});
