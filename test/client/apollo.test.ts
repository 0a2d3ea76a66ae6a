import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type AuthClient, AuthUnavailableError } from 'latchkey-client';
import { authLink } from 'latchkey-client/apollo';
import { authErrorOf } from 'latchkey-client/errors';
import { post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { FakeBrowser } from './browser.js';

/** After it no token of before is accepted: they live for an hour at most, and requests have 30 s of leeway. */
const tokensEndMs = 61 * 60_000;
const me = gql`query Me { me { email } }`;
const publicInfo = gql`query Info { serverInfo { version } }`;
const revokeOthers = gql`mutation Others { revokeOtherSessions { count } }`;
const twoAtOnce = gql`mutation Two { requestPasswordReset(email: "a@example.com") revokeOtherSessions { count } }`;

let people = 0;
interface Setup {
  readonly server: TestServer;
  readonly browser: FakeBrowser;
  readonly auth: AuthClient;
  readonly apollo: ApolloClient;
  readonly email: string;
  /** The token of each request that was sent, in order; null for none. */
  readonly sent: (string | null)[];
}
let server: TestServer;
beforeEach(async () => {
  server ??= await startServer('sqlite::memory:');
});

async function setup(): Promise<Setup> {
  const browser = new FakeBrowser(server.url);
  const auth = browser.tab();
  people += 1;
  const email = `apollo${people}@example.com`;
  await auth.signup({ email, password: goodPassword });
  const sent: (string | null)[] = [];
  const recording: typeof fetch = async (uri, init) => {
    sent.push(new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? null);
    return fetch(uri, init);
  };
  const link = ApolloLink.from([authLink(auth), new HttpLink({ uri: server.url, fetch: recording })]);
  const apollo = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } });
  return { server, browser, auth, apollo, email, sent };
}
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('authLink', () => {
  it('sends the access token, and none when nobody is signed in', async () => {
    const { apollo, auth, email, sent } = await setup();
    expect((await apollo.query({ query: me })).data).toMatchObject({ me: { email } });
    expect(sent).toEqual([await auth.getAccessToken()]);
    await auth.logout();
    expect((await apollo.query({ query: publicInfo })).error).toBeUndefined();
    expect(sent[1]).toBeNull();
    expect(authErrorOf(await failureOf(apollo.query({ query: me })))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'NO_TOKEN' });
    expect(sent).toHaveLength(3);
  });

  it('refreshes a token that the server finds expired, once for many operations, and repeats each once', async () => {
    const { apollo, browser, email, sent } = await setup();
    // The server's time alone: the page cannot know.
    server.advanceClock(tokensEndMs);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => apollo.query({ query: me, context: { queryDeduplication: false } })),
    );
    for (const { data } of answers) expect(data).toMatchObject({ me: { email } });
    expect(browser.count('RefreshToken')).toBe(1);
    expect(sent.length).toBeGreaterThanOrEqual(11);
    expect(sent.length).toBeLessThanOrEqual(20);
    expect(new Set(sent).size).toBe(2);
  });

  it('repeats a mutation that was refused as a whole', async () => {
    const { apollo, browser, sent } = await setup();
    server.advanceClock(tokensEndMs);
    const { data } = await apollo.mutate({ mutation: revokeOthers });
    expect(data).toMatchObject({ revokeOtherSessions: { count: 0 } });
    expect(sent).toHaveLength(2);
    expect(browser.count('RefreshToken')).toBe(1);
  });

  it('does not repeat a mutation of which a part was done, and refreshes for the next', async () => {
    const { apollo, auth, sent } = await setup();
    const before = await auth.getAccessToken();
    server.advanceClock(tokensEndMs);
    expect(authErrorOf(await failureOf(apollo.mutate({ mutation: twoAtOnce })))).toMatchObject({ reason: 'EXPIRED' });
    expect(sent).toHaveLength(1);
    expect((await apollo.query({ query: me })).error).toBeUndefined();
    expect(sent[1]).not.toBe(before);
  });

  it('never loops: a server that finds every token expired is asked twice', async () => {
    const { auth, browser } = await setup();
    let asked = 0;
    const stubborn = async () => {
      asked += 1;
      return Response.json({
        data: null,
        errors: [{ message: 'no', path: ['me'], extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' } }],
      });
    };
    const link = ApolloLink.from([authLink(auth), new HttpLink({ uri: server.url, fetch: stubborn })]);
    const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
    const failure = await failureOf(apollo.query({ query: me }));
    expect(CombinedGraphQLErrors.is(failure)).toBe(true);
    expect(authErrorOf(failure)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'EXPIRED' });
    expect(asked).toBe(2);
    expect(browser.count('RefreshToken')).toBeLessThanOrEqual(2);
    expect(auth.state.kind).toBe('signed-in');
  });

  it('lets an operation fail whose session has ended, and the state says why', async () => {
    const { apollo, auth, sent } = await setup();
    const token = (await auth.getAccessToken()) ?? '';
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token });
    const ended = new Promise((resolve) => auth.onChange(resolve));
    expect(authErrorOf(await failureOf(apollo.mutate({ mutation: revokeOthers })))).toMatchObject({ reason: 'REVOKED' });
    expect(await ended).toMatchObject({ kind: 'signed-out', reason: 'REVOKED_BY_USER' });
    expect(sent).toHaveLength(1);
  });

  it('fails with AuthUnavailableError, not as signed out, when the token has ended and the server cannot be asked', async () => {
    const { apollo, auth, browser, sent } = await setup();
    server.advanceClock(tokensEndMs);
    browser.network = async () => Response.json({ errors: [{ extensions: { code: 'RATE_LIMITED', retryAfter: 900 } }] }, { status: 429 });
    expect(await failureOf(apollo.query({ query: me }))).toBeInstanceOf(AuthUnavailableError);
    expect(sent).toHaveLength(1);
    browser.pass(tokensEndMs);
    expect(await failureOf(apollo.query({ query: me }))).toBeInstanceOf(AuthUnavailableError);
    expect(sent).toHaveLength(1);
    expect(auth.state.kind).toBe('signed-in');
  });

  it('sends nothing for an operation that was given up before it had its token', async () => {
    const { apollo, auth, browser, sent } = await setup();
    browser.pass(tokensEndMs);
    const subscription = apollo.watchQuery({ query: me, fetchPolicy: 'network-only' }).subscribe({});
    subscription.unsubscribe();
    await auth.getAccessToken();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([]);
  });
});
