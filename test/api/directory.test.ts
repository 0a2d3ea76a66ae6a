import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { counting, untilFeed } from '../support/counting.js';
import { aPerson, type Person } from '../support/people.js';
import { anAccount, aSession, day } from '../support/records.js';
import { codeOf, extensionsOf, type GraphQLAnswer, post } from '../support/requests.js';
import { startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

interface Page {
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean; readonly endCursor: string | null };
}

const people = 120;

describeStores('Lists over everybody', (database) => {
  const calls: string[] = [];
  let server: TestServer;
  let store: Store;
  let reader: Person;
  let nobody: Person;
  beforeAll(async () => {
    server = await startServer(database.url, {}, counting(calls));
    store = await database.open();
    await untilFeed(server.url);
    reader = await aPerson(server.url);
    nobody = await aPerson(server.url);
    await server.app.services.accounts.grantRole(reader.email, 'support');
    const now = Date.now() - day;
    for (let count = 0; count < people; count += 1) {
      const createdAt = now + count;
      const account = anAccount({ createdAt, email: `crowd${count}@example.org`, roles: ['user'], sessionEpoch: 0 });
      await store.createAccount(account);
      const ends = { idleExpiresAt: now + 9 * day, expiresAt: now + 9 * day, purgeAt: now + 9 * day };
      await store.createSession(
        aSession({ accountId: account.id, epoch: 0, createdAt, lastSeenAt: createdAt, ...ends, ipAddress: '198.51.100.7' }),
      );
    }
  }, 120_000);
  const ask = (query: string, variables: object = {}): Promise<GraphQLAnswer> =>
    post(server.url, query, variables, { token: reader.token });
  /** The calls of the store that a request made. */
  const during = async (query: string): Promise<string[]> => {
    calls.length = 0;
    const { errors } = await ask(query);
    expect(errors).toEqual([]);
    return [...calls];
  };

  it('cost a constant number of calls of the store, however long the page is and whatever it names', async () => {
    const whole = 'id user { id email username disabled { at } }';
    for (const first of [1, 10, 100]) {
      expect(await during(`{ allSessions(first: ${first}) { nodes { ${whole} } } }`)).toEqual(['listAllSessions', 'findAccounts']);
      expect(await during(`{ users(first: ${first}) { nodes { id email disabled { at } } } }`)).toEqual(['listAccounts']);
      expect(await during(`{ sessions(first: ${first}) { nodes { ${whole} } } }`)).toEqual(['findAccounts', 'listSessions']);
    }
    const ids = (await ask('{ users(first: 8) { nodes { id } } }')).data.users.nodes.map(({ id }: { id: string }) => id);
    const many = ids.map((id: string, index: number) => `u${index}: user(id: "${id}") { email disabled { at } }`).join(' ');
    expect(await during(`{ ${many} }`)).toEqual(['findAccounts']);
  });

  it('are counted only where that is selected', async () => {
    expect((await during('{ users(first: 1) { totalCount } }')).sort()).toEqual(['countAccounts', 'listAccounts']);
    expect((await during('{ allSessions(first: 1) { totalCount } }')).sort()).toEqual([
      'countAllSessions',
      'findAccounts',
      'listAllSessions',
    ]);
    const { data } = await ask('{ users(filter: { search: "CROWD1" }) { totalCount } }');
    expect(data.users.totalCount).toBe(31);
  });

  it.each([
    ['users', '{ search: "crowd" }', people],
    ['users', '{}', people + 2],
    ['allSessions', '{ ipAddress: "198.51.100.7" }', people],
    ['allSessions', '{ state: ACTIVE, role: "support" }', 1],
  ])('give each row of %s(filter: %s) once, page by page', async (list, filter, count) => {
    const seen: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 20; pages += 1) {
      const query = `query ($after: String) { page: ${list}(filter: ${filter}, first: 50, after: $after) {
        edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
      const { page }: { page: Page } = (await ask(query, { after })).data;
      seen.push(...page.nodes.map(({ id }) => id));
      expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
      after = page.pageInfo.endCursor;
      if (!page.pageInfo.hasNextPage) break;
    }
    expect(seen).toHaveLength(count);
    expect(new Set(seen).size).toBe(count);
  });

  it('narrow by every field of their filters', async () => {
    const instant = new Date(Date.now() - day / 2).toISOString();
    const counts = async (list: string, filter: string) =>
      (await ask(`{ ${list}(filter: ${filter}) { totalCount } }`)).data[list].totalCount;
    expect(await counts('users', '{ role: "support" }')).toBe(1);
    expect(await counts('users', '{ disabled: true }')).toBe(0);
    expect(await counts('users', '{ emailVerified: true }')).toBe(0);
    expect(await counts('users', '{ search: null, role: null, disabled: null, emailVerified: null }')).toBe(people + 2);
    expect(await counts('allSessions', `{ createdBefore: "${instant}" }`)).toBe(people);
    expect(await counts('allSessions', `{ createdAfter: "${instant}" }`)).toBe(2);
    expect(await counts('allSessions', `{ lastSeenBefore: "${instant}" }`)).toBe(people);
    expect(await counts('allSessions', `{ lastSeenAfter: "${instant}", deviceKind: PROGRAM }`)).toBe(2);
    expect(await counts('allSessions', `{ userId: "${reader.id}" }`)).toBe(1);
    expect(await counts('allSessions', `{ ids: ["${reader.sessionId}", "no id"] }`)).toBe(1);
    expect(await counts('allSessions', '{ ids: [] }')).toBe(0);
    expect(await counts('allSessions', '{ userAgent: "test/1." }')).toBe(people);
    expect(await counts('allSessions', '{ state: REVOKED }')).toBe(0);
  });

  it.each([
    ['first', '{ users(first: 0) { totalCount } }'],
    ['first', '{ allSessions(first: 101) { totalCount } }'],
    ['after', '{ users(after: "no cursor") { totalCount } }'],
    ['role', '{ users(filter: { role: "emperor" }) { totalCount } }'],
    ['role', '{ allSessions(filter: { role: "emperor" }) { totalCount } }'],
  ])('refuse a bad %s: %s', async (field, query) => {
    expect(extensionsOf(await ask(query))).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('may not be asked for without end in one request', async () => {
    const query = `{ ${Array.from({ length: 9 }, (_, index) => `a${index}: allSessions(first: 20) { nodes { id } }`).join(' ')} }`;
    expect((await ask(query)).errors[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', reason: 'ROWS' });
  });

  const refused = {
    users: '{ users(first: 1000, after: "x", filter: { role: "emperor" }) { totalCount } }',
    user: '{ user(id: "no id") { id } }',
    allSessions: '{ allSessions(first: -1, after: "x", filter: { role: "emperor" }) { totalCount } }',
    roles: '{ roles { name } }',
  };
  const refusedWrites = {
    revokeSessions: 'mutation { revokeSessions(filter: {}) { count } }',
    createUser: 'mutation { createUser(input: { email: "no address", username: "", roles: ["emperor"] }) { id } }',
    setUserRoles: 'mutation { setUserRoles(userId: "no id", roles: ["emperor"]) { id } }',
    disableUser: 'mutation { disableUser(userId: "no id", until: "1999-01-01T00:00:00Z", reason: "\\u0000") { id } }',
    enableUser: 'mutation { enableUser(userId: "no id") { id } }',
    deleteUser: 'mutation { deleteUser(userId: "") }',
  };

  it.each(Object.entries({ ...refused, ...refusedWrites }))(
    'tell a person without the right of no fault in the input, only that: %s',
    async (_, query) => {
      const answer = await post(server.url, query, {}, { token: nobody.token });
      expect(codeOf(answer)).toBe('FORBIDDEN');
      expect(extensionsOf(await post(server.url, query))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'NO_TOKEN' });
    },
  );

  it.each(Object.entries(refusedWrites))('may be read and not written by support: %s', async (_, query) => {
    expect(codeOf(await ask(query))).toBe('FORBIDDEN');
  });
});
