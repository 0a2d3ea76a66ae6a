import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import ms from 'ms';
import { z } from 'zod';
import { ConfigFileError, type FileSettings, readConfigFile } from './config-file.js';
import { isPlainSmtp } from './mail/smtp-url.js';

/** One row of the settings table. `docs/configuration.md` and `.env.example` are generated from these rows. */
export interface Setting<T = unknown> {
  readonly env: string;
  /** The default as a reader of the manual sees it. */
  readonly defaultText: string;
  readonly bounds: string;
  readonly about: string;
  /** True: the value may also come from the file that `<env>_FILE` names. Such a value is never printed. */
  readonly secret?: boolean;
  /** From the text of the variable, or undefined where it is not set (or empty), to the value. */
  readonly parse: z.ZodType<T, string | undefined>;
}

const setting = <T>(row: Setting<T>): Setting<T> => row;
const fail = (context: z.core.$RefinementCtx, message: string): never => {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
};

const text = (byDefault: string) => z.string().default(byDefault);
const optionalText = z
  .string()
  .optional()
  .transform((value) => value ?? null);
const integer = (byDefault: number, least: number, most: number) =>
  z
    .string()
    .default(String(byDefault))
    .transform((value, context) => {
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      return number >= least && number <= most ? number : fail(context, `must be a whole number from ${least} to ${most}`);
    });
const onOff = z
  .enum(['on', 'off'], { error: 'must be on or off' })
  .optional()
  .transform((value) => (value === undefined ? null : value === 'on'));
const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );

const durationMs = (value: string): number => {
  if (value === '0') return 0;
  return /^\d{1,6}(s|m|h|d|y)$/.test(value) ? ms(value as ms.StringValue) : Number.NaN;
};
/** Seconds. */
const duration = (byDefault: string, least: string, most: string, alsoOff = false) =>
  z
    .string()
    .default(byDefault)
    .transform((value, context) => {
      if (alsoOff && value === 'off') return 0;
      const duration = durationMs(value);
      if (duration >= durationMs(least) && duration <= durationMs(most)) return Math.round(duration / 1000);
      return fail(context, `must be a duration from ${least} to ${most}, such as 30s, 15m, 1h, 7d or 1y${alsoOff ? ', or off' : ''}`);
    });

const byteUnits: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 * 1024 };
const bytes = (byDefault: string, least: number, most: number) =>
  z
    .string()
    .default(byDefault)
    .transform((value, context) => {
      const match = /^(\d{1,9})(b|kb|mb)$/.exec(value);
      const size = Number(match?.[1]) * (byteUnits[match?.[2] ?? ''] ?? Number.NaN);
      return size >= least && size <= most ? size : fail(context, `must be a size from ${least}b to ${most}b, such as 100kb`);
    });

/** The URL without a trailing slash, or null. */
const httpUrl = (value: string): string | null => {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return null;
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return null;
  return url.href.replace(/\/+$/, '');
};
const optionalUrl = z
  .string()
  .optional()
  .transform((value, context) => {
    if (value === undefined) return null;
    return httpUrl(value) ?? fail(context, 'must be an absolute http or https URL without credentials, query or fragment');
  });
const origins = list.transform((values, context) =>
  values.every((value) => !value.includes('*') && httpUrl(value) !== null && new URL(value).origin === value)
    ? values
    : fail(context, 'must be exact origins, such as https://app.example.com, separated by commas'),
);
const isNetwork = (value: string): boolean => {
  const [address = '', ...rest] = value.split('/');
  return rest.length === 0
    ? ipaddr.isValid(address) && (address.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(address))
    : ipaddr.isValidCIDR(value);
};
const networks = list.transform((values, context) =>
  values.every(isNetwork) ? values : fail(context, 'must be addresses or CIDR blocks, separated by commas'),
);
const configFile = optionalText.transform((value, context) => {
  try {
    return readConfigFile(value);
  } catch (error) {
    if (error instanceof ConfigFileError) return fail(context, error.message);
    throw error;
  }
});
const storeUrl = z
  .string()
  .optional()
  .transform((value, context) => {
    if (value === undefined || /^sqlite:.+/.test(value)) return value ?? null;
    if (/^mongodb(\+srv)?:\/\/.+/.test(value)) return value;
    return fail(context, 'must start with sqlite:, mongodb:// or mongodb+srv://');
  });

/** Whether user and password are given together, or neither, and percent-encoded as URLs ask for. */
const hasUsableCredentials = ({ username, password }: URL): boolean => {
  try {
    decodeURIComponent(username + password);
    return (username === '') === (password === '');
  } catch {
    return false;
  }
};
const smtpUrl = optionalText.transform((value, context) => {
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const isServer = url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
  if (isServer && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === '' && hasUsableCredentials(url)) return value;
  return fail(context, 'must be smtp://HOST or smtps://HOST, with user, password and port if need be, percent-encoded');
});
const sender = optionalText.transform((value, context) => {
  if (value === null) return null;
  const match = /^(?:([^<>"\p{Cc}]{0,100}?)\s*<([^\s<>"@]+@[^\s<>"@,]+)>|([^\s<>"@,]+@[^\s<>"@,]+))$/u.exec(value);
  if (match === null) return fail(context, 'must be an address, such as no-reply@example.com or Example <no-reply@example.com>');
  return Object.freeze({ name: match[1]?.trim() ?? '', address: match[2] ?? match[3] ?? '' });
});

/** The key is the text's UTF-8 bytes. */
export const isStrong = (secret: string): boolean => {
  const secretBytes = Buffer.from(secret, 'utf8');
  return secretBytes.length >= 32 && new Set(secretBytes).size >= 10;
};
const weak = 'must have at least 32 bytes, at least 10 of them different';
const secret = z
  .string()
  .optional()
  .transform((value, context) => (value === undefined ? null : isStrong(value) ? value : fail(context, weak)));
const secrets = list.transform((values, context) => (values.every(isStrong) ? values : fail(context, `each ${weak}`)));

/** What a client can send as `Authorization: Bearer` (RFC 6750 2.1); anything else would never match. */
const bearerSecret = z
  .string()
  .optional()
  .transform((value, context) =>
    value === undefined || /^(?=.{16,1024}$)[\w.~+/-]+=*$/.test(value)
      ? (value ?? null)
      : fail(context, 'must have 16 to 1024 characters, only letters, digits and -._~+/, with = at the end alone'),
  );

/** The one table of settings. The order is the order of the manual. */
export const settings = {
  nodeEnv: setting({
    env: 'NODE_ENV',
    defaultText: 'not set',
    bounds: '`production`, or anything else',
    about: 'In production the server refuses to start with quick-start settings, and keeps its schema to itself.',
    parse: text('development'),
  }),
  host: setting({
    env: 'HOST',
    defaultText: '127.0.0.1',
    bounds: 'an address of this machine',
    about: 'Where the server listens.',
    parse: text('127.0.0.1'),
  }),
  port: setting({
    env: 'PORT',
    defaultText: '4000',
    bounds: '0 to 65535; 0 takes a free port',
    about: 'The TCP port.',
    parse: integer(4000, 0, 65535),
  }),
  dataDir: setting({
    env: 'LATCHKEY_DATA_DIR',
    defaultText: './data',
    bounds: 'a folder; made when missing',
    about: 'Holds the SQLite file and, outside production, the secret that the server made.',
    parse: text('./data').transform((path) => resolve(path)),
  }),
  storeUrl: setting({
    env: 'LATCHKEY_STORE_URL',
    defaultText: '`sqlite:latchkey.db` in the data folder',
    bounds: '`sqlite:PATH`, `sqlite::memory:`, `mongodb://...`, `mongodb+srv://...`',
    about: 'Where accounts, sessions and wrapped keys are kept.',
    secret: true,
    parse: storeUrl,
  }),
  secret: setting({
    env: 'LATCHKEY_SECRET',
    defaultText: 'made once in the data folder; required in production',
    bounds: 'at least 32 bytes, at least 10 of them different',
    about: 'Opens the keys that the store keeps encrypted, and does nothing else. Try `openssl rand -base64 48`.',
    secret: true,
    parse: secret,
  }),
  previousSecrets: setting({
    env: 'LATCHKEY_PREVIOUS_SECRETS',
    defaultText: 'none',
    bounds: 'secrets, separated by commas',
    about: 'Also open the keys. To roll out a new secret: name it here on every node, then make it LATCHKEY_SECRET.',
    secret: true,
    parse: secrets,
  }),
  publicUrl: setting({
    env: 'LATCHKEY_PUBLIC_URL',
    defaultText: '`http://127.0.0.1:PORT`; required in production',
    bounds: 'an absolute URL; https in production',
    about: 'The URL that people and clients use. It is the issuer (`iss`) of every access token.',
    parse: optionalUrl,
  }),
  audience: setting({
    env: 'LATCHKEY_AUDIENCE',
    defaultText: 'the public URL',
    bounds: 'any text',
    about: 'The audience (`aud`) of every access token.',
    parse: optionalText,
  }),
  clientId: setting({
    env: 'LATCHKEY_CLIENT_ID',
    defaultText: 'latchkey',
    bounds: 'any text',
    about: 'The `client_id` claim that RFC 9068 asks for.',
    parse: text('latchkey'),
  }),
  signingAlgorithm: setting({
    env: 'LATCHKEY_SIGNING_ALGORITHM',
    defaultText: 'ES256',
    bounds: 'ES256, RS256, HS256',
    about: 'How access tokens are signed. With HS256 whoever can verify can also mint: only where this server alone verifies.',
    parse: z.enum(['ES256', 'RS256', 'HS256'], { error: 'must be ES256, RS256 or HS256' }).default('ES256'),
  }),
  accessTokenTtlSeconds: setting({
    env: 'LATCHKEY_ACCESS_TOKEN_TTL',
    defaultText: '1h',
    bounds: '1m to 24h',
    about: 'Lifetime of an access token; up to 5 % shorter at random, so that a fleet of clients does not refresh in step.',
    parse: duration('1h', '1m', '24h'),
  }),
  refreshTokenTtlSeconds: setting({
    env: 'LATCHKEY_REFRESH_TOKEN_TTL',
    defaultText: '7d',
    bounds: '5m to 1y',
    about: 'A session that is not refreshed for so long ends (idle limit).',
    parse: duration('7d', '5m', '1y'),
  }),
  sessionMaxAgeSeconds: setting({
    env: 'LATCHKEY_SESSION_MAX_AGE',
    defaultText: '90d',
    bounds: 'the idle limit to 100y',
    about: 'A session ends so long after its sign-in, however often it is refreshed (absolute limit).',
    parse: duration('90d', '5m', '100y'),
  }),
  refreshGraceSeconds: setting({
    env: 'LATCHKEY_REFRESH_GRACE',
    defaultText: '10s',
    bounds: '0s to 60s',
    about: 'So long a superseded refresh token still answers, with the present one. 0s: every superseded token is reuse.',
    parse: duration('10s', '0s', '60s'),
  }),
  sessionLimit: setting({
    env: 'LATCHKEY_SESSION_LIMIT',
    defaultText: '0 (unlimited)',
    bounds: '0 to 1000',
    about: 'Sessions that one user may have; a further sign-in ends the oldest.',
    parse: integer(0, 0, 1000),
  }),
  sessionBinding: setting({
    env: 'LATCHKEY_SESSION_BINDING',
    defaultText: 'off',
    bounds: 'off, agent, address, both',
    about: "A refresh from another user agent or client address than the sign-in's ends the session.",
    parse: z.enum(['off', 'agent', 'address', 'both'], { error: 'must be off, agent, address or both' }).default('off'),
  }),
  sessionHistorySeconds: setting({
    env: 'LATCHKEY_SESSION_HISTORY',
    defaultText: '30d',
    bounds: '0 to 1y',
    about: 'So long an ended session stays listed. Never shorter than the access token lifetime and a little more.',
    parse: duration('30d', '0s', '1y'),
  }),
  auditHistorySeconds: setting({
    env: 'LATCHKEY_AUDIT_HISTORY',
    defaultText: '1y',
    bounds: '0 to 10y',
    about: 'So long an event stays in the audit log; a changed value acts on events from then on. Never shorter than a day, also with 0.',
    parse: duration('1y', '0s', '10y'),
  }),
  bcryptCost: setting({
    env: 'LATCHKEY_BCRYPT_COST',
    defaultText: '12',
    bounds: '10 to 15; 4 and up outside production',
    about: 'Work per password hash: each step doubles it. A changed cost is applied at the next sign-in.',
    parse: integer(12, 4, 15),
  }),
  hashThreads: setting({
    env: 'UV_THREADPOOL_SIZE',
    defaultText: '4',
    bounds: '2 to 1024',
    about: "Node's own setting. Passwords are hashed on at most one thread a core, and one of the pool is always left free.",
    parse: integer(4, 2, 1024).transform((pool) => Math.min(availableParallelism(), pool - 1)),
  }),
  passwordMinLength: setting({
    env: 'LATCHKEY_PASSWORD_MIN_LENGTH',
    defaultText: '8',
    bounds: '8 to 1024 code points',
    about: 'NIST SP 800-63B asks for 15 where the password is the only factor.',
    parse: integer(8, 8, 1024),
  }),
  passwordMaxLength: setting({
    env: 'LATCHKEY_PASSWORD_MAX_LENGTH',
    defaultText: '256',
    bounds: '64 to 1024 code points',
    about: 'The longest password that a person may choose.',
    parse: integer(256, 64, 1024),
  }),
  emailVerificationRequired: setting({
    env: 'LATCHKEY_EMAIL_VERIFICATION',
    defaultText: 'off',
    bounds: 'off, required',
    about:
      'Whether a new address must be verified before it has an account. Then nobody can find out by a sign-up who has one, and nobody is signed in by it: see [one-time tokens](decisions/one-time-tokens.md).',
    parse: z
      .enum(['off', 'required'], { error: 'must be off or required' })
      .default('off')
      .transform((value) => value === 'required'),
  }),
  resetTtlSeconds: setting({
    env: 'LATCHKEY_RESET_TTL',
    defaultText: '1h',
    bounds: '5m to 7d',
    about: 'So long a mailed link to set a new password is good.',
    parse: duration('1h', '5m', '7d'),
  }),
  verificationTtlSeconds: setting({
    env: 'LATCHKEY_VERIFICATION_TTL',
    defaultText: '24h',
    bounds: '5m to 7d',
    about: 'So long a mailed link to verify an address is good, and the one to an account that an administrator made.',
    parse: duration('24h', '5m', '7d'),
  }),
  configFile: setting({
    env: 'LATCHKEY_CONFIG_FILE',
    defaultText: 'none: the built-in roles, and all notices',
    bounds: 'a JSON file by `schema/config.schema.json`',
    about: 'The roles, which one new accounts have, and which notices are mailed: see [below](#the-file).',
    parse: configFile,
  }),
  reauthenticationAgeSeconds: setting({
    env: 'LATCHKEY_REAUTHENTICATION_AGE',
    defaultText: '15m',
    bounds: '0s (off) to 24h',
    about: "Changing something of other people's accounts and sessions asks for a proof of the password that is no older than this.",
    parse: duration('15m', '0s', '24h'),
  }),
  signupEnabled: setting({
    env: 'LATCHKEY_SIGNUP',
    defaultText: 'on',
    bounds: 'on, off',
    about: 'Whether anyone may sign up.',
    parse: onOff.transform((value) => value ?? true),
  }),
  throttle: setting({
    env: 'LATCHKEY_THROTTLE',
    defaultText: 'on',
    bounds: 'on; off only outside production',
    about: 'Whether repeated wrong passwords and floods from one network are slowed down. Off is for benchmarks.',
    parse: onOff.transform((value) => value ?? true),
  }),
  smtpUrl: setting({
    env: 'LATCHKEY_SMTP_URL',
    defaultText: 'outside production the folder `outbox` in the data folder',
    bounds: '`smtp://[USER:PASSWORD@]HOST[:PORT]`, `smtps://...`',
    about: 'The mail server. With `smtp` and a password it must offer STARTTLS; ports are 587 and, for `smtps`, 465 unless given.',
    secret: true,
    parse: smtpUrl,
  }),
  mailFrom: setting({
    env: 'LATCHKEY_MAIL_FROM',
    defaultText: 'none; required with LATCHKEY_SMTP_URL',
    bounds: '`ADDRESS` or `NAME <ADDRESS>`',
    about: 'Who the mails come from. The mail server must be allowed to send for it (SPF, DKIM).',
    parse: sender,
  }),
  resetUrl: setting({
    env: 'LATCHKEY_RESET_URL',
    defaultText: '`/reset-password` of the public URL',
    bounds: 'an absolute URL; https in production',
    about: 'The page that links in mails lead to for a new password, followed by `#token=...`: see [operations](operations.md#mail).',
    parse: optionalUrl,
  }),
  verifyUrl: setting({
    env: 'LATCHKEY_VERIFY_URL',
    defaultText: '`/verify-email` of the public URL',
    bounds: 'an absolute URL; https in production',
    about: 'The page that links in mails lead to for an address, followed by `#token=...`, and `&purpose=revert` to take a change back.',
    parse: optionalUrl,
  }),
  allowedOrigins: setting({
    env: 'LATCHKEY_ALLOWED_ORIGINS',
    defaultText: "the public URL's own",
    bounds: 'exact origins, separated by commas',
    about: 'Pages of these origins may call the API (CORS) and use cookie mode.',
    parse: origins,
  }),
  trustedProxies: setting({
    env: 'LATCHKEY_TRUSTED_PROXIES',
    defaultText: 'none',
    bounds: 'addresses or CIDR blocks, separated by commas',
    about: 'Only these peers may name the client address in `X-Forwarded-For`.',
    parse: networks,
  }),
  introspection: setting({
    env: 'LATCHKEY_INTROSPECTION',
    defaultText: 'on outside production',
    bounds: 'on, off',
    about: 'Whether the schema can be queried, and validation errors name fields and types.',
    parse: onOff,
  }),
  sandbox: setting({
    env: 'LATCHKEY_SANDBOX',
    defaultText: 'on outside production',
    bounds: 'on, off',
    about: 'Whether a browser that opens `/graphql` gets a schema explorer. It needs `LATCHKEY_INTROSPECTION`.',
    parse: onOff,
  }),
  console: setting({
    env: 'LATCHKEY_CONSOLE',
    defaultText: 'on',
    bounds: 'on, off',
    about: 'Whether `/console` has the page for accounts and administration, in production too.',
    parse: onOff.transform((value) => value ?? true),
  }),
  keyRotationSeconds: setting({
    env: 'LATCHKEY_KEY_ROTATION',
    defaultText: '30d',
    bounds: '1d to 1y, or off',
    about: 'A signing key is followed by a new one after so long.',
    parse: duration('30d', '1d', '1y', true),
  }),
  tokenClaims: setting({
    env: 'LATCHKEY_TOKEN_CLAIMS',
    defaultText: 'none',
    bounds: 'email, username, separated by commas',
    about: 'Personal claims to add to access tokens. Whoever sees a token can read them.',
    parse: list.transform((values, context) =>
      values.every((value) => value === 'email' || value === 'username') ? values : fail(context, 'may hold email and username'),
    ),
  }),
  maxTokens: setting({
    env: 'LATCHKEY_MAX_TOKENS',
    defaultText: '2000',
    bounds: '200 to 20000',
    about: 'Most lexical tokens of a GraphQL document.',
    parse: integer(2000, 200, 20_000),
  }),
  maxDepth: setting({
    env: 'LATCHKEY_MAX_DEPTH',
    defaultText: '12',
    bounds: '10 to 100 (introspection needs 10)',
    about: 'Deepest nesting of fields in an operation, fragments included.',
    parse: integer(12, 10, 100),
  }),
  maxAliases: setting({
    env: 'LATCHKEY_MAX_ALIASES',
    defaultText: '30',
    bounds: '0 to 1000',
    about: 'Most aliases in an operation; those of a fragment count at each use, those inside a list of sessions ten times.',
    parse: integer(30, 0, 1000),
  }),
  maxDirectives: setting({
    env: 'LATCHKEY_MAX_DIRECTIVES',
    defaultText: '50',
    bounds: '0 to 1000',
    about: 'Most directives in an operation; those of a fragment count at each use.',
    parse: integer(50, 0, 1000),
  }),
  requestTimeoutMs: setting({
    env: 'LATCHKEY_REQUEST_TIMEOUT',
    defaultText: '10s',
    bounds: '1s to 5m',
    about: 'A request that takes longer is answered with SERVICE_UNAVAILABLE.',
    parse: duration('10s', '1s', '5m').transform((seconds) => seconds * 1000),
  }),
  maxBodyBytes: setting({
    env: 'LATCHKEY_MAX_BODY',
    defaultText: '100kb',
    bounds: '1kb to 10mb',
    about: 'Largest request body.',
    parse: bytes('100kb', 1024, 10 * 1024 * 1024),
  }),
  logLevel: setting({
    env: 'LOG_LEVEL',
    defaultText: 'info',
    bounds: 'fatal, error, warn, info, debug, trace, silent',
    about: 'How much the server logs, as JSON lines on standard output.',
    parse: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { error: "must be one of pino's levels" })
      .default('info'),
  }),
  metricsToken: setting({
    env: 'LATCHKEY_METRICS_TOKEN',
    defaultText: 'none: there is no `/metrics`',
    bounds: '16 to 1024 letters, digits and `-._~+/=`',
    about: 'Who sends it as `Authorization: Bearer` may read `GET /metrics`. Try `openssl rand -hex 32`.',
    secret: true,
    parse: bearerSecret,
  }),
  serviceToken: setting({
    env: 'LATCHKEY_SERVICE_TOKEN',
    defaultText: 'none: there is no `/introspect` and no `/revocations`',
    bounds: '16 to 1024 letters, digits and `-._~+/=`',
    about: 'Other services that send it as `Authorization: Bearer` may ask what a token is worth and follow revocations.',
    secret: true,
    parse: bearerSecret,
  }),
  otlpEndpoint: setting({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    defaultText: 'none: nothing is traced',
    bounds: 'an absolute http or https URL',
    about: 'The OpenTelemetry collector that gets spans by OTLP over HTTP, at `/v1/traces` below this URL.',
    parse: optionalUrl,
  }),
  otlpServiceName: setting({
    env: 'OTEL_SERVICE_NAME',
    defaultText: 'latchkey',
    bounds: 'any text',
    about: 'The `service.name` of the spans.',
    parse: text('latchkey'),
  }),
} as const;

type Settings = typeof settings;
type Parsed = { readonly [K in keyof Settings]: z.output<Settings[K]['parse']> };

/** Everything that the server can be told, checked and complete. Frozen. */
export interface Config
  extends Omit<Parsed, 'nodeEnv' | 'storeUrl' | 'publicUrl' | 'audience' | 'introspection' | 'sandbox' | 'configFile'>,
    FileSettings {
  readonly production: boolean;
  readonly storeUrl: string;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly audience: string;
  readonly introspection: boolean;
  readonly sandbox: boolean;
  /** Whether npm runs this process (`npm start`). */
  readonly startedByNpm: boolean;
  /** What the start must say aloud: settings that are unsafe for production, and variables that mean nothing. */
  readonly warnings: readonly string[];
}

/** The settings do not allow a start. `problems` names each faulty variable, and never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly { readonly variable: string; readonly problem: string }[]) {
    super(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  }
}

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;
type Problem = { variable: string; problem: string };

/** An empty variable counts as not set. */
const valueIn = (environment: Environment, name: string): string | undefined => environment[name] || undefined;

/** The text of the setting; null when that could not be had, and `problems` says why. */
function read(row: Setting, environment: Environment, problems: Problem[]): { readonly text: string | undefined } | null {
  const value = valueIn(environment, row.env);
  const file = row.secret ? valueIn(environment, `${row.env}_FILE`) : undefined;
  if (file === undefined) return { text: value };
  const fault = (variable: string, problem: string) => {
    problems.push({ variable, problem });
    return null;
  };
  if (value !== undefined) return fault(row.env, `and ${row.env}_FILE are both set`);
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return text === '' ? fault(`${row.env}_FILE`, 'names an empty file') : { text };
  } catch {
    return fault(`${row.env}_FILE`, 'names a file that cannot be read');
  }
}

/** A faulty setting is undefined. */
function parseAll(environment: Environment, problems: Problem[]): Parsed {
  const values = Object.entries(settings).map(([key, row]: [string, Setting]) => {
    const found = read(row, environment, problems);
    const result = found === null ? null : row.parse.safeParse(found.text);
    if (result?.success === false) problems.push({ variable: row.env, problem: result.error.issues[0]?.message ?? 'is not valid' });
    const value: unknown = result?.data;
    return [key, Array.isArray(value) ? Object.freeze(value) : value];
  });
  return Object.fromEntries(values) as Parsed;
}

/** Rules that join two settings, or a setting and production. What is undefined breaks none of them. */
function* crossProblems(parsed: Parsed, production: boolean): Generator<Problem> {
  if (parsed.sessionMaxAgeSeconds < parsed.refreshTokenTtlSeconds) {
    yield { variable: settings.sessionMaxAgeSeconds.env, problem: `must not be shorter than ${settings.refreshTokenTtlSeconds.env}` };
  }
  if (parsed.passwordMinLength > parsed.passwordMaxLength) {
    yield { variable: settings.passwordMinLength.env, problem: `must not exceed ${settings.passwordMaxLength.env}` };
  }
  if (parsed.smtpUrl != null && parsed.mailFrom === null) {
    yield { variable: settings.mailFrom.env, problem: `is required with ${settings.smtpUrl.env}` };
  }
  if (!production) return;
  for (const page of ['resetUrl', 'verifyUrl'] as const) {
    if (parsed[page]?.startsWith('http:')) yield { variable: settings[page].env, problem: 'must be an https URL in production' };
  }
  if (parsed.secret === null) yield { variable: settings.secret.env, problem: 'is required in production' };
  if (parsed.publicUrl === null) yield { variable: settings.publicUrl.env, problem: 'is required in production' };
  if (parsed.publicUrl?.startsWith('http:')) yield { variable: settings.publicUrl.env, problem: 'must be an https URL in production' };
  if (parsed.throttle === false) yield { variable: settings.throttle.env, problem: 'must be on in production' };
  if (parsed.bcryptCost < 10) yield { variable: settings.bcryptCost.env, problem: 'must be at least 10 in production' };
}

/** A service that is given a mailer by its program need not be told. */
export const noMailWarning = 'LATCHKEY_SMTP_URL is not set: mails wait in the outbox, and are given up after a day';
export const noSignupWarning = 'LATCHKEY_EMAIL_VERIFICATION is required and LATCHKEY_SMTP_URL is not set: nobody can sign up';

function warningsOf(parsed: Parsed, production: boolean, environment: Environment): string[] {
  const known = new Set(Object.values(settings).flatMap((row: Setting) => [row.env, ...(row.secret ? [`${row.env}_FILE`] : [])]));
  const unknown = Object.keys(environment).filter((name) => name.startsWith('LATCHKEY_') && !known.has(name));
  const warnings = unknown.sort().map((name) => `${name} is not a setting of this version and is ignored`);
  const sandbox = parsed.sandbox ?? !production;
  if (sandbox && !(parsed.introspection ?? !production)) {
    warnings.push('LATCHKEY_SANDBOX is on and LATCHKEY_INTROSPECTION is off: the explorer at /graphql has no schema');
  }
  const { roles, defaultRole } = parsed.configFile;
  const open = roles[defaultRole] ?? [];
  if (open.length > 0 && parsed.signupEnabled) warnings.push(`sign-up is open, and every account holds ${open.join(', ')}`);
  if (production && parsed.smtpUrl === null) {
    warnings.push(noMailWarning);
    if (parsed.signupEnabled && parsed.emailVerificationRequired) warnings.push(noSignupWarning);
  }
  if (production && parsed.smtpUrl !== null && isPlainSmtp(parsed.smtpUrl)) {
    warnings.push(
      'LATCHKEY_SMTP_URL is smtp without a password: where the mail server offers no STARTTLS, links in mails can be read on the way',
    );
  }
  if (production) return warnings;
  if (parsed.secret === null) warnings.push('LATCHKEY_SECRET is not set: a secret made by the server lies beside the data it protects');
  if (parsed.publicUrl === null || parsed.publicUrl.startsWith('http:')) {
    warnings.push('the public URL is plain http: tokens and cookies can be read on the way, and cookies are not Secure');
  }
  if (parsed.bcryptCost < 10) warnings.push('LATCHKEY_BCRYPT_COST is below 10: a stolen database gives up passwords quickly');
  if (!parsed.throttle) warnings.push('LATCHKEY_THROTTLE is off: passwords can be guessed at as fast as they can be hashed');
  if (parsed.introspection ?? true) warnings.push('introspection is on, and errors name fields and types');
  if (sandbox) warnings.push('the sandbox is on: a browser that opens /graphql gets a schema explorer');
  return warnings;
}

/** SQLite paths are taken from the working directory, and become absolute; the default lies in the data folder. */
function storeUrlOf(parsed: Parsed): string {
  if (parsed.storeUrl === null) return `sqlite:${join(parsed.dataDir, 'latchkey.db')}`;
  const path = /^sqlite:(.+)/.exec(parsed.storeUrl)?.[1];
  if (path === undefined || path === ':memory:' || isAbsolute(path)) return parsed.storeUrl;
  return `sqlite:${resolve(path)}`;
}

/**
 * Reads the settings table from an environment (by default the process's). Throws `ConfigError` with every problem at once,
 * each by the variable's name and without its value.
 */
export function loadConfig(environment: Environment = process.env): Config {
  const problems: Problem[] = [];
  const parsed = parseAll(environment, problems);
  const production = valueIn(environment, 'NODE_ENV') === 'production';
  problems.push(...crossProblems(parsed, production));
  if (problems.length > 0) throw new ConfigError(problems);

  const { nodeEnv: _, configFile: file, ...rest } = parsed;
  const url = parsed.publicUrl ?? `http://127.0.0.1:${parsed.port}`;
  return Object.freeze({
    ...rest,
    ...file,
    production,
    storeUrl: storeUrlOf(parsed),
    publicUrl: url,
    audience: parsed.audience ?? url,
    allowedOrigins: Object.freeze(parsed.allowedOrigins.length > 0 ? parsed.allowedOrigins : [new URL(url).origin]) as string[],
    introspection: parsed.introspection ?? !production,
    sandbox: parsed.sandbox ?? !production,
    startedByNpm: environment.npm_lifecycle_event === 'start',
    warnings: Object.freeze(warningsOf(parsed, production, environment)),
  });
}
