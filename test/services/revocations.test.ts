import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import { openStore } from '../../src/store/open.js';
import { type ChangeListener, type Store, StoreUnavailableError } from '../../src/store/port.js';
import { storeWith, withoutFeed } from '../support/factories.js';
import { type ServerProcess, startProcess } from '../support/processes.js';
import { loginMutation, post } from '../support/requests.js';
import { goodPassword, startServer, type TestServer, testEnvironment } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';
import { allRevocations, askRevocations, logout, revocations, serviceToken, signUp, untilFeed, withServices } from './service.js';

const megabyte = 1_000_000;
const ending = { reason: 'REVOKED_BY_ADMIN', at: 1_700_000_000_123, by: 'an administrator' } as const;

/** A server whose feed the test plays as it likes. */
async function startPlayed(overrides: Record<string, string> = {}) {
  let listener: ChangeListener | undefined;
  let isSilent = false;
  const open = async (url: string): Promise<Store> => {
    const store = await openStore(url);
    return storeWith(store, {
      watchChanges: (given) => {
        if (isSilent) return Promise.reject(new StoreUnavailableError());
        listener = given;
        return store.watchChanges({ ...given, onChange: (change) => void (isSilent || given.onChange(change)) });
      },
    });
  };
  const server = await startServer('sqlite::memory:', { ...withServices, ...overrides }, open);
  await untilFeed(server.url);
  return {
    server,
    revoke: (ids: readonly string[]) => {
      for (const sessionId of ids) listener?.onChange({ kind: 'session-revoked', sessionId, ending });
    },
    lose: () => {
      isSilent = true;
      listener?.onLost(new Error('cut'));
    },
    fallSilent: () => {
      isSilent = true;
    },
    heal: () => {
      isSilent = false;
    },
  };
}

/** Resolves once so many requests are under way at the server beyond the one that asks. */
async function untilUnderWay(server: TestServer, count: number): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const response = await fetch(new URL('/metrics', server.url), { headers: { authorization: `Bearer ${serviceToken}` } });
    const inFlight = /^latchkey_http_requests_in_flight (\d+)$/m.exec(await response.text())?.[1];
    if (Number(inFlight) - 1 === count) return;
    if (Date.now() > giveUpAt) throw new Error(`${inFlight} requests are under way`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const withMetrics = { LATCHKEY_METRICS_TOKEN: serviceToken };

describeStores('The feed of revocations', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(database.url, withServices);
    await untilFeed(server.url);
  });

  it('tells who has no cursor everything, and then what has come since', async () => {
    const [one, other] = [await signUp(server.url), await signUp(server.url)];
    await logout(server.url, one.token);
    const first = await revocations(server.url);
    expect(first).toMatchObject({ complete: true, more: false, ttl: 3_600 });
    expect(first.sessions).toContainEqual({
      sid: one.sessionId,
      at: expect.any(Number),
      reason: 'LOGOUT',
      exp: expect.any(Number),
    });
    expect(await revocations(server.url, { after: first.cursor, wait: 0 })).toEqual({
      ...first,
      as_of: expect.any(Number),
      complete: false,
      sessions: [],
      accounts: [],
    });

    const second = (await post(server.url, loginMutation, { input: { login: other.email, password: goodPassword } })).data.login;
    await post(server.url, 'mutation { revokeOtherSessions { count } }', {}, { token: second.accessToken });
    const next = await revocations(server.url, { after: first.cursor });
    expect(next.complete).toBe(false);
    expect(next.sessions.map(({ sid }) => sid)).not.toContain(one.sessionId);
    expect(next.accounts).toEqual([
      {
        sub: other.id,
        ver: 2,
        epoch: 1,
        kept_sid: second.session.id,
        roles: ['user'],
        scope: '',
        disabled: null,
        at: expect.any(Number),
        reason: 'REVOKED_BY_USER',
        exp: expect.any(Number),
      },
    ]);
    const whole = await revocations(server.url);
    expect(whole.sessions.map(({ sid }) => sid)).toEqual(expect.arrayContaining([one.sessionId]));
    expect(whole.accounts.map(({ sub }) => sub)).toContain(other.id);
  });

  it('names no person, no actor and no address', async () => {
    const { email, username, token } = await signUp(server.url);
    await logout(server.url, token);
    await (await database.open()).disableAccount(
      (await signUp(server.url)).id,
      { at: Date.now(), until: null, reason: 'a private matter' },
      ending,
    );
    const response = await askRevocations(server.url);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    for (const secret of [email, username, token, 'a private matter', ending.by, '127.0.0.1']) expect(text).not.toContain(secret);
  });

  it('dates everything by the server, in seconds', async () => {
    const { sessionId, token } = await signUp(server.url);
    const before = Date.now() / 1000;
    await logout(server.url, token);
    const { as_of, sessions } = await revocations(server.url);
    const after = Date.now() / 1000;
    expect(as_of).toBeGreaterThan(before - 3);
    expect(as_of).toBeLessThanOrEqual(after + 1);
    const told = sessions.find(({ sid }) => sid === sessionId);
    expect(told?.at).toBeGreaterThan(before - 1);
    expect(told?.at).toBeLessThan(after + 1);
    expect(told?.exp).toBeGreaterThanOrEqual(before + 3_600 + 30 + 119);
    expect(told?.exp).toBeLessThanOrEqual(after + 3_600 + 30 + 122);
  });

  it('answers who waits as soon as something is new', async () => {
    const { sessionId, token } = await signUp(server.url);
    const { cursor } = await revocations(server.url);
    const waiting = revocations(server.url, { after: cursor });
    await logout(server.url, token);
    const sinceEnd = stopwatch();
    const { sessions } = await waiting;
    expect(sinceEnd()).toBeLessThan(1_000);
    expect(sessions.map(({ sid }) => sid)).toEqual([sessionId]);
  });

  it('knows no cursor of another process, of another life, or of nobody, and then begins anew', async () => {
    const { sessionId, token } = await signUp(server.url);
    await logout(server.url, token);
    const { cursor } = await revocations(server.url);
    const next = await startServer(database.url, withServices);
    await untilFeed(next.url);
    const life = cursor.slice(0, cursor.lastIndexOf('.'));
    const foreign = [cursor, 'x', '', `${life}.`, `${life}.-1`, `${life}.1e3`, `${life}.99999999`, `${life}.1.1`, 'x'.repeat(2_000), '\0'];
    for (const [url, after] of [[next.url, cursor] as const, ...foreign.slice(1).map((text) => [server.url, text] as const)]) {
      const page = await revocations(url, { after, wait: 30 });
      expect([after, page.complete]).toEqual([after, true]);
      expect(page.sessions.map(({ sid }) => sid)).toContain(sessionId);
    }
    await next.close();
  });
});

describe('Waiting for revocations', () => {
  it('ends with nothing new when its time is over, which the time limit of requests does not cut', async () => {
    const { server } = await startPlayed({ LATCHKEY_REQUEST_TIMEOUT: '1s' });
    const { cursor } = await revocations(server.url);
    const begun = performance.now();
    const page = await revocations(server.url, { after: cursor, wait: 2 });
    const waitedMs = performance.now() - begun;
    expect(page).toMatchObject({ cursor, complete: false, more: false, sessions: [], accounts: [] });
    expect(waitedMs).toBeGreaterThanOrEqual(1_990);
    expect(waitedMs).toBeLessThan(4_000);
  });

  it.each(['31', '-1', '1.5', '', 'x', '1e1', '0x1'])('takes 0 to 30 whole seconds, not %j', async (wait) => {
    const { server } = await startPlayed();
    const response = await askRevocations(server.url, { wait });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'wait' } }] });
  });

  it('takes each parameter once', async () => {
    const { server } = await startPlayed();
    for (const field of ['after', 'wait']) {
      const url = new URL(`/revocations?${field}=1&${field}=1`, server.url);
      const response = await fetch(url, { headers: { authorization: `Bearer ${serviceToken}` } });
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field } }] });
    }
  });

  it('is for 100 at once, who are all told at once; the next is sent away, until one has left', async () => {
    const { server, revoke } = await startPlayed(withMetrics);
    const { cursor } = await revocations(server.url);
    const leaving = new AbortController();
    const left = revocations(server.url, { after: cursor }, { headers: authorized, signal: leaving.signal }).catch(() => 'left');
    const others = Array.from({ length: 99 }, () => revocations(server.url, { after: cursor }));
    await untilUnderWay(server, 100);

    const refused = await askRevocations(server.url, { after: cursor });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await askRevocations(server.url, { after: cursor, wait: 0 })).status).toBe(200);
    expect((await askRevocations(server.url)).status).toBe(200);

    leaving.abort();
    expect(await left).toBe('left');
    await untilUnderWay(server, 99);
    const instead = revocations(server.url, { after: cursor });
    await untilUnderWay(server, 100);
    revoke(['one', 'other']);
    const sinceTold = stopwatch();
    const pages = await Promise.all([instead, ...others]);
    expect(sinceTold()).toBeLessThan(2_000);
    for (const page of pages) expect(page.sessions.map(({ sid }) => sid)).toEqual(['one', 'other']);
    await untilUnderWay(server, 0);
  });

  it('ends at once when the server stops, with an answer', async () => {
    const { server } = await startPlayed(withMetrics);
    const { cursor } = await revocations(server.url);
    const waiting = Array.from({ length: 5 }, () => askRevocations(server.url, { after: cursor, wait: 30 }));
    await untilUnderWay(server, 5);
    const sinceStop = stopwatch();
    const closed = server.close();
    for (const response of await Promise.all(waiting)) {
      expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
      expect(await response.json()).toMatchObject({ cursor, sessions: [] });
    }
    await closed;
    expect(sinceStop()).toBeLessThan(2_000);
  });

  it('ends at once when the instance closes on which the service was mounted', async () => {
    const { plugin } = await createApp(loadConfig(testEnvironment('sqlite::memory:', withServices)), { logger: createLogger('silent') });
    const app = fastify();
    await app.register(plugin, { prefix: '/auth' });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    await untilFeed(url, '/auth');
    const ask = (query: string) => fetch(`${url}/auth/revocations?${query}`, { headers: authorized });
    const { cursor } = (await (await ask('')).json()) as { cursor: string };
    const arrived = new Promise((resolve) => app.server.once('request', resolve));
    const waiting = ask(`after=${cursor}&wait=30`);
    await arrived;
    const sinceStop = stopwatch();
    await app.close();
    const response = await waiting;
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ cursor, complete: false })]);
    expect(sinceStop()).toBeLessThan(5_000);
  });

  it('holds no place for a client that has gone without a word', async () => {
    const { server } = await startPlayed(withMetrics);
    const { cursor } = await revocations(server.url);
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(`GET /revocations?after=${cursor} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${serviceToken}\r\n\r\n`);
    await untilUnderWay(server, 1);
    socket.destroy();
    await untilUnderWay(server, 0);
    expect(server.log()).not.toContain('"level":"error"');
  });
});

const authorized = { authorization: `Bearer ${serviceToken}` };

describe('A node that cannot prove that it knows every revocation', () => {
  const isUnavailable = async (response: Response) => {
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }] });
  };

  it.each(['lose', 'fallSilent'] as const)('tells nothing, those who wait included, and heals by itself: %s', async (fault) => {
    const played = await startPlayed(withMetrics);
    const { url } = played.server;
    played.revoke(['before']);
    const { cursor } = await revocations(url);
    const waiting = askRevocations(url, { after: cursor, wait: 30 });
    await untilUnderWay(played.server, 1);
    const sinceCut = stopwatch();
    played[fault]();
    await isUnavailable(await waiting);
    expect(sinceCut()).toBeLessThan(2_500);
    await isUnavailable(await askRevocations(url));
    await isUnavailable(await askRevocations(url, { after: cursor, wait: 0 }));
    played.heal();
    await untilFeed(url);
    const { token, sessionId } = await signUp(url);
    await logout(url, token);
    const page = await revocations(url, { after: cursor });
    expect([page.complete, page.sessions.map(({ sid }) => sid)]).toEqual([false, [sessionId]]);
  });

  it('tells nothing where the database has no feed', async () => {
    const server = await startServer('sqlite::memory:', withServices, withoutFeed(openStore));
    await isUnavailable(await askRevocations(server.url));
  });
});

describe('Many revocations', () => {
  it('come in pages of at most 1 MB, each entry once, and those that come meanwhile too', async () => {
    const { server, revoke } = await startPlayed();
    const ids = Array.from({ length: 100_000 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
    revoke(ids);
    const seen: string[] = [];
    let pages = 0;
    let after: string | undefined;
    for (let more = true; more; pages += 1) {
      const text = await (await askRevocations(server.url, { after, wait: 0 })).text();
      expect(Buffer.byteLength(text)).toBeLessThan(megabyte);
      const page = JSON.parse(text);
      expect(page.complete).toBe(pages === 0);
      for (const { sid } of page.sessions) seen.push(sid);
      if (pages === 1) revoke(['meanwhile', ids[0] ?? '']);
      ({ cursor: after, more } = page);
    }
    expect(pages).toBeGreaterThan(10);
    expect(seen).toEqual([...ids, 'meanwhile']);
    expect(await revocations(server.url, { after, wait: 0 })).toMatchObject({ sessions: [], more: false, cursor: after });
  });

  it('begin anew after there were more than memory is meant for', async () => {
    const { server, revoke } = await startPlayed();
    const { cursor } = await revocations(server.url);
    revoke(Array.from({ length: 200_001 }, (_, index) => `${index}`));
    expect((await askRevocations(server.url, { after: cursor })).status).toBe(503);
    server.advanceClock(31_000);
    await untilFeed(server.url);
    expect(await revocations(server.url, { after: cursor })).toMatchObject({ complete: true, sessions: [] });
  });

  it('are not told twice because the node was told of them twice', async () => {
    const { server, revoke } = await startPlayed();
    revoke(['one']);
    const { cursor } = await revocations(server.url);
    revoke(['one']);
    expect(await revocations(server.url, { after: cursor, wait: 0 })).toMatchObject({ cursor, sessions: [] });
  });

  it('are forgotten when no token is left that they could concern', async () => {
    const { server, revoke } = await startPlayed({ LATCHKEY_ACCESS_TOKEN_TTL: '1m' });
    revoke(['one']);
    const { cursor, sessions, as_of, ttl } = await revocations(server.url);
    expect(ttl).toBe(60);
    expect(sessions[0]?.exp).toBeGreaterThanOrEqual(as_of + 60 + 30 + 119);
    server.advanceClock((60 + 30 + 121) * 1_000);
    await untilFeed(server.url);
    const giveUpAt = Date.now() + 60_000;
    while ((await revocations(server.url)).sessions.length > 0) {
      if (Date.now() > giveUpAt) throw new Error('still there');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await allRevocations(server.url, cursor)).toMatchObject([{ complete: false, sessions: [] }]);
  });
});

describeStores('Three processes on one store', (database) => {
  const nodes: ServerProcess[] = [];
  const environment = testEnvironment(database.url, withServices);
  beforeAll(async () => {
    for (let node = 0; node < 3; node += 1) nodes.push(await startProcess(environment));
    for (const { url } of nodes) await untilFeed(url);
  });

  it('tell of what was ended at one of them within a second at each', async () => {
    const [here, ...others] = nodes as [ServerProcess, ...ServerProcess[]];
    const delays: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const { id, sessionId, token } = await signUp(here.url);
      const cursors = await Promise.all(others.map(async ({ url }) => (await allRevocations(url)).at(-1)?.cursor));
      let endedAt: number | null = null;
      const told = others.map(async ({ url }, index) => {
        // "End all" comes in more than one piece: the account, and then its sessions.
        for (let after = cursors[index]; ; ) {
          const page = await revocations(url, { after });
          const isTold = round % 2 === 0 ? page.sessions.some(({ sid }) => sid === sessionId) : page.accounts.some(({ sub }) => sub === id);
          if (isTold) break;
          after = page.cursor;
        }
        // Told before the acknowledgement was here: no delay.
        delays.push(endedAt === null ? 0 : performance.now() - endedAt);
      });
      await post(here.url, round % 2 === 0 ? 'mutation { logout }' : 'mutation { revokeAllSessions { count } }', {}, { token });
      endedAt = performance.now();
      await Promise.all(told);
    }
    delays.sort((one, other) => one - other);
    process.stdout.write(
      `long poll (${database.kind}): ${delays.length} observations, p50 ${delays[delays.length >> 1]?.toFixed(0)} ms, most ${delays.at(-1)?.toFixed(0)} ms\n`,
    );
    expect(delays).toHaveLength(40);
    expect(delays.at(-1)).toBeLessThan(1_000);
  });

  it('each have cursors of their own, and a new one after a restart: with any other the whole set comes at once', async () => {
    const [first, second, third] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    const { sessionId, token } = await signUp(first.url);
    await logout(first.url, token);
    const { cursor } = (await allRevocations(first.url)).at(-1) ?? { cursor: '' };
    await third.end('SIGTERM');
    const again = await startProcess(environment);
    await untilFeed(again.url);
    for (const { url } of [second, again]) {
      const giveUpAt = Date.now() + 2_000;
      for (;;) {
        const pages = await allRevocations(url, cursor);
        expect(pages[0]?.complete).toBe(true);
        if (pages.some(({ sessions }) => sessions.some(({ sid }) => sid === sessionId))) break;
        if (Date.now() > giveUpAt) throw new Error('not told after 2 s');
      }
    }
    expect((await revocations(first.url, { after: cursor, wait: 0 })).complete).toBe(false);
  });

  it('end the waiting when they are told to stop', async () => {
    const [first] = nodes as [ServerProcess];
    const { cursor } = (await allRevocations(first.url)).at(-1) ?? { cursor: '' };
    const waiting = revocations(first.url, { after: cursor, wait: 30 });
    // Under way once another request of the same client, sent later, has been answered.
    await revocations(first.url, { wait: 0 });
    const sinceSignal = stopwatch();
    expect(await first.end('SIGTERM')).toBe(0);
    expect(sinceSignal()).toBeLessThan(5_000);
    expect((await waiting).complete).toBe(false);
  });
});
