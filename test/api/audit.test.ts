import { beforeAll, describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/auth/errors.js';
import { HashQueue } from '../../src/auth/hash-queue.js';
import type { Store } from '../../src/store/port.js';
import { auditEventTypes } from '../../src/store/records.js';
import { anAuditQuery } from '../support/records.js';
import { codeOf, extensionsOf, loginMutation, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

interface Client {
  readonly email: string;
  readonly id: string;
  readonly sessionId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

const event = 'id at type actor { id email } user { id email } sessionId ipAddress userAgent count summary';
const page = `{ nodes { ${event} } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
const activityQuery = `query ($first: Int, $after: String) { activity(first: $first, after: $after) ${page} }`;
const eventsQuery = `query ($filter: AuditEventFilter, $first: Int, $after: String) { auditEvents(filter: $filter, first: $first, after: $after) ${page} }`;
const statsQuery = `query ($from: DateTime!, $to: DateTime!, $buckets: Int! = 24) {
  signInStats(from: $from, to: $to, buckets: $buckets) { from to succeeded failed throttled } }`;
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

interface Event {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly actor: { readonly id: string } | null;
  readonly user: { readonly id: string } | null;
  readonly sessionId: string | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly count: number;
  readonly summary: string;
}

describeStores('The audit log', (database) => {
  let store: Store;
  let server: TestServer;
  let admin: Client;
  let people = 0;
  beforeAll(async () => {
    store = await database.open();
    server = await startServer(database.url, { LATCHKEY_REFRESH_GRACE: '0s' });
    admin = await signUp();
    await server.app.services.accounts.grantRole(admin.email, 'admin');
  });

  const headers = { 'user-agent': firefox };
  const toClient = (
    email: string,
    auth: { user: { id: string }; session: { id: string }; accessToken: string; refreshToken: string },
  ): Client => ({
    email,
    id: auth.user.id,
    sessionId: auth.session.id,
    accessToken: auth.accessToken,
    refreshToken: auth.refreshToken,
  });
  async function signUp(): Promise<Client> {
    people += 1;
    const email = `person${people}@example.com`;
    const { data } = await post(server.url, signupMutation, { input: { email, password: goodPassword } }, { headers });
    return toClient(email, data.signup.auth);
  }
  /** So that no two events have one instant, which would leave their order to chance. */
  const tick = () => server.advanceClock(1);
  /** So that what follows lies within one minute. */
  const atMinute = () => server.advanceClock(60_000 - (server.app.services.now() % 60_000));
  const logIn = (login: string, password = goodPassword) => {
    tick();
    return post(server.url, loginMutation, { input: { login, password } }, { headers });
  };
  const signIn = async (email: string) => toClient(email, (await logIn(email)).data.login);
  const as = (client: Client, query: string, variables: object = {}) => {
    tick();
    return post(server.url, query, variables, { token: client.accessToken, headers });
  };
  async function eventsFor(client: Client, query: string, variables: object = {}): Promise<Event[]> {
    await server.app.services.audit.flush();
    const { data, text } = await as(client, query, variables);
    if (data === null) throw new Error(text);
    return (data.activity ?? data.auditEvents).nodes;
  }
  const found = (filter: object) => eventsFor(admin, eventsQuery, { filter, first: 100 });

  it('tells a person exactly what happened to the account, the newest first', async () => {
    const one = await signUp();
    const two = await signIn(one.email);
    atMinute();
    for (let tries = 0; tries < 3; tries += 1) await logIn(one.email, 'a wrong password');
    await as(one, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id: two.sessionId });
    await as(one, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id: two.sessionId });
    await server.app.services.accounts.grantRole(one.email, 'support');
    await server.app.services.accounts.grantRole(one.email, 'support');
    await as(one, 'mutation { revokeOtherSessions { count } }');
    const three = await signIn(one.email);
    await post(server.url, refreshMutation, { token: three.refreshToken }, { headers });
    await post(server.url, refreshMutation, { token: three.refreshToken }, { headers });
    const four = await signIn(one.email);
    await as(four, 'mutation { logout }');
    await as(four, 'mutation { logout }');
    const five = await signIn(one.email);
    await post(server.url, 'mutation ($t: String) { revokeToken(token: $t) }', { t: five.refreshToken }, { headers });
    await as(one, 'mutation { revokeAllSessions { count } }');
    const six = await signIn(one.email);
    const events = await eventsFor(six, activityQuery, { first: 100 });
    const told = events.map(({ type, sessionId, count, summary }) => [type, sessionId, count, summary]);
    // Events in the background may stand on either side of what came at once after them.
    const byTime = (rows: typeof told) => rows.map((row) => row.join(' | ')).sort();
    expect(byTime(told)).toEqual(
      byTime([
        ['LOGIN', six.sessionId, 1, 'Signed in.'],
        ['SESSIONS_REVOKED', null, 1, 'All sessions were ended.'],
        ['LOGOUT', five.sessionId, 1, 'A session ended: its client gave a token back.'],
        ['LOGIN', five.sessionId, 1, 'Signed in.'],
        ['LOGOUT', four.sessionId, 1, 'Signed out.'],
        ['LOGIN', four.sessionId, 1, 'Signed in.'],
        ['REFRESH_REUSED', three.sessionId, 1, 'A session was ended for safety: its refresh token had been used twice.'],
        ['LOGIN', three.sessionId, 1, 'Signed in.'],
        ['SESSIONS_REVOKED', one.sessionId, 1, 'All other sessions were ended.'],
        ['ROLES_CHANGED', null, 1, 'The roles were changed from user to user, support.'],
        ['SESSION_REVOKED', two.sessionId, 1, 'A session was ended.'],
        ['LOGIN_FAILED', null, 3, '3 sign-ins were refused: wrong login or password.'],
        ['LOGIN', two.sessionId, 1, 'Signed in.'],
        ['LOGIN', one.sessionId, 1, 'Signed in.'],
        ['SIGNUP', null, 1, 'The account was made by sign-up.'],
      ]),
    );
    expect(events.map(({ at }) => at)).toEqual(
      events
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    for (const { type, user, actor, ipAddress, userAgent } of events) {
      const isOwn = !['ROLES_CHANGED', 'LOGIN_FAILED', 'REFRESH_REUSED'].includes(type);
      expect({ type, user, actor }).toEqual({
        type,
        user: { id: one.id, email: one.email },
        actor: isOwn ? { id: one.id, email: one.email } : null,
      });
      const isKnown = type !== 'ROLES_CHANGED';
      expect({ type, ipAddress, userAgent }).toEqual({
        type,
        ipAddress: isKnown ? '127.0.0.1' : null,
        userAgent: isKnown ? firefox : null,
      });
    }
  });

  it('comes page by page, each event once', async () => {
    const one = await signUp();
    for (let index = 0; index < 4; index += 1) await signIn(one.email);
    const all = await eventsFor(one, activityQuery, { first: 100 });
    expect(all).toHaveLength(6);
    const ids: string[] = [];
    let after: string | null = null;
    for (let pages = 1; ; pages += 1) {
      const { data } = await as(one, activityQuery, { first: 2, after });
      const { nodes, pageInfo } = data.activity;
      ids.push(...nodes.map(({ id }: Event) => id));
      expect(pageInfo).toMatchObject({ hasNextPage: pages < 3, hasPreviousPage: pages > 1 });
      after = pageInfo.endCursor;
      if (!pageInfo.hasNextPage) break;
    }
    expect(ids).toEqual(all.map(({ id }) => id));
    for (const first of [0, 101]) expect(extensionsOf(await as(one, activityQuery, { first }))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(extensionsOf(await as(one, activityQuery, { after: 'x' }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });

  it('tells a person what an administrator did, and not who or from where; an administrator is told', async () => {
    const one = await signUp();
    const other = await signIn(one.email);
    await as(admin, 'mutation ($id: ID!) { revokeSession(id: $id) { id } }', { id: other.sessionId });
    const [mine] = await eventsFor(one, activityQuery);
    const row = { type: 'SESSION_REVOKED', sessionId: other.sessionId, summary: 'A session was ended by an administrator.' };
    expect(mine).toMatchObject({ ...row, actor: null, ipAddress: null, userAgent: null, user: { id: one.id } });
    const [theirs] = await found({ userId: one.id, types: ['SESSION_REVOKED'] });
    expect(theirs).toMatchObject({ ...row, actor: { id: admin.id }, ipAddress: '127.0.0.1', userAgent: firefox });
    expect((await eventsFor(admin, activityQuery)).some(({ id }) => id === mine?.id)).toBe(false);
  });

  it('is searched by an administrator, by each filter', async () => {
    const one = await signUp();
    const two = await signIn(one.email);
    await as(two, 'mutation { logout }');
    const all = await found({ userId: one.id });
    expect(all.map(({ type }) => type).sort()).toEqual(['LOGIN', 'LOGIN', 'LOGOUT', 'SIGNUP']);
    expect(new Set(all.map(({ user }) => user?.id))).toEqual(new Set([one.id]));
    const types = async (filter: object) => (await found(filter)).map(({ type }) => type).sort();
    expect(await types({ sessionId: two.sessionId })).toEqual(['LOGIN', 'LOGOUT']);
    expect(await types({ userId: one.id, types: ['LOGIN', 'SIGNUP'] })).toEqual(['LOGIN', 'LOGIN', 'SIGNUP']);
    expect(await types({ userId: one.id, types: [] })).toEqual([]);
    expect(await types({ userId: one.id, ipAddress: '127.0.0.1' })).toHaveLength(4);
    expect(await types({ userId: one.id, ipAddress: '192.0.2.1' })).toEqual([]);
    expect(new Set((await found({ types: ['SIGNUP'] })).map(({ type }) => type))).toEqual(new Set(['SIGNUP']));
    const [newest] = all;
    const at = new Date(newest?.at ?? 0);
    const later = new Date(at.getTime() + 1).toISOString();
    expect(await types({ userId: one.id, after: later })).toEqual([]);
    expect(await types({ userId: one.id, before: later })).toHaveLength(4);
    expect(await types({ userId: one.id, after: at.toISOString() })).toContain(newest?.type);
    expect((await found({ userId: one.id, before: at.toISOString() })).every((row) => row.at < at.toISOString())).toBe(true);
    expect((await found({})).length).toBeGreaterThan(4);
    const hostile = ['', 'x', '{"$ne":""}', "' OR 1=1 --", 'nul\0', 'x'.repeat(5_000), '00000000-0000-4000-8000-000000000000'];
    for (const text of hostile) for (const name of ['userId', 'sessionId', 'ipAddress']) expect(await types({ [name]: text })).toEqual([]);
  });

  it('is for nobody else to read, whatever they ask for', async () => {
    const one = await signUp();
    const two = await signUp();
    await server.app.services.accounts.grantRole(two.email, 'support');
    const span = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' };
    for (const client of [one, two]) {
      expect(codeOf(await as(client, eventsQuery, { filter: { userId: client.id } }))).toBe('FORBIDDEN');
      // Rights are judged before what was asked for.
      expect(codeOf(await as(client, eventsQuery, { first: 0 }))).toBe('FORBIDDEN');
      expect(codeOf(await as(client, statsQuery, { ...span, buckets: 0 }))).toBe('FORBIDDEN');
    }
    for (const [query, variables] of [
      [activityQuery, {}],
      [eventsQuery, {}],
      [statsQuery, span],
    ] as const) {
      expect(codeOf(await post(server.url, query, variables))).toBe('UNAUTHENTICATED');
    }
    expect((await eventsFor(one, activityQuery)).map(({ user }) => user?.id)).toEqual([one.id, one.id]);
  });

  it('counts sign-ins by what became of them', async () => {
    const one = await signUp();
    const from = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000);
    const to = new Date(from.getTime() + 3 * 3_600_000);
    const sums = async (buckets: number) => (await as(admin, statsQuery, { from, to, buckets })).data.signInStats;
    await server.app.services.audit.flush();
    const [before] = await sums(1);
    await signIn(one.email);
    await logIn(one.email, 'a wrong password');
    await logIn('nobody.at.all@example.com', 'a wrong password');
    const run = HashQueue.prototype.run;
    HashQueue.prototype.run = () => Promise.reject(new AuthError('RATE_LIMITED', { retryAfter: 1 }));
    expect(codeOf(await logIn(one.email))).toBe('RATE_LIMITED');
    HashQueue.prototype.run = run;
    await server.app.services.audit.flush();
    expect((await found({ userId: one.id }))[0]).toMatchObject({
      type: 'LOGIN_THROTTLED',
      summary: 'A sign-in was put off: too many at once.',
    });
    const [after] = await sums(1);
    expect(after).toEqual({
      from: from.toISOString(),
      to: to.toISOString(),
      succeeded: before.succeeded + 1,
      failed: before.failed + 2,
      throttled: before.throttled + 1,
    });
    const parts = await sums(3);
    expect(parts.map((part: { from: string }) => part.from)).toEqual(
      [0, 1, 2].map((hour) => new Date(from.getTime() + hour * 3_600_000).toISOString()),
    );
    expect(parts.reduce((sum: number, part: { succeeded: number }) => sum + part.succeeded, 0)).toBe(after.succeeded);
    expect((await as(admin, statsQuery, { from, to })).data.signInStats).toHaveLength(24);
    for (const buckets of [0, -1, 201]) {
      expect(extensionsOf(await as(admin, statsQuery, { from, to, buckets }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'buckets' });
    }
    for (const end of [from, new Date(from.getTime() - 1)]) {
      expect(extensionsOf(await as(admin, statsQuery, { from, to: end }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'to' });
    }
    const huge = `{ ${Array.from({ length: 6 }, (_, index) => `s${index}: signInStats(from: "${from.toISOString()}", to: "${to.toISOString()}", buckets: 200) { failed }`).join(' ')} }`;
    expect((await as(admin, huge)).errors[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', reason: 'ROWS' });
  });

  it('counts failed sign-ins in one record for each account, and in one for all unknown logins', async () => {
    const one = await signUp();
    const unknownBefore = (await found({ types: ['LOGIN_FAILED'] })).filter(({ user }) => user === null);
    atMinute();
    const logins = ['ghost@example.com', 'ghost', 'correct horse battery staple', '', 'spook@example.com'];
    for (const login of logins) expect(codeOf(await logIn(login, 'a wrong password'))).toBe('INVALID_CREDENTIALS');
    await Promise.all(Array.from({ length: 6 }, () => logIn(one.email, 'a wrong password')));
    const mine = await found({ userId: one.id, types: ['LOGIN_FAILED'] });
    const unknown = (await found({ types: ['LOGIN_FAILED'] })).filter(({ user }) => user === null);
    const sum = (rows: readonly Event[]) => rows.reduce((total, { count }) => total + count, 0);
    expect(sum(mine)).toBe(6);
    expect(sum(unknown) - sum(unknownBefore)).toBe(5);
    expect([mine.length, unknown.length - unknownBefore.length]).toEqual([1, 1]);
    expect(mine[0]).toMatchObject({ actor: null, ipAddress: '127.0.0.1' });
  });

  it('tells of a disabled account whose right password was given', async () => {
    const one = await signUp();
    const at = Date.now();
    await store.disableAccount(one.id, { at, until: null, reason: null }, { at, reason: 'ACCOUNT_DISABLED', by: null });
    expect(codeOf(await logIn(one.email))).toBe('ACCOUNT_DISABLED');
    const [newest] = await found({ userId: one.id });
    expect(newest?.summary).toBe('A sign-in with the right password was refused: the account is disabled.');
  });

  it('has what the command line did, by nobody in particular', async () => {
    const { accounts, keyAdministration, bulkRevocations } = server.app.services;
    const made = await accounts.create({ email: 'made@example.com', password: goodPassword, roles: ['support'], emailVerified: true });
    const { sessionId } = await signIn('made@example.com');
    await bulkRevocations.run({ filter: { ids: [sessionId] }, by: null, dryRun: true });
    tick();
    await bulkRevocations.run({ filter: { ids: [sessionId] }, by: null, dryRun: false });
    const again = await signIn('made@example.com');
    tick();
    await bulkRevocations.endAllOf(made.id, null);
    const events = await found({ userId: made.id });
    expect(events.map(({ type, actor, sessionId: session, summary }) => [type, actor?.id ?? null, session, summary])).toEqual([
      ['SESSIONS_REVOKED', null, null, 'All sessions were ended by an administrator.'],
      ['LOGIN', made.id, again.sessionId, 'Signed in.'],
      ['SESSIONS_REVOKED', null, sessionId, 'A session was ended by an administrator.'],
      ['LOGIN', made.id, sessionId, 'Signed in.'],
      ['ACCOUNT_CREATED', null, null, 'The account was made by an administrator, with the roles user, support.'],
    ]);
    const { key } = await keyAdministration.rotate();
    await keyAdministration.rotate();
    tick();
    await keyAdministration.revoke(key.kid);
    await keyAdministration.revoke(key.kid);
    const keys = await found({ types: ['SIGNING_KEY_ROTATED', 'SIGNING_KEY_REVOKED'] });
    expect(keys.map(({ summary, user }) => [summary, user])).toEqual([
      [`The signing key ${key.kid} was revoked.`, null],
      ['The next signing key was made.', null],
    ]);
  });

  it('holds no secret, and nothing that somebody typed as a login or a password', async () => {
    const one = await signUp();
    const typed = ['hunter2-typed-as-a-login', 'hunter2@typed.example', 'a wrong secret word'];
    await logIn(typed[0] ?? '', typed[2]);
    await logIn(typed[1] ?? '', typed[2]);
    await logIn(one.email, typed[2]);
    await as(one, 'mutation { logout }');
    await server.app.services.audit.flush();
    const rows: unknown[] = [];
    for (const type of auditEventTypes) {
      let after: { readonly createdAt: number; readonly id: string } | null = null;
      do {
        const found: Awaited<ReturnType<Store['listAudit']>> = await store.listAudit(anAuditQuery({ types: [type] }), {
          limit: 100,
          after,
        });
        rows.push(...found.rows);
        after = found.next;
      } while (after !== null);
    }
    const text = JSON.stringify(rows);
    expect(rows.length).toBeGreaterThan(30);
    const hashes = [one.id, admin.id].map(async (id) => String((await store.findAccount(id))?.passwordHash));
    const secrets = [
      ...typed,
      goodPassword,
      one.accessToken,
      one.refreshToken,
      ...(await Promise.all(hashes)),
      'lk_rt_',
      'lk1$',
      // Every token begins so. Three letters of it stand in the random id of a key once in some thousand.
      'eyJhbGciOi',
      '@',
    ];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });
});

describe('The names of events', () => {
  it('are given by introspection with what they stand for', async () => {
    const server = await startServer('sqlite::memory:');
    const { data } = await post(server.url, '{ __type(name: "AuditEventType") { enumValues { name description } } }');
    const values = data.__type.enumValues as { name: string; description: string }[];
    expect(values.map(({ name }) => name).sort()).toEqual([...auditEventTypes].sort());
    expect(values.every(({ description }) => description.length > 20)).toBe(true);
  });
});
