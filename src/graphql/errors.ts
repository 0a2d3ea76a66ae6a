import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type AuthErrorCode, asAuthError, type ErrorDetails, errorKinds } from '../auth/errors.js';

export interface TranslateOptions {
  /** Introspection is on: validation errors may name fields, arguments and types. Values are never repeated. */
  readonly verbose: boolean;
}

export interface PublicErrorExtensions extends Omit<ErrorDetails, 'at'> {
  readonly code: AuthErrorCode;
  /** ISO 8601, UTC. */
  readonly at?: string;
  readonly requestId?: string;
  /** As `GraphQLFormattedError` types it. */
  readonly [name: string]: unknown;
}

export interface TranslatedError {
  readonly code: AuthErrorCode;
  readonly message: string;
  readonly extensions: PublicErrorExtensions;
  /** Set where nobody foresaw this error: it belongs into the log, with the request id. */
  readonly unexpected?: unknown;
}

const maxErrors = 20;
const maxErrorsBytes = 9_000;
const maxMessageLength = 300;

const name = '[_A-Za-z][_0-9A-Za-z]*';
const type = String.raw`\[*${name}[\]!]*`;
const suggestion = String.raw`(?: Did you mean [\w", @.!\[\]]+\?)?`;
/**
 * Texts of graphql's validation that hold names of the schema and the document and nothing else. A text that is not here may
 * print a literal, and a literal may be a password: `String cannot represent a non string value: 123`.
 */
const harmlessTexts = [
  `Cannot query field "${name}" on type "${name}"\\.${suggestion}(?: Did you mean to use an inline fragment on [\\w", ]+\\?)?`,
  `Unknown argument "${name}" on (?:field "${name}\\.${name}"|directive "@${name}")\\.${suggestion}`,
  `Unknown (?:type|fragment) "${name}"\\.${suggestion}`,
  `Unknown directive "@${name}"\\.`,
  `Directive "@${name}" may not be used on [A-Z_]+\\.`,
  `Fragment (?:"${name}" )?cannot condition on non composite type "${type}"\\.`,
  `Fragment (?:"${name}" )?cannot be spread here as objects of type "${type}" can never be of type "${type}"\\.`,
  `Fragment "${name}" is never used\\.`,
  `Cannot spread fragment "${name}" within itself(?: via [\\w", ]+)?\\.`,
  `Field "${name}" of type "${type}" must have a selection of subfields\\. Did you mean "${name} \\{ \\.\\.\\. \\}"\\?`,
  `Field "${name}" must not have a selection since type "${type}" has no subfields\\.`,
  `(?:Field|Directive) "@?${name}" argument "${name}" of type "${type}" is required, but it was not provided\\.`,
  `Field "${name}\\.${name}" of required type "${type}" was not provided\\.`,
  `Field "${name}" is not defined by type "${type}"\\.${suggestion}`,
  `Fields "${name}" conflict because [\\w"'!\\[\\] ,]+\\. Use different aliases on the fields to fetch both if this was intentional\\.`,
  `Variable "\\$${name}" is (?:not defined|never used)(?: (?:by|in) operation "${name}")?\\.`,
  `Variable "\\$${name}" of type "${type}" used in position expecting type "${type}"\\.`,
  `Variable "\\$${name}" cannot be non-input type "${type}"\\.`,
  `There can be only one (?:argument|directive|fragment|input field|operation|variable) named "[$@]?${name}"\\.`,
  `The directive "@${name}" can only be used once at this location\\.`,
  'This anonymous operation must be the only defined operation\\.',
  `(?:Anonymous Subscription|Subscription "${name}") must select only one top level field\\.`,
].map((text) => new RegExp(`^${text}$`));

const coercionTexts = [
  // graphql prints the value between these parts; the path is the last thing in quotes before the semicolon.
  /^Variable "\$(?<field>\w+)" got invalid value /,
  /^Variable "\$(?<field>\w+)" (?:has invalid value|of required type|of non-null type|expected value of type)/,
  /^Argument "(?<field>\w+)" (?:has invalid value|of required type|of non-null type|of type)/,
  /^Too many errors processing variables/,
];

/** The error, what it wraps, what that wraps. GraphQL.js wraps whatever a resolver throws or a rule returns. */
function chainOf(error: unknown): unknown[] {
  const chain = [error];
  for (let depth = 0; depth < 10; depth += 1) {
    const last = chain.at(-1);
    if (!(last instanceof GraphQLError) || last.originalError == null) break;
    chain.push(last.originalError);
  }
  return chain;
}

function told(code: AuthErrorCode, details: ErrorDetails = {}, message: string = errorKinds[code].message): TranslatedError {
  const { reason, reasons, at, field, retryAfter, sessionId, known } = details;
  const extensions: PublicErrorExtensions = {
    code,
    ...(reason !== undefined && { reason }),
    ...(reasons !== undefined && { reasons }),
    ...(at !== undefined && { at: new Date(at).toISOString() }),
    ...(field !== undefined && { field }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(sessionId !== undefined && { sessionId }),
    ...(known !== undefined && { known }),
  };
  return { code, message, extensions };
}

/** The argument or input field that could not be coerced, such as `email`; null where the text is about something else. */
function coercionField(message: string): { field?: string } | null {
  const match = coercionTexts.map((text) => text.exec(message)).find((found) => found !== null);
  if (match === undefined) return null;
  const variable = match.groups?.field;
  if (variable === undefined) return {};
  // Keys of the submitted object are printed too, so a client can steer this; to names of its own choice in its own answer, no more.
  const path = [...message.matchAll(/ at "([\w.[\]]{1,200})"; /g)].at(-1)?.[1];
  // The variable's name is the client's own and says nothing: what counts is the place within it, if there is one.
  const field = path?.startsWith(`${variable}.`) ? path.slice(variable.length + 1) : variable;
  return field.length <= 200 ? { field } : {};
}

/** Not the wrapping of a resolver's error, which repeats that error's text. */
const speaksForItself = ({ message, originalError }: GraphQLError): boolean => originalError?.message !== message;

function httpStatusOf(error: GraphQLError): unknown {
  const { http } = error.extensions;
  return typeof http === 'object' && http !== null && 'status' in http ? http.status : undefined;
}

function badRequest(error: GraphQLError): TranslatedError {
  const reasons: Record<string, string> = { 405: 'MUTATION_BY_GET', 415: 'CONTENT_TYPE' };
  return told('BAD_REQUEST', { reason: reasons[String(httpStatusOf(error))] });
}

/** Errors of Apollo and GraphQL.js themselves, by Apollo's code. Undefined: not one of them. */
function translateApolloError(error: GraphQLError, options: TranslateOptions): TranslatedError | undefined {
  switch (error.extensions.code) {
    case 'GRAPHQL_PARSE_FAILED': {
      // GraphQL.js' own text quotes the document, and with it perhaps a password.
      const tooLong = /^Syntax Error: Document contains more tha[nt] \d+ tokens/.test(error.message);
      return tooLong ? told('QUERY_TOO_COMPLEX', { reason: 'TOKENS' }) : told('GRAPHQL_PARSE_FAILED');
    }
    case 'GRAPHQL_VALIDATION_FAILED': {
      const { message } = error;
      const harmless = message.length <= maxMessageLength && harmlessTexts.some((text) => text.test(message));
      return told('GRAPHQL_VALIDATION_FAILED', {}, options.verbose && harmless ? message : undefined);
    }
    case 'BAD_USER_INPUT':
      return told('BAD_USER_INPUT', coercionField(error.message) ?? {});
    case 'OPERATION_RESOLUTION_FAILURE':
      return told('BAD_REQUEST', { reason: 'UNKNOWN_OPERATION' });
    case 'BAD_REQUEST':
    case 'PERSISTED_QUERY_NOT_FOUND':
    case 'PERSISTED_QUERY_NOT_SUPPORTED':
      return badRequest(error);
    default:
      return undefined;
  }
}

/** The one translator: from whatever was thrown to what may be said. Nothing of the error's own text gets through but names. */
export function translateError(error: unknown, options: TranslateOptions): TranslatedError {
  const chain = chainOf(error);
  for (const cause of chain) {
    const known = asAuthError(cause);
    if (known !== null) return told(known.code, known.details);
  }
  for (const cause of chain) {
    const translated = cause instanceof GraphQLError ? translateApolloError(cause, options) : undefined;
    if (translated !== undefined) return translated;
  }
  // A literal that fits its argument only in validation's eyes fails when its field runs, and Apollo gives it no code.
  for (const cause of chain) {
    const input = cause instanceof GraphQLError && speaksForItself(cause) ? coercionField(cause.message) : null;
    if (input !== null) return told('BAD_USER_INPUT', input);
  }
  return { ...told('INTERNAL_SERVER_ERROR'), unexpected: chain.at(-1) };
}

/** For Apollo's `formatError`: it knows no request id, see `finishErrors`. */
export function createFormatError(options: TranslateOptions) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const { message, extensions } = translateError(error, options);
    const { locations, path } = formatted;
    return { message, ...(locations && { locations: locations.slice(0, 2) }), ...(path && { path }), extensions };
  };
}

/**
 * The errors of an answer as they go out: each with the request's id, at most 20, at most 9 KB together. A first error that
 * is too long by itself loses its path and locations.
 */
export function finishErrors(errors: readonly GraphQLFormattedError[], requestId: string): GraphQLFormattedError[] {
  const finished: GraphQLFormattedError[] = [];
  let bytes = 0;
  for (const error of errors.slice(0, maxErrors)) {
    const stamped = { ...error, extensions: { ...error.extensions, requestId } };
    bytes += Buffer.byteLength(JSON.stringify(stamped));
    if (bytes > maxErrorsBytes && finished.length > 0) break;
    finished.push(bytes > maxErrorsBytes ? { message: stamped.message, extensions: stamped.extensions } : stamped);
  }
  return finished;
}

export interface ErrorBody {
  /** The status that the table of error codes gives. */
  readonly status: number;
  readonly body: { readonly errors: readonly GraphQLFormattedError[] };
}

/** The answer to a request that failed as a whole, outside GraphQL. */
export function toErrorBody(error: unknown, requestId: string, options: TranslateOptions): ErrorBody {
  const { code, message, extensions } = translateError(error, options);
  return { status: errorKinds[code].httpStatus, body: { errors: finishErrors([{ message, extensions }], requestId) } };
}
