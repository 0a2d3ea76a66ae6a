import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from 'graphql-ws';
import type { AuthClient } from 'latchkey-client';
import { createSocketClient, type SocketClientOptions } from 'latchkey-client/graphql-ws';
import WebSocket from 'ws';
import { loginMutation, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { FakeBrowser } from './browser.js';

/** After it no token of before is accepted: they live for an hour at most, and requests have 30 s of leeway. */
const tokensEndMs = 61 * 60_000;
const query = 'subscription { sessionEvents { type session { id user { email } } } }';

const sockets = new Set<Client>();
afterEach(async () => {
  await Promise.all([...sockets].map((socket) => socket.dispose()));
  sockets.clear();
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer('sqlite::memory:');
});

let people = 0;
async function signedIn() {
  const browser = new FakeBrowser(server.url);
  const auth = browser.tab({ transport: 'bearer' });
  people += 1;
  const email = `socket${people}@example.com`;
  await auth.signup({ email, password: goodPassword });
  return { browser, auth, email };
}

function open(
  auth: AuthClient,
  options: Partial<SocketClientOptions> = {},
): { readonly socket: Client; readonly connections: () => number } {
  let connections = 0;
  const socket = createSocketClient(auth, {
    url: server.url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    on: {
      connected: () => {
        connections += 1;
      },
    },
    ...options,
  });
  sockets.add(socket);
  return { socket, connections: () => connections };
}

interface Followed {
  readonly events: unknown[];
  /** Resolves with what ended the subscription. */
  readonly ended: Promise<unknown>;
  /** Signs the person in elsewhere until an event comes, so that it is known to flow. */
  flows(): Promise<void>;
  stop(): void;
}
function follow(socket: Client, email: string): Followed {
  const events: unknown[] = [];
  let wake = () => {};
  let end: (problem: unknown) => void = () => {};
  const ended = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  const stop = socket.subscribe(
    { query },
    {
      next: ({ data }) => {
        events.push(data?.sessionEvents);
        wake();
      },
      error: (problem) => end(problem),
      complete: () => end('complete'),
    },
  );
  return {
    events,
    ended,
    stop,
    flows: async () => {
      const before = events.length;
      while (events.length === before) {
        const answer = await post(server.url, loginMutation, { input: { login: email, password: goodPassword } });
        if (answer.errors.length > 0) throw new Error(answer.text);
        await Promise.race([
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
          new Promise((resolve) => setTimeout(resolve, 200)),
        ]);
      }
    },
  };
}
const stateOf = (auth: AuthClient, kind: string) =>
  new Promise<AuthClient['state']>((resolve) => {
    if (auth.state.kind === kind) resolve(auth.state);
    auth.onChange((state) => {
      if (state.kind === kind) resolve(state);
    });
  });

describe('A socket of createSocketClient', () => {
  it('says who it is, and all subscriptions share it', async () => {
    const { auth, email } = await signedIn();
    const { socket, connections } = open(auth);
    const [one, other] = [follow(socket, email), follow(socket, email)];
    await one.flows();
    await other.flows();
    expect(one.events[0]).toMatchObject({ type: 'CREATED', session: { user: { email } } });
    expect(connections()).toBe(1);
    one.stop();
    expect(await one.ended).toBe('complete');
  });

  it('is closed when its token ends, and every subscription goes on with a new one, again and again', async () => {
    const { auth, browser, email } = await signedIn();
    const { socket, connections } = open(auth);
    const followed = [follow(socket, email), follow(socket, email)];
    for (const one of followed) await one.flows();
    for (let round = 1; round <= 3; round += 1) {
      server.advanceClock(tokensEndMs);
      browser.pass(tokensEndMs);
      for (const one of followed) await one.flows();
      expect(browser.count('RefreshToken')).toBe(round);
    }
    expect(connections()).toBe(4);
    expect(auth.state.kind).toBe('signed-in');
  });

  it('that nobody is at the other end of any more is left for a new one, in which events flow', async () => {
    const { auth, email } = await signedIn();
    let isCut = false;
    class CutSocket extends WebSocket {
      private readonly isFirst = !isCut;
      override send(message: string): void {
        if (!(isCut && this.isFirst)) super.send(message);
      }
    }
    const { socket, connections } = open(auth, { webSocketImpl: CutSocket, keepAlive: 500 });
    const followed = follow(socket, email);
    await followed.flows();
    const before = connections();
    isCut = true;
    await new Promise<void>((resolve) => socket.on('connected', () => resolve()));
    await followed.flows();
    // More than one where this process stalled between a ping and its answer: that socket is left as well, and rightly.
    expect(connections()).toBeGreaterThan(before);
    expect(auth.state.kind).toBe('signed-in');
  });

  it('is opened with a new token when the server finds the first one expired already', async () => {
    const { auth, browser, email } = await signedIn();
    server.advanceClock(tokensEndMs);
    const { socket } = open(auth);
    await follow(socket, email).flows();
    expect(browser.count('RefreshToken')).toBe(1);
  });

  it('is not tried for ever with tokens that are never accepted', async () => {
    const { auth, browser } = await signedIn();
    let asked = 0;
    const noToken = async () => {
      asked += 1;
      return `no token ${asked}`;
    };
    const stubborn: AuthClient = Object.create(auth, { getAccessToken: { value: noToken }, handleUnauthenticated: { value: noToken } });
    const { socket } = open(stubborn);
    expect(await follow(socket, '').ended).toMatchObject({ code: 4401 });
    expect(asked).toBe(4);
    expect(browser.count('RefreshToken')).toBe(0);
  });

  it('is not opened again when the session has ended; the state says why', async () => {
    const { auth, email } = await signedIn();
    const { socket, connections } = open(auth);
    const followed = follow(socket, email);
    await followed.flows();
    const token = (await auth.getAccessToken()) ?? '';
    await post(server.url, 'mutation { revokeAllSessions { count } }', {}, { token });
    expect(await followed.ended).toMatchObject({ code: 4403 });
    expect(auth.state).toMatchObject({ kind: 'signed-out', reason: 'REVOKED_BY_USER', at: expect.any(String) });
    expect(connections()).toBe(1);
  });

  it('tells somebody who is not signed in, at once', async () => {
    const browser = new FakeBrowser(server.url);
    const { socket, connections } = open(browser.tab());
    expect(await follow(socket, '').ended).toMatchObject({ code: 4401 });
    expect(connections()).toBe(0);
  });

  it('comes back after the network was away', async () => {
    const { auth, email } = await signedIn();
    const { socket, connections } = open(auth);
    const followed = follow(socket, email);
    await followed.flows();
    socket.terminate();
    await followed.flows();
    expect(connections()).toBe(2);
  });

  it('comes back when the token has ended and the server that refreshes is away for a while', async () => {
    const { auth, browser, email } = await signedIn();
    const { socket } = open(auth);
    const followed = follow(socket, email);
    await followed.flows();
    let refusals = 3;
    browser.network = async (_sent, send) => {
      if (refusals === 0) return send();
      refusals -= 1;
      return new Response('', { status: 503, headers: { 'retry-after': '31' } });
    };
    server.advanceClock(tokensEndMs);
    browser.pass(tokensEndMs);
    const gone = setInterval(() => browser.pass(31_000), 10);
    await followed.flows().finally(() => clearInterval(gone));
    expect(refusals).toBe(0);
  });

  it("does not stay another person's when somebody else signs in", async () => {
    const { auth } = await signedIn();
    const { socket, connections } = open(auth);
    people += 1;
    const eve = `socket${people}@example.com`;
    const followed = follow(socket, eve);
    const connected = new Promise<void>((resolve) => {
      const stop = socket.on('connected', () => {
        stop();
        resolve();
      });
    });
    await connected;
    await auth.signup({ email: eve, password: goodPassword });
    await followed.flows();
    expect(followed.events.at(-1)).toMatchObject({ session: { user: { email: eve } } });
    expect(connections()).toBe(2);
  });

  it('can be iterated, over the end of a token, until one returns', async () => {
    const { auth, browser, email } = await signedIn();
    const { socket } = open(auth);
    const events = socket.iterate<{ sessionEvents: { type: string } }>({ query });
    const beats = setInterval(() => void post(server.url, loginMutation, { input: { login: email, password: goodPassword } }), 50);
    try {
      for (let round = 0; round < 2; round += 1) {
        const { value } = await events.next();
        expect(value?.data.sessionEvents.type).toBe('CREATED');
        server.advanceClock(tokensEndMs);
        browser.pass(tokensEndMs);
      }
    } finally {
      clearInterval(beats);
    }
    const waiting = (async () => {
      for (;;) if ((await events.next()).done) return 'done';
    })();
    await events.return?.();
    expect(await waiting).toBe('done');
  });

  it('serves Apollo Client', async () => {
    const { auth, browser, email } = await signedIn();
    const { socket } = open(auth);
    const apollo = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    const types: string[] = [];
    const subscription = apollo
      .subscribe<{ sessionEvents: { type: string } }>({ query: gql(query) })
      .subscribe(({ data }) => types.push(data?.sessionEvents.type ?? 'none'));
    const followed = follow(socket, email);
    await followed.flows();
    server.advanceClock(tokensEndMs);
    browser.pass(tokensEndMs);
    await followed.flows();
    await followed.flows();
    subscription.unsubscribe();
    expect(new Set(types)).toEqual(new Set(['CREATED']));
    expect(types.length).toBeGreaterThanOrEqual(2);
    await auth.logout();
    expect(await followed.ended).toMatchObject({ code: 4403 });
    expect(await stateOf(auth, 'signed-out')).toMatchObject({ reason: 'LOGOUT' });
  });
});
