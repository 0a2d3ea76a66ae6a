import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { withoutFeed } from '../support/factories.js';
import { createFaultyStore } from '../support/faulty-store.js';
import { codeOf, loginMutation, meQuery, post, postBody, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores } from '../support/stores.js';
import { type Collector, type ReceivedSpan, startCollector } from './collector.js';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const serverKind = 2;
const faulted = { code: 2 };
const collectors: Collector[] = [];
afterAll(() => Promise.all(collectors.map((collector) => collector.close())));

async function aCollector(): Promise<Collector> {
  const collector = await startCollector();
  collectors.push(collector);
  return collector;
}

const logLines = (server: TestServer): Record<string, unknown>[] =>
  server
    .log()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The span's name and those below it, in the order of their start. */
interface Tree {
  readonly name: string;
  readonly below: readonly Tree[];
}
function treeOf(span: ReceivedSpan, spans: readonly ReceivedSpan[]): Tree {
  const children = spans.filter(({ parentSpanId, traceId }) => parentSpanId === span.spanId && traceId === span.traceId);
  return { name: span.name, below: children.map((child) => treeOf(child, spans)) };
}
const leaf = (name: string): Tree => ({ name, below: [] });

describeStores('The spans of a story', (database) => {
  const faulty = createFaultyStore();
  const secrets: string[] = [];
  const traceIds: Record<string, string> = { remote: '0af7651916cd43dd8448eb211c80319c' };
  let collector: Collector;
  let server: TestServer;

  /** Does one thing and keeps the id of its trace, as the log tells it. */
  async function traced<T>(name: string, act: () => Promise<T>): Promise<T> {
    const result = await act();
    traceIds[name] = String(logLines(server).findLast(({ msg }) => msg === 'request')?.trace_id);
    return result;
  }
  const spansOf = (name: string): ReceivedSpan[] => collector.spans.filter(({ traceId }) => traceId === traceIds[name]);
  const rootOf = (name: string): ReceivedSpan => {
    const root = spansOf(name).find(({ kind }) => kind === serverKind);
    if (root === undefined) throw new Error(`no trace of ${name}`);
    return root;
  };
  const tree = (name: string): Tree => treeOf(rootOf(name), spansOf(name));

  beforeAll(async () => {
    collector = await aCollector();
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_SERVICE_NAME: 'auth-of-this-test' };
    server = await startServer(database.url, settings, withoutFeed(faulty.open));
    const email = 'ada.traced@example.com';
    const answer = await traced('signup', () => post(server.url, signupMutation, { input: { email, password: goodPassword } }));
    const { accessToken, refreshToken, user, session } = answer.data.signup.auth;
    await traced('login', () => post(server.url, loginMutation, { input: { login: email, password: 'a wrong password' } }));
    await traced('me', () => post(server.url, `query Mallory { mallory: me { id } }`, {}, { token: accessToken }));
    await traced('refresh', () => post(server.url, refreshMutation, { token: refreshToken }));
    await traced('refused', () => postBody(server.url, '{"query":"{ mallory }"}'));
    const headers = { traceparent: `00-${traceIds.remote}-b7ad6b7169203331-01`, tracestate: 'mallory=1' };
    await post(server.url, meQuery, {}, { token: accessToken, headers });
    await traced('malformed', () => post(server.url, '{ serverInfo { version } }', {}, { headers: { traceparent: '00-mallory-01' } }));
    faulty.arm(0, 'before', true);
    expect(codeOf(await traced('outage', () => post(server.url, meQuery, {}, { token: accessToken })))).toBe('SERVICE_UNAVAILABLE');
    faulty.disarm();
    await Promise.all(['/healthz', '/readyz', '/mallory'].map((path) => fetch(new URL(path, server.url))));
    secrets.push(email, user.id, session.id, accessToken, refreshToken, 'correct horse', 'mallory', '127.0.0.1', 'password"');
    await server.close();
  });

  it('come at the stop, by OTLP over HTTP, and name the service', () => {
    expect(new Set(collector.paths)).toEqual(new Set(['/v1/traces']));
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'auth-of-this-test', 'service.version': expect.stringMatching(/^\d/) });
  });

  it('hang together: request, operation, store and password', () => {
    expect(tree('signup')).toEqual({
      name: 'POST /graphql',
      below: [
        {
          name: 'mutation signup',
          below: [
            'findAccountByEmail',
            'password hash',
            'appendAudit',
            'createAccount',
            'appendAudit',
            'recordSignIn',
            'createSession',
            'findAccount',
          ].map(leaf),
        },
      ],
    });
    expect(tree('login').below).toEqual([{ name: 'mutation login', below: ['findAccountByEmail', 'password hash'].map(leaf) }]);
    expect(tree('me').below).toEqual([leaf('findCurrent'), { name: 'query me', below: [leaf('findAccounts')] }]);
    expect(tree('refresh').below).toEqual([{ name: 'mutation refreshToken', below: ['findSession', 'findAccount', 'advance'].map(leaf) }]);
    expect(tree('refused').below).toEqual([leaf('graphql')]);
  });

  it('are one trace for each request, and nothing but requests to /graphql', () => {
    const roots = collector.spans.filter(({ kind }) => kind === serverKind);
    expect(roots.map(({ name }) => name)).toEqual(Array(8).fill('POST /graphql'));
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(8);
    const known = new Set(roots.map(({ traceId }) => traceId));
    expect(collector.spans.filter(({ traceId }) => !known.has(traceId))).toEqual([]);
  });

  it('say what was done, and how it ended by code', () => {
    expect(rootOf('signup').attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': 200,
    });
    expect(rootOf('login').attributes).not.toHaveProperty(['error.type']);
    expect(rootOf('refused').attributes).toMatchObject({ 'http.response.status_code': 400, 'error.type': 'GRAPHQL_VALIDATION_FAILED' });
    const attributesOf = (trace: string, name: string) => spansOf(trace).find((span) => span.name === name)?.attributes;
    expect(attributesOf('me', 'query me')).toEqual({ 'graphql.operation.type': 'query', 'latchkey.graphql.field': 'me' });
    expect(attributesOf('login', 'mutation login')).toMatchObject({ 'error.type': 'INVALID_CREDENTIALS' });
    expect(attributesOf('refused', 'graphql')).toEqual({ 'error.type': 'GRAPHQL_VALIDATION_FAILED' });
    const system = database.kind === 'sqlite' ? 'sqlite' : 'mongodb';
    expect(attributesOf('refresh', 'advance')).toEqual({ 'db.system.name': system, 'db.operation.name': 'advance' });
    expect(attributesOf('outage', 'findCurrent')).toMatchObject({ 'error.type': 'StoreUnavailableError' });
    const faults = spansOf('outage').map(({ name, status }) => ({ name, status }));
    expect(faults).toContainEqual({ name: 'findCurrent', status: faulted });
    expect(faults).toContainEqual({ name: 'query me', status: faulted });
    const hash = spansOf('signup').find(({ name }) => name === 'password hash');
    expect(hash).toMatchObject({ attributes: { 'latchkey.hash.wait_ms': expect.any(Number) }, events: ['hashing'] });
  });

  it("continue the caller's trace, without its state, and begin another where that cannot be read", () => {
    expect(rootOf('remote').parentSpanId).toBe('b7ad6b7169203331');
    expect(rootOf('remote').traceState ?? '').toBe('');
    expect(tree('remote').below).toEqual([leaf('findCurrent'), { name: 'query me', below: [leaf('findAccounts')] }]);
    expect(rootOf('malformed').parentSpanId).toBe('');
  });

  it('hold no address, id, token, password or text of a client', () => {
    const sent = collector.bodies.join('\n');
    for (const secret of secrets) expect(sent.toLowerCase()).not.toContain(secret.toLowerCase());
    expect(sent).not.toMatch(uuid);
    expect(sent).not.toContain('the connection was refused');
  });

  it("are named by the request's line in the log", () => {
    const lines = logLines(server).filter(({ msg }) => msg === 'request');
    const traced = lines.filter(({ req }) => (req as { path: string }).path === '/graphql');
    expect(traced.map(({ trace_id: id }) => id)).toEqual(
      collector.spans.filter(({ kind }) => kind === serverKind).map(({ traceId }) => traceId),
    );
    expect(lines.filter(({ trace_id: id }) => id === undefined)).toHaveLength(2);
  });
});

describe('Tracing', () => {
  // Longer than a stop waits, and short enough that what a failing collector leaves behind does not outlive the tests.
  beforeAll(() => {
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '3000';
  });

  it('registers nothing globally, and two services in one process keep apart', async () => {
    const [one, other] = await Promise.all([aCollector(), aCollector()]);
    const servers = await Promise.all(
      [one, other].map(({ endpoint }) => startServer('sqlite::memory:', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })),
    );
    const [first, second] = servers as [TestServer, TestServer];
    await Promise.all([post(first.url, '{ serverInfo { version } }'), post(second.url, meQuery)]);
    expect(trace.getTracer('of the embedding program').startSpan('nothing').isRecording()).toBe(false);
    expect(context.with(context.active().setValue(Symbol('a key'), 1), () => context.active())).toBe(context.active());
    await Promise.all(servers.map((server) => server.close()));
    expect(one.spans.map(({ name }) => name)).toEqual(['query serverInfo', 'POST /graphql']);
    expect(other.spans.map(({ name }) => name)).toEqual(['query me', 'POST /graphql']);
    expect(one.resources[0]).toMatchObject({ 'service.name': 'latchkey' });
  });

  it.each<[string, (collector: Collector) => void | Promise<void>]>([
    ['refuses', (collector) => collector.answerWith(400)],
    ['is too busy', (collector) => collector.answerWith(503)],
    ['never answers', (collector) => collector.answerWith(null)],
    ['is not there', (collector) => collector.close()],
  ])('disturbs neither requests nor the stop where the collector %s', async (_, fail) => {
    const collector = await aCollector();
    await fail(collector);
    const server = await startServer('sqlite::memory:', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    for (let requests = 0; requests < 5; requests += 1) {
      const answer = await post(server.url, '{ serverInfo { version } }');
      expect(answer).toMatchObject({ status: 200, errors: [] });
    }
    const sinceStart = stopwatch();
    await server.close();
    expect(sinceStart()).toBeLessThan(4_000);
    // What was on its way at the stop is given up a little later, and nothing of it is left then.
    const told = () => logLines(server).filter(({ level }) => level === 'warn' || level === 'error');
    while (told().length === 0) await delay(50);
    expect(told()).toEqual([expect.objectContaining({ msg: 'spans could not be sent to the collector and are lost', spans: 10 })]);
  });

  it('is off by default: no trace in the log', async () => {
    const server = await startServer('sqlite::memory:');
    await post(server.url, '{ serverInfo { version } }');
    expect(server.log()).not.toContain('trace_id');
  });
});
