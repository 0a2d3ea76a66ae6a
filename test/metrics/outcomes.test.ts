import { request as httpRequest } from 'node:http';
import { afterAll, describe, expect, it } from '@jest/globals';
import { HashQueue } from '../../src/auth/hash-queue.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { storeWith } from '../support/factories.js';
import { Mailbox } from '../support/mailbox.js';
import { codeOf, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { sqlitePath } from '../support/stores.js';
import { metricsToken, parseMetrics, samplesOf, scrape } from './scrape.js';

let people = 0;
async function signUp(server: TestServer, headers: Record<string, string> = {}) {
  people += 1;
  const input = { email: `person${people}@example.com`, password: goodPassword };
  const { data } = await post(server.url, signupMutation, { input }, { headers });
  return data.signup.auth as { accessToken: string; refreshToken: string; user: { id: string } };
}
const serve = (settings: Record<string, string> = {}, open?: (url: string) => Promise<Store>, url = 'sqlite::memory:') =>
  startServer(url, { LATCHKEY_METRICS_TOKEN: metricsToken, ...settings }, open);

describe('Mails', () => {
  it('count as sent, and beyond ten of a kind to an address in an hour as dropped', async () => {
    const settings = { LATCHKEY_METRICS_TOKEN: metricsToken, LATCHKEY_THROTTLE: 'on' };
    const server = await startServer('sqlite::memory:', settings, undefined, new Mailbox());
    await signUp(server);
    const email = `person${people}@example.com`;
    const asking = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
    for (let count = 0; count < 12; count += 1) await post(server.url, asking, { email });
    await server.app.services.settle();
    await server.app.services.outbox.settle();
    expect(samplesOf(await scrape(server), 'latchkey_mails_total')).toEqual({ '{outcome="sent"}': 10, '{outcome="dropped"}': 2 });
  });
});

describe('A refresh', () => {
  it('from another agent counts as a mismatch once, then as revoked', async () => {
    const server = await serve({ LATCHKEY_SESSION_BINDING: 'agent' });
    const { refreshToken } = await signUp(server, {
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    });
    for (let tries = 0; tries < 2; tries += 1) {
      const answer = await post(server.url, refreshMutation, { token: refreshToken }, { headers: { 'user-agent': 'curl/8.0' } });
      expect(codeOf(answer)).toBe('SESSION_REVOKED');
    }
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_refreshes_total')).toEqual({ '{outcome="binding_mismatch"}': 1, '{outcome="revoked"}': 1 });
    expect(samplesOf(text, 'latchkey_sessions_ended_total')).toEqual({ '{reason="BINDING_MISMATCH"}': 1 });
  });

  it('of a disabled account, one that comes too fast, and one that fails inside count as such', async () => {
    const url = `sqlite:${sqlitePath()}`;
    let isBroken = false;
    const open = async () => {
      const store = await openStore(url);
      const findSession: Store['findSession'] = (id) => (isBroken ? Promise.reject(new Error('a fault')) : store.findSession(id));
      return storeWith(store, { findSession });
    };
    const server = await serve({ LATCHKEY_REFRESH_GRACE: '60s' }, open, url);
    const { refreshToken: first, user } = await signUp(server);
    let token = first;
    for (let generation = 0; generation < 9; generation += 1) {
      token = (await post(server.url, refreshMutation, { token })).data.refreshToken.refreshToken;
    }
    expect(codeOf(await post(server.url, refreshMutation, { token: first }))).toBe('RATE_LIMITED');
    isBroken = true;
    expect(codeOf(await post(server.url, refreshMutation, { token }))).toBe('INTERNAL_SERVER_ERROR');
    isBroken = false;
    const aside = await openStore(url);
    const at = Date.now();
    await aside.disableAccount(user.id, { at, until: null, reason: null }, { at, reason: 'ACCOUNT_DISABLED', by: null });
    await aside.close();
    expect(codeOf(await post(server.url, refreshMutation, { token }))).toBe('ACCOUNT_DISABLED');
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_refreshes_total')).toEqual({
      '{outcome="rotated"}': 9,
      '{outcome="rate_limited"}': 1,
      '{outcome="failed"}': 1,
      '{outcome="disabled"}': 1,
    });
    // An error that is no outage is none of the store's availability.
    expect(samplesOf(text, 'latchkey_store_errors_total')).toEqual({});
  });
});

describe('A request', () => {
  const waiting: (() => void)[] = [];
  afterAll(() => {
    for (const release of waiting) release();
  });
  /** A server whose access tokens are settled only when `release` is called. */
  async function slowServer(settings: Record<string, string>) {
    let isSlow = false;
    let reached = () => undefined as unknown;
    let release = () => undefined as unknown;
    const server = await serve(settings, async (url) => {
      const store = await openStore(url);
      const findCurrent: Store['findCurrent'] = async (...args) => {
        if (isSlow) {
          await new Promise<void>((resolve) => {
            release = resolve;
            waiting.push(resolve);
            reached();
          });
        }
        return store.findCurrent(...args);
      };
      return storeWith(store, { findCurrent, watchChanges: async () => null });
    });
    const { accessToken } = await signUp(server);
    const whenReached = new Promise<unknown>((resolve) => {
      reached = () => resolve(undefined);
    });
    isSlow = true;
    return { server, accessToken, whenReached, release: () => release() };
  }
  const operations = async (server: TestServer) => samplesOf(await scrape(server), 'latchkey_graphql_operations_total');
  async function until<T>(look: () => Promise<T>, isRight: (seen: T) => boolean): Promise<T> {
    for (;;) {
      const seen = await look();
      if (isRight(seen)) return seen;
    }
  }

  it('whose time runs out counts once, as what the client was told', async () => {
    const { server, accessToken, release } = await slowServer({ LATCHKEY_REQUEST_TIMEOUT: '3s' });
    expect(codeOf(await post(server.url, meQuery, {}, { token: accessToken }))).toBe('SERVICE_UNAVAILABLE');
    const told = { '{operation="signup",code="OK"}': 1, '{operation="none",code="SERVICE_UNAVAILABLE"}': 1 };
    expect(await operations(server)).toEqual(told);
    release();
    await server.close();
  });

  it('whose client went away counts as aborted, and its operation when that ends', async () => {
    const { server, accessToken, whenReached, release } = await slowServer({});
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` };
    const client = httpRequest(server.url, { method: 'POST', headers, agent: false });
    client.on('error', () => undefined);
    client.end(JSON.stringify({ query: meQuery }));
    await whenReached;
    const text = await scrape(server);
    expect(samplesOf(text, 'latchkey_http_requests_in_flight')).toEqual({ '': 2 });
    client.destroy();
    const requests = async () => samplesOf(await scrape(server), 'latchkey_http_requests_total');
    await until(requests, (seen) => seen['{route="/graphql",status="aborted"}'] === 1);
    expect(await operations(server)).toEqual({ '{operation="signup",code="OK"}': 1 });
    release();
    const counted = await until(
      () => operations(server),
      (seen) => Object.keys(seen).length > 1,
    );
    expect(counted).toEqual({ '{operation="signup",code="OK"}': 1, '{operation="me",code="OK"}': 1 });
    expect(samplesOf(await scrape(server), 'latchkey_http_requests_in_flight')).toEqual({ '': 1 });
  });
});

describe('The hashing queue', () => {
  it('shows who waits, who is served and who is refused', async () => {
    const metrics = new Metrics();
    const queue = new HashQueue(1, 1_000, metrics);
    const finish: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => void finish.push(resolve));
    const gauges = async () => {
      const samples = parseMetrics(await metrics.render());
      const value = (name: string) => samples.get(`latchkey_password_${name}`);
      return [value('hashes_waiting'), value('hashes_running'), value('hash_refusals_total'), value('hash_duration_seconds_count')];
    };
    const jobs = [queue.run('a', work), queue.run('b', work), queue.run('c', work)];
    await expect(queue.run('d', work)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await gauges()).toEqual([2, 1, 1, 0]);
    finish.shift()?.();
    await jobs[0];
    expect(await gauges()).toEqual([1, 1, 1, 1]);
    for (const job of jobs.slice(1)) {
      finish.shift()?.();
      await job;
    }
    expect(await gauges()).toEqual([0, 0, 1, 3]);
  });
});
