import { describe, expect, test } from '@jest/globals';
import { buildSchema, execute, GraphQLError, parse, validate } from 'graphql';
import { AuthError, authErrorCodes, errorKinds } from '../../src/auth/errors.js';
import { createFormatError, finishErrors, toErrorBody, translateError } from '../../src/graphql/errors.js';
import { StoreUnavailableError } from '../../src/store/port.js';

const secret = 'hunter2-correct-horse';
const quiet = { verbose: false };
const verbose = { verbose: true };
const wrapped = (cause: Error, levels = 1): GraphQLError =>
  new GraphQLError(cause.message, { originalError: levels > 1 ? wrapped(cause, levels - 1) : cause, path: ['login'] });
const ofApollo = (code: string, message: string, extensions: object = {}): GraphQLError =>
  new GraphQLError(message, { extensions: { ...extensions, code } });

describe('errors thrown on purpose', () => {
  test.each(authErrorCodes)('%s says what the table says', (code) => {
    expect(translateError(new AuthError(code), quiet)).toEqual({ code, message: errorKinds[code].message, extensions: { code } });
  });

  test('tell their details and nothing else, however deep they are wrapped', () => {
    const error = new AuthError(
      'SESSION_REVOKED',
      { reason: 'LOGOUT', at: 0, field: 'input.email', retryAfter: 3, sessionId: 'abc', known: ['user'], ...{ password: secret } },
      { cause: new Error(secret) },
    );
    const translated = translateError(wrapped(error, 4), quiet);
    expect(translated.extensions).toEqual({
      code: 'SESSION_REVOKED',
      reason: 'LOGOUT',
      at: '1970-01-01T00:00:00.000Z',
      field: 'input.email',
      retryAfter: 3,
      sessionId: 'abc',
      known: ['user'],
    });
    expect(translated.unexpected).toBeUndefined();
  });

  test('a store that does not answer is SERVICE_UNAVAILABLE, to be tried again in a second', () => {
    const { extensions } = translateError(wrapped(new StoreUnavailableError(new Error(secret))), quiet);
    expect(extensions).toEqual({ code: 'SERVICE_UNAVAILABLE', retryAfter: 1 });
  });
});

describe('errors that nobody foresaw', () => {
  test.each([new Error(secret), new TypeError(secret), secret, null, undefined, { message: secret }, wrapped(new Error(secret), 3)])(
    'say nothing: %#',
    (error) => {
      const { unexpected: _, ...said } = translateError(error, verbose);
      expect(said).toEqual({
        code: 'INTERNAL_SERVER_ERROR',
        message: errorKinds.INTERNAL_SERVER_ERROR.message,
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      });
    },
  );

  test('reach the log unwrapped', () => {
    const cause = new Error('disk on fire');
    expect(translateError(wrapped(cause, 3), quiet).unexpected).toBe(cause);
  });

  test('cannot pass for input errors by their text', () => {
    expect(translateError(wrapped(new Error('Argument "x" has invalid value 1.')), quiet).code).toBe('INTERNAL_SERVER_ERROR');
  });
});

describe("Apollo's errors", () => {
  test.each([
    ['GRAPHQL_PARSE_FAILED', `Syntax Error: Unexpected String "${secret}".`, { code: 'GRAPHQL_PARSE_FAILED' }],
    [
      'GRAPHQL_PARSE_FAILED',
      'Syntax Error: Document contains more that 2000 tokens. Parsing aborted.',
      { code: 'QUERY_TOO_COMPLEX', reason: 'TOKENS' },
    ],
    ['OPERATION_RESOLUTION_FAILURE', `Unknown operation named "${secret}".`, { code: 'BAD_REQUEST', reason: 'UNKNOWN_OPERATION' }],
    ['BAD_REQUEST', secret, { code: 'BAD_REQUEST' }],
    ['PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound', { code: 'BAD_REQUEST' }],
    ['PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported', { code: 'BAD_REQUEST' }],
    ['INTERNAL_SERVER_ERROR', secret, { code: 'INTERNAL_SERVER_ERROR' }],
    ['SOME_PLUGIN', secret, { code: 'INTERNAL_SERVER_ERROR' }],
  ])('%s (%s)', (code, message, extensions) => {
    const translated = translateError(ofApollo(code, message), verbose);
    expect(translated.extensions).toEqual(extensions);
    expect(translated.message).toBe(errorKinds[translated.code].message);
  });

  test('a mutation by GET is named', () => {
    const error = ofApollo('BAD_REQUEST', 'GET requests only support query operations', { http: { status: 405, headers: new Map() } });
    expect(translateError(error, quiet).extensions).toEqual({ code: 'BAD_REQUEST', reason: 'MUTATION_BY_GET' });
  });
});

const schema = buildSchema(`
  scalar Odd
  input Inner { list: [Int!], email: String! }
  input LoginInput { login: String!, password: String!, inner: Inner }
  type User { id: ID! friend(of: ID!): User }
  type Query { me: User odd(value: Odd): Int }
  type Mutation { login(input: LoginInput!): User }
`);

describe('values that do not fit', () => {
  const login = 'mutation ($input: LoginInput!) { login(input: $input) { id } }';
  const told = (variables: Record<string, unknown>, source = login): unknown[] => {
    const result = execute({ schema, document: parse(source), variableValues: variables });
    if (result instanceof Promise) throw new Error('expected an answer at once');
    const translated = (result.errors ?? []).map((error) => translateError(error, verbose));
    expect(JSON.stringify(translated)).not.toContain(secret);
    return translated.map(({ extensions }) => extensions);
  };

  test('name their place and never the value', () => {
    expect(told({ input: { login: 'a', password: [secret] } })).toEqual([{ code: 'BAD_USER_INPUT', field: 'password' }]);
    expect(told({ input: { login: 'a', password: secret, inner: { email: 'e', list: [1, secret] } } })).toEqual([
      { code: 'BAD_USER_INPUT', field: 'inner.list[1]' },
    ]);
    expect(told({ input: { login: secret } })).toEqual([{ code: 'BAD_USER_INPUT', field: 'input' }]);
    expect(told({ input: { login: 'a', password: 'b', [secret]: 1 } })).toEqual([{ code: 'BAD_USER_INPUT', field: 'input' }]);
    expect(told({ input: secret })).toEqual([{ code: 'BAD_USER_INPUT', field: 'input' }]);
    expect(told({ input: null })).toEqual([{ code: 'BAD_USER_INPUT', field: 'input' }]);
    expect(told({})).toEqual([{ code: 'BAD_USER_INPUT', field: 'input' }]);
  });

  test.each([`x at "${secret}"; `, ` at `, `" at "input.${secret}"; `, `at "input"; at "${secret}"; `])(
    'a value that looks like a path is none: %j',
    (value) => {
      expect(told({ input: { login: { value }, password: 'b' } })).toEqual([{ code: 'BAD_USER_INPUT', field: 'login' }]);
    },
  );

  test('a flood of them is one answer of a few', () => {
    const list = Array.from({ length: 500 }, () => secret);
    const errors = told({ input: { login: 'a', password: 'b', inner: { email: 'e', list } } });
    expect(new Set(errors.map((error) => JSON.stringify(error).replace(/\[\d+\]/, '[]')))).toEqual(
      new Set(['{"code":"BAD_USER_INPUT","field":"inner.list[]"}', '{"code":"BAD_USER_INPUT"}']),
    );
  });

  test('literals that fail when their field runs are input errors too', () => {
    const run = new GraphQLError(`Argument "password" has invalid value "${secret}".`, { path: ['login'] });
    expect(translateError(run, verbose)).toEqual({
      code: 'BAD_USER_INPUT',
      message: errorKinds.BAD_USER_INPUT.message,
      extensions: { code: 'BAD_USER_INPUT', field: 'password' },
    });
  });
});

describe('validation errors', () => {
  const messages = (source: string, options: { verbose: boolean }): string[] =>
    validate(schema, parse(source)).map((error) => translateError(ofApollo('GRAPHQL_VALIDATION_FAILED', error.message), options).message);
  const publicText = errorKinds.GRAPHQL_VALIDATION_FAILED.message;

  test.each([
    '{ mee { id } }',
    '{ me { id(a: 1) } }',
    '{ me }',
    '{ me { id { x } } }',
    '{ me { friend { id } } }',
    'query ($a: Nope) { me { id } }',
    'query ($a: Int) { me { friend(of: $a) { id } } }',
    '{ me { friend(of: $a) { id } } }',
    '{ me @nope { id } }',
    '{ ...F }',
    '{ me { id } } { me { id } }',
    '{ me { ...F } } fragment F on User { ...F }',
    '{ me { id id: friend(of: 1) { id } } }',
    'mutation { login(input: { password: "x" }) { id } }',
    'mutation { login(input: { login: "a", password: "x", nope: 1 }) { id } }',
  ])('name schema and document where introspection is on: %s', (source) => {
    const said = messages(source, verbose);
    expect(said.length).toBeGreaterThan(0);
    expect(said).not.toContain(publicText);
    expect(new Set(messages(source, quiet))).toEqual(new Set([publicText]));
  });

  test.each([
    `mutation { login(input: { login: "a", password: ${secret.replace(/-/g, '_')} }) { id } }`,
    'mutation { login(input: { login: "a", password: 271828 }) { id } }',
    'mutation { login(input: { login: "a", password: [271828] }) { id } }',
    'mutation { login(input: "271828") { id } }',
    'mutation ($a: LoginInput = 271828) { login(input: $a) { id } }',
  ])('never repeat a literal: %s', (source) => {
    const said = messages(source, verbose).join('\n');
    expect(said).toContain(publicText);
    expect(said).not.toMatch(/271828|hunter2/);
  });

  test('are short, whatever the names', () => {
    expect(messages(`{ ${'x'.repeat(5000)} }`, verbose)).toEqual([publicText]);
  });
});

describe('an answer', () => {
  test('keeps path and locations of an error, and nothing of its other members', () => {
    const error = wrapped(new Error(secret));
    const formatted = {
      ...error.toJSON(),
      extensions: { code: 'X', stacktrace: [secret] },
      locations: [1, 2, 3].map((line) => ({ line, column: 1 })),
    };
    const said = createFormatError(quiet)(formatted, error);
    expect(said.path).toEqual(['login']);
    expect(said.locations).toHaveLength(2);
    expect(JSON.stringify(said)).not.toMatch(/hunter2|stack/);
  });

  test('has the request id in every error, at most 20 of them, at most 10 KB', () => {
    const small = Array.from({ length: 100 }, () => ({ message: 'm', extensions: { code: 'NOT_FOUND' } }));
    const finished = finishErrors(small, 'request-1');
    expect(finished).toHaveLength(20);
    expect(finished.every((error) => error.extensions?.requestId === 'request-1')).toBe(true);

    const large = small.map((error) => ({ ...error, path: ['p'.repeat(2000)] }));
    expect(JSON.stringify(finishErrors(large, 'request-1')).length).toBeLessThan(10_000);
    const huge = [{ message: 'm', path: ['p'.repeat(50_000)], extensions: { code: 'NOT_FOUND' } }];
    expect(finishErrors(huge, 'request-1')).toEqual([{ message: 'm', extensions: { code: 'NOT_FOUND', requestId: 'request-1' } }]);
  });

  test.each(authErrorCodes)('to a request that failed as a whole has the status of the table: %s', (code) => {
    const { status, body } = toErrorBody(new AuthError(code), 'request-1', quiet);
    expect(status).toBe(errorKinds[code].httpStatus);
    expect(body).toEqual({ errors: [{ message: errorKinds[code].message, extensions: { code, requestId: 'request-1' } }] });
  });
});
