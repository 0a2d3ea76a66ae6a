import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import {
  codeOf,
  extensionsOf,
  type GraphQLAnswer,
  get,
  loginMutation,
  meQuery,
  post,
  postBody,
  refreshMutation,
  signupMutation,
} from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const secret = 'Tr0ub4dor-and-3-more';

/** What no answer may hold: stacks, paths, driver and parser text, and what was submitted. */
function expectNothingBetrayed(answer: { readonly text: string }): void {
  expect(answer.text).not.toContain(secret);
  expect(answer.text).not.toMatch(/\bat .+:\d+:\d+|node_modules|\/src\/|SQLITE|Mongo|E11000|Syntax Error|JSON at position|lk1\$|\$2b\$/);
}

describeStores('Bad input', (database) => {
  let server: TestServer;
  let store: Store;
  let token: string;
  beforeAll(async () => {
    server = await startServer(database.url);
    store = await database.open();
    const { data } = await post(server.url, signupMutation, { input: { email: 'present@example.com', password: goodPassword } });
    token = data.signup.auth.accessToken;
  });

  const signUp = (input: object) => post(server.url, signupMutation, { input });

  it('is refused at sign-up by field, and leaves no account behind', async () => {
    const bad: [object, string, string][] = [
      [{ email: '', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: 'no address', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: `${'x'.repeat(5_000)}@example.com`, password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: 'nul\0@example.com', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: 'line\nbreak@example.com', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: '👻@example.com', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: '\ud800@example.com', password: secret }, 'BAD_USER_INPUT', 'email'],
      [{ email: 'a@example.com', username: 'ab', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: 'x'.repeat(33), password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: 'nul\0nul', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: 'tab\tbed', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: 'ghost👻', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: 'a@example.com', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', username: '', password: secret }, 'BAD_USER_INPUT', 'username'],
      [{ email: 'a@example.com', password: `${secret}\ud800` }, 'BAD_USER_INPUT', 'password'],
      [{ email: 'a@example.com', password: '1234567' }, 'WEAK_PASSWORD', 'password'],
      [{ email: 'a@example.com', password: 'Password1' }, 'WEAK_PASSWORD', 'password'],
      [{ email: 'a@example.com', password: 'A@Example.com' }, 'WEAK_PASSWORD', 'password'],
      [{ email: 'a@example.com', password: 'x'.repeat(257) }, 'WEAK_PASSWORD', 'password'],
      [{ email: 'a@example.com', password: 'a\u0301\u0316'.repeat(10_000) }, 'WEAK_PASSWORD', 'password'],
    ];
    for (const [input, code, field] of bad) {
      const answer = await signUp(input);
      expect({ input, ...extensionsOf(answer) }).toMatchObject({ input, code, field, reason: expect.any(String) });
      expect(answer.data).toBeNull();
      expectNothingBetrayed(answer);
    }
    expect(await store.findAccountByEmail('a@example.com')).toBeNull();
  });

  it('of the wrong type is named by its place, and never repeated', async () => {
    const wrong: [object, string][] = [
      [{ email: { $ne: secret }, password: secret }, 'email'],
      [{ email: 'a@example.com', password: [secret] }, 'password'],
      [{ email: 'a@example.com', password: secret, role: 'admin' }, 'input'],
      [{ password: secret }, 'input'],
    ];
    for (const [input, field] of wrong) {
      const answer = await signUp(input);
      expect(answer.status).toBe(400);
      expect(extensionsOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect([field, 'password', 'email']).toContain(extensionsOf(answer).field);
      expectNothingBetrayed(answer);
    }
    const literal = await postBody(
      server.url,
      JSON.stringify({ query: `mutation { login(input: { login: 1, password: ${JSON.stringify(secret)} }) { accessToken } }` }),
    );
    expect(codeOf(literal)).toBe('GRAPHQL_VALIDATION_FAILED');
    expectNothingBetrayed(literal);
  });

  it('for a login is a wrong password or an unknown login like any other', async () => {
    for (const [login, password] of [
      ['\ud800@example.com', secret],
      ['present@example.com', 'a\u0301\u0316'.repeat(10_000)],
      ['present@example.com', '\ud800'],
      ['present@example.com', ''],
    ]) {
      expect(codeOf(await post(server.url, loginMutation, { input: { login, password } }))).toBe('INVALID_CREDENTIALS');
    }
  });

  it('in an access token makes the caller nobody with a reason, and fails nothing else', async () => {
    const cut = token.slice(0, -4);
    const flipped = `${token.slice(0, -8)}${token.at(-8) === 'A' ? 'B' : 'A'}${token.slice(-7)}`;
    for (const bad of [cut, flipped, 'x', 'a.b.c', 'x'.repeat(7_000), 'lk_rt_AAAA']) {
      expect(extensionsOf(await post(server.url, meQuery, {}, { token: bad }))).toMatchObject({
        code: 'UNAUTHENTICATED',
        reason: 'INVALID',
      });
    }
    expect(extensionsOf(await post(server.url, meQuery))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'NO_TOKEN' });
    const signIn = await post(
      server.url,
      loginMutation,
      { input: { login: 'present@example.com', password: goodPassword } },
      { token: flipped },
    );
    expect(signIn.errors).toEqual([]);
  });

  it('in the form of a token from another server or of another kind is refused', async () => {
    const other = await startServer('sqlite::memory:');
    const { data } = await post(other.url, signupMutation, { input: { email: 'present@example.com', password: goodPassword } });
    const { accessToken, refreshToken } = data.signup.auth;
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: accessToken }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'INVALID',
    });
    expect(codeOf(await post(server.url, refreshMutation, { token: refreshToken }))).toBe('REFRESH_TOKEN_INVALID');
    expect(codeOf(await post(server.url, refreshMutation, { token }))).toBe('REFRESH_TOKEN_INVALID');
    expect(extensionsOf(await post(server.url, meQuery, {}, { token: refreshToken }))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'INVALID',
    });
  });
});

describe('Bad requests', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('sqlite::memory:');
  });

  const refused = (answer: GraphQLAnswer, status: number, expected: object): void => {
    expect({ status: answer.status, ...extensionsOf(answer) }).toMatchObject({
      status,
      ...expected,
      requestId: answer.headers.get('x-request-id'),
    });
    expect(answer.headers.get('content-type')).toMatch(/json/);
    expect(answer.text.length).toBeLessThan(10_000);
    expectNothingBetrayed(answer);
  };

  it('are refused as JSON with a code, whatever they are', async () => {
    const { url } = server;
    refused(await postBody(url, `{"query": "${secret}`), 400, { code: 'BAD_REQUEST', reason: 'MALFORMED_BODY' });
    refused(await postBody(url, ''), 400, { code: 'BAD_REQUEST', reason: 'MALFORMED_BODY' });
    refused(await postBody(url, '[{"query":"{me{id}}"},{"query":"{me{id}}"}]'), 400, { code: 'BAD_REQUEST', reason: 'BATCH' });
    refused(await postBody(url, '{"query":"{me{id}}"}', { 'content-type': 'text/plain' }), 415, {
      code: 'BAD_REQUEST',
      reason: 'CONTENT_TYPE',
    });
    refused(await postBody(url, '{"query":"{me{id}}"}', { 'content-type': 'application/json; charset=utf-16' }), 415, {
      code: 'BAD_REQUEST',
      reason: 'CONTENT_TYPE',
    });
    refused(await postBody(url, JSON.stringify({ query: 'x'.repeat(10_000_000) })), 413, { code: 'BAD_REQUEST', reason: 'BODY_TOO_LARGE' });
    refused(await post(url, `query { me(${JSON.stringify(secret)}) }`), 400, { code: 'GRAPHQL_PARSE_FAILED' });
    refused(await post(url, '{ nothing }'), 400, { code: 'GRAPHQL_VALIDATION_FAILED' });
    refused(await post(url, 'query A { me { id } } query B { me { id } }', {}, { operationName: 'C' }), 400, {
      code: 'BAD_REQUEST',
      reason: 'UNKNOWN_OPERATION',
    });
    refused(await postBody(`${new URL(url).origin}/nowhere`, '{}'), 404, { code: 'NOT_FOUND' });
  });

  it('that ask for too much are refused before they are run', async () => {
    const aliases = Array.from({ length: 10_000 }, (_, index) => `a${index}:me{id}`).join(' ');
    refused(await post(server.url, `{${aliases}}`), 413, { code: 'BAD_REQUEST', reason: 'BODY_TOO_LARGE' });
    refused(await post(server.url, `{${aliases.slice(0, 90_000).replace(/\}[^}]*$/, '}')}}`), 400, {
      code: 'QUERY_TOO_COMPLEX',
      reason: 'TOKENS',
    });
    const few = Array.from({ length: 31 }, (_, index) => `a${index}:serverInfo{version}`).join(' ');
    refused(await post(server.url, `{${few}}`), 400, { code: 'QUERY_TOO_COMPLEX', reason: 'ALIASES' });
    const deep = `{me{${'sessions{nodes{user{'.repeat(4)}id${'}}}'.repeat(4)}}}`;
    refused(await post(server.url, deep), 400, { code: 'QUERY_TOO_COMPLEX', reason: 'DEPTH' });
    const attempts = [1, 2].map(
      (attempt) => `l${attempt}: login(input: {login: "a", password: ${JSON.stringify(secret)}}) { accessToken }`,
    );
    refused(await post(server.url, `mutation { ${attempts.join(' ')} }`), 400, {
      code: 'QUERY_TOO_COMPLEX',
      reason: 'CREDENTIAL_MUTATIONS',
    });
  });

  it('for lists within lists are refused when their rows add up to too many, before they are read', async () => {
    const { data } = await post(server.url, signupMutation, { input: { email: 'lister@example.com', password: goodPassword } });
    const { accessToken } = data.signup.auth;
    for (let signIns = 0; signIns < 15; signIns += 1) {
      await post(server.url, loginMutation, { input: { login: 'lister@example.com', password: goodPassword } });
    }
    const nested = (levels: number): string => (levels === 0 ? 'id' : `user { sessions(first: 100) { nodes { ${nested(levels - 1)} } } }`);
    const refusedNested = await post(server.url, `{ sessions(first: 100) { nodes { ${nested(2)} } } }`, {}, { token: accessToken });
    expect(refusedNested.errors.length).toBeGreaterThan(0);
    expect(new Set(refusedNested.errors.map(({ extensions }) => `${extensions.code} ${extensions.reason}`))).toEqual(
      new Set(['QUERY_TOO_COMPLEX ROWS']),
    );
    expect(refusedNested.text.length).toBeLessThan(60_000);
    const modest = await post(
      server.url,
      '{ sessions(first: 100) { totalCount nodes { user { sessions(first: 5) { nodes { id } } } } } }',
      {},
      { token: accessToken },
    );
    expect(modest.errors).toEqual([]);
  });

  it('are not read twice by two parsers that differ, nor by patterns that take their time', async () => {
    const bomb = `{${Array.from({ length: 31 }, (_, index) => `a${index}:serverInfo{version}`).join(' ')}}`;
    const { hostname, port } = new URL(server.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET /graphql?query=${encodeURIComponent(bomb)}#%0A%7D HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`),
      );
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('"version"');
    const wide = Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`k${index}`, 1]));
    refused(await post(server.url, loginMutation, { input: wide }), 400, { code: 'BAD_REQUEST', reason: 'MALFORMED_BODY' });
    const slow = await postBody(server.url, '{}', { 'content-type': `application/json${' '.repeat(8_000)}x` });
    refused(slow, 415, { code: 'BAD_REQUEST', reason: 'CONTENT_TYPE' });
    const spreads = Array.from({ length: 101 }, () => '... on Query { serverInfo { version } }').join(' ');
    refused(await post(server.url, `{ ${spreads} }`), 400, { code: 'QUERY_TOO_COMPLEX', reason: 'FRAGMENTS' });
  });

  it('by GET may read and may not change anything', async () => {
    const query = (text: string) => get(`${server.url}?query=${encodeURIComponent(text)}`);
    expect(JSON.parse((await query('{ serverInfo { version } }')).text).data.serverInfo.version).toMatch(/^\d/);
    const mutation = await query('mutation { logout }');
    expect(mutation.status).toBe(405);
    expect(JSON.parse(mutation.text).errors[0].extensions.code).toBe('BAD_REQUEST');
  });

  it('do not learn names of the schema in production', async () => {
    const production = await startServer('sqlite::memory:', {
      NODE_ENV: 'production',
      LATCHKEY_PUBLIC_URL: 'https://auth.test',
      LATCHKEY_BCRYPT_COST: '10',
    });
    for (const query of [
      '{ mee { id } }',
      '{ me { emial } }',
      '{ __schema { types { name } } }',
      'mutation { logim(input: {}) { id } }',
      '{ me(x: 1) { id } }',
      '{ session { id } }',
    ]) {
      const answer = await post(production.url, query);
      expect(codeOf(answer)).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(answer.errors.map(({ message }) => message)).toEqual(['The document does not fit the schema.']);
    }
  });

  it('that break a resolver answer INTERNAL_SERVER_ERROR, with the reason in the log and nowhere else', async () => {
    const broken = await startServer('sqlite::memory:');
    broken.app.services.sessions.count = () => Promise.reject(new Error(`count failed near ${secret} at /src/secret.ts:1:1`));
    const { data } = await post(broken.url, signupMutation, { input: { email: 'a@example.com', password: goodPassword } });
    const answer = await post(broken.url, '{ sessions { totalCount } }', {}, { token: data.signup.auth.accessToken });
    expect(codeOf(answer)).toBe('INTERNAL_SERVER_ERROR');
    expectNothingBetrayed(answer);
    expect(broken.log()).toContain('count failed');
    expect(broken.log()).toContain(String(extensionsOf(answer).requestId));
  });
});
