import { beforeAll, expect, it } from '@jest/globals';
import Database from 'libsql';
import { mongo } from 'mongoose';
import { withoutTimeout } from '../../src/store/mongo/guard.js';
import type { Store } from '../../src/store/port.js';
import { aPerson, type Person, signIn } from '../support/people.js';
import { aSession, day, minute } from '../support/records.js';
import { codeOf, extensionsOf, type GraphQLAnswer, post, refreshMutation } from '../support/requests.js';
import { startServer, type TestServer } from '../support/server.js';
import { Socket } from '../support/sockets.js';
import { stopwatch } from '../support/stalls.js';
import { describeStores, type StoreUnderTest } from '../support/stores.js';

const setRoles = 'mutation ($id: ID!, $roles: [String!]!) { setUserRoles(userId: $id, roles: $roles) { roles permissions } }';
const disable = `mutation ($id: ID!, $reason: String, $until: DateTime) {
  disableUser(userId: $id, reason: $reason, until: $until) { disabled { until reason } sessions { totalCount } } }`;
const enable = 'mutation ($id: ID!) { enableUser(userId: $id) { disabled { at } } }';
const remove = 'mutation ($id: ID!) { deleteUser(userId: $id) }';
const create =
  'mutation ($input: CreateUserInput!) { createUser(input: $input) { id email username roles emailVerified disabled { at } } }';
const revoke = `mutation ($filter: SessionFilter!, $dryRun: Boolean! = true) {
  revokeSessions(filter: $filter, dryRun: $dryRun) { count dryRun sessions { id state revocationReason user { id } } } }`;

/** Everything in the database, as the bare driver gives it. */
async function dumpOf({ kind, url }: StoreUnderTest): Promise<string> {
  if (kind === 'sqlite') {
    const connection = new Database(url.slice('sqlite:'.length), { timeout: 1_000 });
    const rows = ['accounts', 'sessions', 'changes', 'keys'].map((table) => connection.prepare(`SELECT * FROM ${table}`).all());
    connection.close();
    return JSON.stringify(rows);
  }
  const client = new mongo.MongoClient(withoutTimeout(url));
  const collections = await client.db().collections();
  const documents = await Promise.all(collections.map((collection) => collection.find().toArray()));
  await client.close();
  return JSON.stringify(documents);
}

describeStores('An administrator', (database) => {
  let server: TestServer;
  let store: Store;
  let root: Person;
  beforeAll(async () => {
    server = await startServer(database.url);
    store = await database.open();
    root = await withRole(await aPerson(server.url), 'admin');
  });
  const withRole = async (person: Person, role: string) => {
    await server.app.services.accounts.grantRole(person.email, role);
    return person;
  };
  const as = (person: Person, query: string, variables: object = {}): Promise<GraphQLAnswer> =>
    post(server.url, query, variables, { token: person.token });
  const isIn = async (person: Person) => (await as(person, '{ me { id } }')).errors.length === 0;

  it('finds all sessions of a stolen agent string and ends them with one dry run and one call, of which the tabs concerned learn within a second', async () => {
    const agent = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) StolenBrowser/66.6' };
    const robbed = [await aPerson(server.url, agent), await aPerson(server.url, agent), await aPerson(server.url, agent)];
    const other = await aPerson(server.url);
    const filter = { userAgent: 'stolenbrowser' };
    const seen = (
      await as(root, 'query ($filter: SessionFilter) { allSessions(filter: $filter) { totalCount nodes { user { email } } } }', { filter })
    ).data.allSessions;
    expect(seen.totalCount).toBe(3);
    expect(seen.nodes.map((node: { user: { email: string } }) => node.user.email).sort()).toEqual(robbed.map(({ email }) => email).sort());

    expect((await as(root, revoke, { filter })).data.revokeSessions).toMatchObject({ count: 3, dryRun: true });
    for (const person of robbed) expect(await isIn(person)).toBe(true);
    const tabs = await Promise.all([...robbed, other].map(({ token }) => Socket.open(server.url, token)));
    const [spared] = tabs.splice(3);
    const { data } = await as(root, revoke, { filter, dryRun: false });
    const sinceEnd = stopwatch();
    const told = { code: 4403, reason: 'SESSION_REVOKED REVOKED_BY_ADMIN' };
    expect(await Promise.all(tabs.map(({ closed }) => closed))).toEqual([told, told, told]);
    expect(sinceEnd()).toBeLessThan(1_000);
    await spared?.roundTrip();
    expect(data.revokeSessions).toMatchObject({ count: 3, dryRun: false });
    expect(data.revokeSessions.sessions[0]).toMatchObject({ state: 'REVOKED', revocationReason: 'REVOKED_BY_ADMIN' });
    for (const person of robbed) expect(await isIn(person)).toBe(false);
    expect(await isIn(other)).toBe(true);
    expect((await as(root, revoke, { filter, dryRun: false })).data.revokeSessions).toMatchObject({ count: 0, sessions: [] });
  });

  it('must narrow what is ended, ends nothing by an empty list, and spares the own session unless it is named', async () => {
    for (const filter of [{}, { state: 'ACTIVE' }, { ids: null }, { userAgent: '' }])
      expect(extensionsOf(await as(root, revoke, { filter, dryRun: false }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'filter' });
    expect(extensionsOf(await as(root, revoke, { filter: { role: 'none' } }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'role' });
    const tooMany = { ids: Array.from({ length: 1_001 }, () => 'x') };
    expect(extensionsOf(await as(root, revoke, { filter: tooMany }))).toMatchObject({ code: 'BAD_USER_INPUT', field: 'ids' });
    expect((await as(root, revoke, { filter: { ids: [] }, dryRun: false })).data.revokeSessions.count).toBe(0);
    expect((await as(root, revoke, { filter: { state: 'REVOKED', userId: root.id }, dryRun: false })).data.revokeSessions.count).toBe(0);

    const second = (await signIn(server.url, root)).data.login;
    expect((await as(root, revoke, { filter: { userId: root.id }, dryRun: false })).data.revokeSessions.count).toBe(1);
    expect(await isIn(root)).toBe(true);
    expect(await isIn({ ...root, token: second.accessToken })).toBe(false);
    const third = (await signIn(server.url, root)).data.login;
    const own = { filter: { ids: [third.session.id] }, dryRun: false };
    expect((await as({ ...root, token: third.accessToken }, revoke, own)).data.revokeSessions.count).toBe(1);
    expect(await isIn({ ...root, token: third.accessToken })).toBe(false);
  });

  it('gives and takes roles, which act with the very next request and sign nobody out', async () => {
    const person = await aPerson(server.url);
    expect(codeOf(await as(person, '{ users { totalCount } }'))).toBe('FORBIDDEN');
    const { data } = await as(root, setRoles, { id: person.id, roles: ['support', 'support'] });
    expect(data.setUserRoles).toEqual({ roles: ['support'], permissions: ['users:read', 'sessions:read'] });
    expect((await as(person, '{ users { totalCount } }')).errors).toEqual([]);
    await as(root, setRoles, { id: person.id, roles: ['admin'] });
    await as(root, setRoles, { id: person.id, roles: ['user'] });
    expect(codeOf(await as(person, enable, { id: root.id }))).toBe('FORBIDDEN');
    expect(await isIn(person)).toBe(true);
    expect((await post(server.url, refreshMutation, { token: person.refreshToken })).errors).toEqual([]);
    const unknown = await as(root, setRoles, { id: person.id, roles: ['user', 'emperor'] });
    expect(extensionsOf(unknown)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'roles', reason: 'UNKNOWN_ROLE' });
  });

  it('keeps a person out at once, and until the time that was given', async () => {
    const person = await aPerson(server.url);
    const until = new Date(Date.now() + 60 * minute).toISOString();
    const { data } = await as(root, disable, { id: person.id, reason: 'spam', until });
    expect(data.disableUser).toEqual({ disabled: { until, reason: 'spam' }, sessions: { totalCount: 0 } });
    expect(await isIn(person)).toBe(false);
    expect(codeOf(await signIn(server.url, person))).toBe('ACCOUNT_DISABLED');
    const standing = `query ($id: ID!) { user(id: $id) { disabled { reason } sessions(state: null) { nodes { revocationReason } } }
      users(filter: { disabled: true }) { nodes { id } } }`;
    const during = (await as(root, standing, { id: person.id })).data;
    expect(during.user).toEqual({ disabled: { reason: 'spam' }, sessions: { nodes: [{ revocationReason: 'ACCOUNT_DISABLED' }] } });
    expect(during.users.nodes).toContainEqual({ id: person.id });

    const another = await aPerson(server.url);
    await as(root, disable, { id: another.id });
    expect((await as(root, enable, { id: another.id })).data.enableUser).toEqual({ disabled: null });
    expect((await signIn(server.url, another)).errors).toEqual([]);
    expect(await isIn(another)).toBe(false);
  });

  it('need not enable a person whose time has come', async () => {
    const later = await startServer(database.url);
    const person = await aPerson(later.url);
    const admin = await aPerson(later.url);
    await later.app.services.accounts.grantRole(admin.email, 'admin');
    const until = new Date(Date.now() + 10 * minute).toISOString();
    expect((await post(later.url, disable, { id: person.id, until }, { token: admin.token })).errors).toEqual([]);
    expect(codeOf(await signIn(later.url, person))).toBe('ACCOUNT_DISABLED');
    later.advanceClock(10 * minute + 1_000);
    expect((await signIn(later.url, person)).errors).toEqual([]);
    const standing = 'query ($id: ID!) { user(id: $id) { disabled { at } } }';
    expect((await post(later.url, standing, { id: person.id }, { token: admin.token })).data.user).toEqual({ disabled: null });
    expect(codeOf(await post(later.url, '{ me { id } }', {}, { token: person.token }))).toBe('UNAUTHENTICATED');
    await later.close();
  });

  it.each([
    ['until', { until: new Date(Date.now() - 1_000).toISOString() }, 'OUT_OF_RANGE'],
    ['reason', { reason: 'x'.repeat(501) }, 'OUT_OF_RANGE'],
    ['reason', { reason: 'half \ud800' }, 'INVALID'],
  ])('is told that %s is not acceptable, and nothing happens', async (field, variables, reason) => {
    const person = await aPerson(server.url);
    const answer = await as(root, disable, { id: person.id, ...variables });
    expect(extensionsOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', field, reason });
    expect(await isIn(person)).toBe(true);
  });

  it('deletes an account, of which no row keeps personal data, and whose address is free again', async () => {
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; DeletedMachine)';
    const person = await aPerson(server.url, { 'user-agent': agent });
    await signIn(server.url, person, { 'user-agent': agent });
    await as(root, disable, { id: person.id, reason: 'left in anger' });
    await as(root, enable, { id: person.id });
    const signedIn = (await signIn(server.url, person, { 'user-agent': agent })).data.login;
    const hash = (await store.findAccount(person.id))?.passwordHash ?? 'none';
    expect((await as(root, remove, { id: person.id })).data.deleteUser).toBe(true);

    const dump = await dumpOf(database);
    expect(dump).toContain(person.id);
    for (const trace of [person.email, person.username, person.username.toLowerCase(), hash, 'DeletedMachine', 'left in anger'])
      expect(dump).not.toContain(trace);
    const row = JSON.stringify(await database.row('sessions', signedIn.session.id));
    expect(row).not.toContain('127.0.0.1');
    expect(row).toContain('Unknown device');

    const answer = await as({ ...person, token: signedIn.accessToken }, '{ me { id } }');
    expect(extensionsOf(answer)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED', sessionId: signedIn.session.id });
    const refreshed = await post(server.url, refreshMutation, { token: signedIn.refreshToken });
    expect(extensionsOf(refreshed)).toMatchObject({ code: 'SESSION_REVOKED', reason: 'ACCOUNT_DELETED' });
    expect(codeOf(await signIn(server.url, person))).toBe('INVALID_CREDENTIALS');
    const left = `query ($id: ID!) { user(id: $id) { id } session(id: "${signedIn.session.id}") { state revocationReason user { id } ipAddress }
      allSessions(filter: { userId: "${person.id}" }) { nodes { user { id } userAgent state } }
      users(filter: { search: "${person.email}" }) { totalCount } }`;
    const { data, errors } = await as(root, left, { id: person.id });
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      user: null,
      session: { state: 'REVOKED', revocationReason: 'ACCOUNT_DELETED', user: null, ipAddress: null },
      users: { totalCount: 0 },
    });
    expect(data.allSessions.nodes).toHaveLength(3);
    for (const session of data.allSessions.nodes) expect(session).toEqual({ user: null, userAgent: null, state: 'REVOKED' });
    const again = (await as(root, create, { input: { email: person.email, username: person.username } })).data.createUser;
    expect(again.id).not.toBe(person.id);
    for (const act of [remove, enable, disable]) expect(codeOf(await as(root, act, { id: person.id }))).toBe('NOT_FOUND');
  });

  it('leaves an event of each act, with who did it', async () => {
    const input = { email: 'followed@example.com', roles: ['support'] };
    const { id } = (await as(root, create, { input })).data.createUser;
    server.advanceClock(1);
    await as(root, setRoles, { id, roles: ['user'] });
    server.advanceClock(1);
    await as(root, disable, { id });
    server.advanceClock(1);
    await as(root, enable, { id });
    server.advanceClock(1);
    await as(root, enable, { id });
    server.advanceClock(1);
    await as(root, remove, { id });
    const { data } = await as(
      root,
      'query ($id: ID!) { auditEvents(filter: { userId: $id }) { nodes { type actor { id } ipAddress summary } } }',
      { id },
    );
    const by = { actor: { id: root.id }, ipAddress: '127.0.0.1' };
    const told = [
      { ...by, type: 'ACCOUNT_DELETED', summary: 'The account was deleted by an administrator.' },
      { ...by, type: 'ACCOUNT_ENABLED', summary: 'The account was enabled by an administrator.' },
      { ...by, type: 'ACCOUNT_DISABLED', summary: 'The account was disabled by an administrator.' },
      { ...by, type: 'ROLES_CHANGED', summary: 'The roles were changed from user, support to user.' },
      { ...by, type: 'ACCOUNT_CREATED', summary: 'The account was made by an administrator, with the roles user, support.' },
    ];
    expect(data.auditEvents.nodes).toEqual(told);
  });

  it('makes an account that nobody can sign in to yet, and whose person is told by mail', async () => {
    const input = { email: ' New.Person@Example.com', username: 'Newcomer', roles: ['support'] };
    const { data } = await as(root, create, { input });
    expect(data.createUser).toMatchObject({
      email: 'new.person@example.com',
      username: 'Newcomer',
      roles: ['user', 'support'],
      emailVerified: false,
      disabled: null,
    });
    expect((await store.findAccount(data.createUser.id))?.passwordHash).toBeNull();
    expect(codeOf(await signIn(server.url, { email: input.email }))).toBe('INVALID_CREDENTIALS');
    expect(codeOf(await as(root, create, { input }))).toBe('EMAIL_TAKEN');
    expect(codeOf(await as(root, create, { input: { email: 'x@example.com', username: 'NEWCOMER' } }))).toBe('USERNAME_TAKEN');
    for (const [field, bad] of Object.entries({ email: { email: 'no' }, username: { email: 'y@example.com', username: '' } }))
      expect(extensionsOf(await as(root, create, { input: bad }))).toMatchObject({ code: 'BAD_USER_INPUT', field });
    const role = await as(root, create, { input: { email: 'z@example.com', roles: ['none'] } });
    expect(extensionsOf(role)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'roles' });
    const closed = await startServer(database.url, { LATCHKEY_SIGNUP: 'off' });
    const later = await post(closed.url, create, { input: { email: 'later@example.com' } }, { token: root.token });
    expect(later.data.createUser.email).toBe('later@example.com');
    await closed.close();
  });

  it('learns the roles and what they allow', async () => {
    expect((await as(root, '{ roles { name permissions } }')).data.roles).toEqual([
      { name: 'user', permissions: [] },
      { name: 'support', permissions: ['users:read', 'sessions:read'] },
      { name: 'admin', permissions: ['users:read', 'users:write', 'sessions:read', 'sessions:revoke', 'audit:read'] },
    ]);
  });

  it.each(['no id', '', '6ba7b810-9dad-41d1-80b4-00c04fd430c8', '$ne', '../..'])(
    'is told NOT_FOUND for the id %j by every act',
    async (id) => {
      for (const [act, variables] of [
        [setRoles, { roles: ['user'] }],
        [disable, {}],
        [enable, {}],
        [remove, {}],
      ] as const)
        expect(extensionsOf(await as(root, act, { id, ...variables }))).toMatchObject({ code: 'NOT_FOUND' });
      expect((await as(root, 'query ($id: ID!) { user(id: $id) { id } }', { id })).data).toEqual({ user: null });
    },
  );

  it('who is the last one can neither step down, nor disable nor delete the own account', async () => {
    const query = { search: null, role: 'admin', disabled: null, emailVerified: null, now: Date.now() };
    for (const { id, rightsVersion } of (await store.listAccounts(query, { limit: 100, after: null })).rows)
      if (id !== root.id) await store.setRoles(id, rightsVersion, ['user'], Date.now());
    for (const [act, variables] of [
      [setRoles, { roles: ['support'] }],
      [disable, {}],
      [remove, {}],
    ] as const)
      expect(extensionsOf(await as(root, act, { id: root.id, ...variables }))).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'userId',
        reason: 'LAST_ADMINISTRATOR',
      });
    const other = await withRole(await aPerson(server.url), 'admin');
    await as(root, disable, { id: other.id });
    expect(extensionsOf(await as(root, remove, { id: root.id }))).toMatchObject({ reason: 'LAST_ADMINISTRATOR' });
    await as(root, enable, { id: other.id });
    expect((await as(root, setRoles, { id: root.id, roles: ['support'] })).data.setUserRoles.roles).toEqual(['support']);
    expect(codeOf(await as(root, enable, { id: other.id }))).toBe('FORBIDDEN');
  });

  // Thousands of sessions take too long to make on the server that stands in for MongoDB here.
  if (database.kind === 'sqlite') {
    it('ends thousands in batches of 500, of which the log tells, and reports the newest 100', async () => {
      const admin = await withRole(await aPerson(server.url), 'admin');
      const owner = await aPerson(server.url);
      const now = Date.now();
      const ends = { idleExpiresAt: now + day, expiresAt: now + day, purgeAt: now + day };
      const times = { createdAt: now, lastSeenAt: now, authenticatedAt: now, ...ends };
      const { sessionEpoch: epoch = 0 } = (await store.findAccount(owner.id)) ?? {};
      const many = Array.from({ length: 3_200 }, () => aSession({ ...times, accountId: owner.id, epoch, userAgent: 'Swarm/1.0' }));
      await Promise.all(many.map((session) => store.createSession(session)));
      const { data } = await as(admin, revoke, { filter: { userAgent: 'Swarm' }, dryRun: false });
      expect(data.revokeSessions.count).toBe(3_200);
      expect(data.revokeSessions.sessions).toHaveLength(100);
      const told = [...server.log().matchAll(/"by":"([^"]+)","count":(\d+),"dryRun":false/g)].filter(([, by]) => by === admin.id);
      expect(told.map(([, , count]) => Number(count))).toEqual([500, 1000, 1500, 2000, 2500, 3000, 3200]);
    });
  }
});
