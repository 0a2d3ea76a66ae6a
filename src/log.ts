import { isNativeError } from 'node:util/types';
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'currentPassword',
  'newPassword',
  'passwordHash',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
];
/** The names at the top and one and two levels down: a net under code that logs an object with one of them by mistake. */
const redactedPaths = ['', '*.', '*.*.'].flatMap((prefix) =>
  secretNames.map((name) => (name.includes('-') ? `${prefix.replace(/\.$/, '')}["${name}"]` : `${prefix}${name}`)),
);

/** Refresh tokens, JWTs, bcrypt hashes, credentials and queries in URLs: whatever has a recognisable shape leaves no trace in a text. */
const secretShapes =
  /lk_[a-z]+_[\w-]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\$2[aby]\$\d\d\$[./\w]{20,}|(?<=:\/\/)[^/\s@]+@|(?<=\bbearer )\S+|(?<=\/graphql\?)\S+/gi;
const scrub = (text: string): string => text.replace(secretShapes, '[redacted]');

/** Kind, text and place of an error and its causes; none of its other members, where drivers keep the values of a query. */
function errorFacts(error: unknown, depth = 0): unknown {
  if (!isNativeError(error)) return { type: typeof error };
  const { name, message, stack, cause } = error;
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? error.code : undefined;
  return {
    type: name,
    code,
    message: scrub(message),
    stack: scrub(stack ?? ''),
    ...(cause !== undefined && depth < 4 && { cause: errorFacts(cause, depth + 1) }),
  };
}

interface LoggedRequest {
  readonly method?: string;
  readonly url?: string;
  readonly ip?: string;
}

/** Never the query string (a GET query may hold literals), headers or body. */
export function requestFacts({ method, url, ip }: LoggedRequest) {
  return { method, path: scrub(url?.split('?', 1)[0]?.slice(0, 200) ?? ''), remoteAddress: ip };
}

/** JSON lines on standard output, or to `destination`. `level` is pino's. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: undefined,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '[redacted]' },
    serializers: {
      err: (error: unknown) => errorFacts(error),
      error: (error: unknown) => errorFacts(error),
      req: requestFacts,
      res: ({ statusCode }: { statusCode?: number }) => ({ statusCode }),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
