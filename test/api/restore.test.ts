import { beforeAll, expect, it } from '@jest/globals';
import Database from 'libsql';
import { mongo } from 'mongoose';
import { withoutTimeout } from '../../src/store/mongo/guard.js';
import { extensionsOf, type GraphQLAnswer, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores, mongoUrl, type StoreUnderTest, sqlitePath } from '../support/stores.js';

// docs/operations.md tells what a restored backup means for the people who were signed in. These are its sentences.

/** A copy of the database as it is now, made while a server uses it. Comes back with its URL. */
async function backUp({ kind, url }: StoreUnderTest): Promise<string> {
  if (kind === 'sqlite') {
    const copy = sqlitePath();
    const connection = new Database(url.slice('sqlite:'.length), { timeout: 1_000 });
    connection.exec(`VACUUM INTO '${copy}'`);
    connection.close();
    return `sqlite:${copy}`;
  }
  const copy = mongoUrl(url);
  await withDatabases(url, copy, async (from, to) => {
    for (const name of ['accounts', 'sessions', 'keys', 'meta']) {
      const documents = await from.collection(name).find().toArray();
      if (documents.length > 0) await to.collection(name).insertMany(documents);
    }
  });
  return copy;
}

async function withDatabases(from: string, to: string, use: (from: mongo.Db, to: mongo.Db) => Promise<unknown>): Promise<void> {
  const clients = [new mongo.MongoClient(withoutTimeout(from)), new mongo.MongoClient(withoutTimeout(to))] as const;
  try {
    await use(clients[0].db(), clients[1].db());
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** What the manual tells to do before the start when no session may come back. */
async function raiseEveryEpoch(kind: StoreUnderTest['kind'], url: string): Promise<void> {
  if (kind === 'sqlite') {
    const connection = new Database(url.slice('sqlite:'.length));
    connection.exec('UPDATE accounts SET session_epoch = session_epoch + 1, kept_session_id = NULL, version = version + 1');
    connection.close();
  } else {
    const change = { $inc: { sessionEpoch: 1, version: 1 }, $set: { keptSessionId: null } };
    await withDatabases(url, url, (database) => database.collection('accounts').updateMany({}, change));
  }
}

interface Client {
  readonly email: string;
  readonly id: string;
  accessToken: string;
  refreshToken: string;
}
async function signUp(server: TestServer, email: string): Promise<Client> {
  const { data } = await post(server.url, signupMutation, { input: { email, password: goodPassword } });
  const { user, accessToken, refreshToken } = data.signup.auth;
  return { email, id: user.id, accessToken, refreshToken };
}
const refresh = (server: TestServer, token: string): Promise<GraphQLAnswer> => post(server.url, refreshMutation, { token });
async function refreshInto(server: TestServer, client: Client): Promise<void> {
  const { data } = await refresh(server, client.refreshToken);
  client.accessToken = data.refreshToken.accessToken;
  client.refreshToken = data.refreshToken.refreshToken;
  await me(server, client);
}
const me = (server: TestServer, { accessToken }: Client): Promise<GraphQLAnswer> => post(server.url, meQuery, {}, { token: accessToken });

describeStores('A server on a restored backup', (database) => {
  let restored: TestServer;
  let closed: TestServer;
  const people: Record<'idle' | 'active' | 'signedOut' | 'later', Client> = {} as never;
  let supersededToken = '';
  let tokenOfNewKey = '';

  beforeAll(async () => {
    const before = await startServer(database.url);
    people.idle = await signUp(before, 'idle@example.com');
    people.active = await signUp(before, 'active@example.com');
    await refreshInto(before, people.active);
    people.signedOut = await signUp(before, 'signed-out@example.com');
    const [copy, other] = [await backUp(database), await backUp(database)];

    supersededToken = people.active.refreshToken;
    await refreshInto(before, people.active);
    await refreshInto(before, people.active);
    await post(before.url, 'mutation { logout }', {}, { token: people.signedOut.accessToken });
    people.later = await signUp(before, 'later@example.com');
    await before.app.services.accounts.grantRole(people.idle.email, 'admin');
    await before.app.services.keyAdministration.revoke(before.app.services.signingKeys.current().kid);
    const login = { login: people.idle.email, password: goodPassword };
    tokenOfNewKey = (await post(before.url, loginMutation, { input: login })).data.login.accessToken;
    expect(extensionsOf(await me(before, people.idle))).toMatchObject({ reason: 'INVALID' });
    await before.close();

    restored = await startServer(copy);
    await raiseEveryEpoch(database.kind, other);
    closed = await startServer(other);
  });

  it('has forgotten roles granted and signing keys made and revoked since', async () => {
    const { data } = await post(restored.url, '{ me { roles } }', {}, { token: people.idle.accessToken });
    expect(data.me.roles).toEqual(['user']);
    const answer = await post(restored.url, meQuery, {}, { token: tokenOfNewKey });
    expect(extensionsOf(answer)).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'INVALID' });
  });

  it('goes on with whoever has not refreshed since', async () => {
    expect((await me(restored, people.idle)).errors).toEqual([]);
    expect((await refresh(restored, people.idle.refreshToken)).errors).toEqual([]);
  });

  it('takes the access token of whoever has refreshed since, refuses the refresh token, and ends nothing', async () => {
    expect((await me(restored, people.active)).errors).toEqual([]);
    expect(extensionsOf(await refresh(restored, people.active.refreshToken)).code).toBe('REFRESH_TOKEN_INVALID');
    expect((await me(restored, people.active)).errors).toEqual([]);
    const login = { login: people.active.email, password: goodPassword };
    expect((await post(restored.url, loginMutation, { input: login })).errors).toEqual([]);
  });

  it('has forgotten that a session was ended since', async () => {
    expect((await me(restored, people.signedOut)).errors).toEqual([]);
    expect((await refresh(restored, people.signedOut.refreshToken)).errors).toEqual([]);
  });

  it('has forgotten that a token was superseded since, and comes to the same successors', async () => {
    const second = (await refresh(restored, supersededToken)).data.refreshToken;
    const third = (await refresh(restored, second.refreshToken)).data.refreshToken;
    expect(third.refreshToken).toBe(people.active.refreshToken);
  });

  it('knows no account that was made since, and gives its address to another', async () => {
    expect(extensionsOf(await me(restored, people.later))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED' });
    expect(extensionsOf(await refresh(restored, people.later.refreshToken)).code).toBe('REFRESH_TOKEN_INVALID');
    expect((await signUp(restored, people.later.email)).id).not.toBe(people.later.id);
  });

  it('lets in no session from before once every epoch was raised, and everybody signs in again', async () => {
    for (const client of [people.idle, people.active, people.signedOut]) {
      expect(extensionsOf(await me(closed, client))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED' });
    }
    for (const token of [people.idle.refreshToken, supersededToken, people.signedOut.refreshToken]) {
      expect(extensionsOf(await refresh(closed, token)).code).toBe('SESSION_REVOKED');
    }
    const login = { login: people.idle.email, password: goodPassword };
    const { data } = await post(closed.url, loginMutation, { input: login });
    expect((await refresh(closed, data.login.refreshToken)).errors).toEqual([]);
  });
});
