import { beforeAll, describe, expect, it } from '@jest/globals';
import { indexes } from '../../src/store/mongo/indexes.js';
import { accountSearch, filterOf, sessionSearch } from '../../src/store/mongo/searches.js';
import type { Store } from '../../src/store/port.js';
import type { AccountQuery, AllSessionsQuery, CreationPosition, Found } from '../../src/store/queries.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { anAccount, anAccountQuery, anEnding, aSearch, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const hostile = [
  '\0',
  'a\0b',
  '\ud800',
  '{"$ne":""}',
  '$ne',
  '%',
  '_',
  '.*',
  '\\',
  '\\x',
  '[a-z]',
  "' OR 1=1 --",
  '^',
  '(',
  '👩‍👩‍👧',
  'İ',
  'x'.repeat(10_000),
];

/** Every row, page by page. */
async function all<Row>(list: (after: CreationPosition | null) => Promise<Found<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let after: CreationPosition | null = null;
  do {
    const page: Found<Row> = await list(after);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null);
  return rows;
}
const newestFirst = (a: CreationPosition, b: CreationPosition) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

describeStores('accounts of the whole store', (database) => {
  let store: Store;
  const now = t0 + minute;
  const accounts = [
    anAccount({ email: 'ada@example.com', username: 'Countess', roles: ['user', 'admin'], createdAt: t0 + 3 }),
    anAccount({ email: 'adam@example.com', emailVerified: true, roles: ['user'], createdAt: t0 + 3 }),
    anAccount({ email: 'bea@ada.example', roles: ['user"admin'], createdAt: t0 + 1, disabled: { at: t0, until: null, reason: null } }),
    anAccount({ email: 'cy@example.com', username: 'adalbert', createdAt: t0 + 2, disabled: { at: t0, until: now + 1, reason: 'x' } }),
    anAccount({ email: 'di@example.com', username: 'a_a', createdAt: t0 + 2, disabled: { at: t0, until: now, reason: null } }),
    anAccount({ email: 'x%y@example.com', username: 'ab.a', roles: [], createdAt: t0 + 2 }),
  ];
  beforeAll(async () => {
    store = await database.open();
    await Promise.all(accounts.map((account) => store.createAccount(account)));
  });
  const list = (overrides: Partial<AccountQuery>, limit = 100) =>
    all((after) => store.listAccounts(anAccountQuery({ now, ...overrides }), { limit, after }));
  const emails = async (overrides: Partial<AccountQuery>) => (await list(overrides)).map(({ email }) => email).sort();

  it.each([1, 2, 4, 6, 100])('come each once, whole, newest first, in pages of %i', async (limit) => {
    expect(await list({}, limit)).toEqual([...accounts].sort(newestFirst));
    const filtered = await list({ disabled: false }, limit);
    expect(idsOf(filtered)).toEqual(idsOf([...filtered].sort(newestFirst)));
    expect(filtered).toHaveLength(4);
  });

  it.each<[string, Partial<AccountQuery>, string[]]>([
    ['start of an address', { search: 'ada@' }, ['ada@example.com']],
    ['start of an address or a username', { search: 'ada' }, ['ada@example.com', 'adam@example.com', 'cy@example.com']],
    ['username in other case', { search: 'countess' }, ['ada@example.com']],
    ['no start, but a part', { search: 'example' }, []],
    ['empty text', { search: '', role: 'admin' }, ['ada@example.com']],
    ['literal signs', { search: 'a_' }, ['di@example.com']],
    ['signs of a pattern', { search: 'ab.' }, ['x%y@example.com']],
    ['literal percent', { search: 'x%' }, ['x%y@example.com']],
    ['role', { role: 'admin' }, ['ada@example.com']],
    ['role with a quote', { role: 'user"admin' }, ['bea@ada.example']],
    ['disabled at the instant', { disabled: true }, ['bea@ada.example', 'cy@example.com']],
    ['enabled again', { disabled: false, search: 'd' }, ['di@example.com']],
    ['verified', { emailVerified: true }, ['adam@example.com']],
    ['not verified, and more', { emailVerified: false, disabled: false, role: 'user' }, ['ada@example.com']],
  ])('are found by %s', async (_, query, expected) => {
    expect(await emails(query)).toEqual(expected);
    expect(await store.countAccounts(anAccountQuery({ now, ...query }), 100)).toBe(expected.length);
  });

  it('are counted up to a limit', async () => {
    expect(await store.countAccounts(anAccountQuery(), 100)).toBe(6);
    expect(await store.countAccounts(anAccountQuery(), 4)).toBe(4);
  });

  it.each(hostile)('are not found by %j', async (text) => {
    expect(await emails({ search: text })).toEqual([]);
    expect(await emails({ role: text })).toEqual([]);
    expect(await store.findAccounts([text])).toEqual([]);
  });

  it('are fetched many at once, unknown ones left out', async () => {
    const wanted = accounts.slice(0, 4);
    const found = await store.findAccounts([...idsOf(wanted), 'unknown', idsOf(wanted)[0] ?? '']);
    expect([...found].sort(newestFirst)).toEqual([...wanted].sort(newestFirst));
    expect(await store.findAccounts([])).toEqual([]);
  });

  it('go on after a position that is no account', async () => {
    const page = await store.listAccounts(anAccountQuery(), { limit: 10, after: { createdAt: t0 + 2, id: '' } });
    expect(page.rows.map(({ email }) => email)).toEqual(['bea@ada.example']);
    expect(page.next).toBeNull();
  });
});

describeStores('sessions of the whole store', (database) => {
  let store: Store;
  const now = t0 + day;
  const account: AccountRecord = anAccount();
  const device = (kind: 'MOBILE' | 'PROGRAM') => ({ label: 'x', browser: null, os: null, kind });
  const sessions: SessionRecord[] = [
    aSession({ id: 'a1', accountId: account.id, createdAt: t0 + 5, userAgent: 'Mozilla/5.0 (100%_.*)', lastSeenAt: t0 + 50 }),
    aSession({ id: 'a2', accountId: account.id, createdAt: t0 + 5, ipAddress: '2001:db8::1', device: device('MOBILE') }),
    aSession({ id: 'b1', createdAt: t0 + 5, userAgent: 'curl/8.5.0', device: device('PROGRAM'), lastSeenAt: t0 + 49 }),
    aSession({ id: 'b2', createdAt: t0 + 4, idleExpiresAt: now, ipAddress: '2001:db8::1', userAgent: null }),
    aSession({ id: 'b3', createdAt: t0 + 3, idleExpiresAt: now + 1, userAgent: 'Kelvin \u212A, nul \0 here' }),
    aSession({ id: 'c1', createdAt: t0 + 2, revoked: anEnding(), ipAddress: null }),
    aSession({ id: 'c2', createdAt: t0 + 1, revoked: anEnding(), idleExpiresAt: t0 }),
  ];
  beforeAll(async () => {
    store = await database.open();
    await Promise.all(sessions.map((session) => store.createSession(session)));
  });
  const list = (overrides: Partial<AllSessionsQuery>, limit = 100) =>
    all((after) => store.listAllSessions(aSearch({ now, ...overrides }), { limit, after }));

  it.each([1, 2, 3, 7, 100])('come each once, whole, newest first, in pages of %i', async (limit) => {
    expect(await list({}, limit)).toEqual([...sessions].sort(newestFirst));
    expect(idsOf(await list({ accountId: account.id }, limit))).toEqual(['a2', 'a1']);
    expect(idsOf(await list({ ipAddress: '2001:db8::1' }, limit))).toEqual(['a2', 'b2']);
    expect(idsOf(await list({ ids: ['b2', 'a1', 'c1', 'a1', 'unknown'] }, limit))).toEqual(['a1', 'b2', 'c1']);
    expect(idsOf(await list({ recordState: 'ACTIVE' }, limit))).toEqual(['b1', 'a2', 'a1', 'b3']);
  });

  it.each<[string, Partial<AllSessionsQuery>, string[]]>([
    ['records past their idle end', { recordState: 'EXPIRED' }, ['b2']],
    ['records marked as revoked', { recordState: 'REVOKED' }, ['c1', 'c2']],
    ['no ids', { ids: [] }, []],
    ['ids and a filter', { ids: ['a1', 'b1'], accountId: account.id }, ['a1']],
    ['account and address', { accountId: account.id, ipAddress: '192.0.2.1' }, ['a1']],
    ['a part of an address', { ipAddress: '2001:db8' }, []],
    ['a part of the user agent in other case', { userAgent: 'MOZILLA/5' }, ['a1']],
    ['signs of a pattern', { userAgent: '(100%_.*)' }, ['a1']],
    ['signs of a pattern that mean nothing', { userAgent: '1.0%' }, []],
    ['case of A to Z only', { userAgent: 'kelvin k' }, []],
    ['a text with a NUL', { userAgent: 'NUL \0 h' }, ['b3']],
    ['an empty part', { userAgent: '', recordState: 'EXPIRED' }, ['b2']],
    ['device', { deviceKind: 'PROGRAM' }, ['b1']],
    ['made before, exclusive', { createdBefore: t0 + 2 }, ['c2']],
    ['made after, inclusive', { createdAfter: t0 + 4, createdBefore: t0 + 5 }, ['b2']],
    ['seen before, exclusive', { lastSeenBefore: t0 + 50, lastSeenAfter: t0 + 1 }, ['b1']],
    ['seen after, inclusive', { lastSeenAfter: t0 + 50 }, ['a1']],
    [
      'everything at once',
      { accountId: account.id, recordState: 'ACTIVE', deviceKind: 'MOBILE', createdAfter: t0 + 5, userAgent: 'test' },
      ['a2'],
    ],
  ])('are found by %s', async (_, query, expected) => {
    expect(idsOf(await list(query))).toEqual(expected);
    expect(await store.countAllSessions(aSearch({ now, ...query }), 100)).toBe(expected.length);
  });

  it('are counted up to a limit', async () => {
    expect(await store.countAllSessions(aSearch(), 100)).toBe(7);
    expect(await store.countAllSessions(aSearch(), 4)).toBe(4);
    expect(await store.countAllSessions(aSearch({ ids: ['a1', 'a2'] }), 1)).toBe(1);
  });

  it.each(hostile)('are not found by %j', async (text) => {
    for (const query of [{ ipAddress: text }, { accountId: text }, { ids: [text] }]) expect(await list(query)).toEqual([]);
    const expected = sessions.filter(({ userAgent }) => userAgent?.includes(text)).sort(newestFirst);
    expect(await list({ userAgent: text })).toEqual(expected);
  });
});

describeStores('an end of many sessions', (database) => {
  const purgeAt = t0 + 99 * day;

  it('ends those that are not revoked, and names them', async () => {
    const store = await database.open();
    const sessions = [aSession(), aSession({ revoked: anEnding({ reason: 'LOGOUT' }) }), aSession({ idleExpiresAt: t0 })];
    await Promise.all(sessions.map((session) => store.createSession(session)));
    const ids = idsOf(sessions);
    const ended = await store.revokeMany([...ids, 'unknown', ids[0] ?? ''], anEnding(), purgeAt);
    expect([...ended].sort()).toEqual([ids[0], ids[2]].sort());
    expect(await store.findSession(String(ids[0]))).toEqual({ ...sessions[0], revoked: anEnding(), purgeAt });
    expect(await store.findSession(String(ids[1]))).toEqual(sessions[1]);
    expect(await store.revokeMany(ids, anEnding({ reason: 'LOGOUT' }), 1)).toEqual([]);
    expect(await store.revokeMany([], anEnding(), 1)).toEqual([]);
  });

  it('gives each session to one of several that run at once', async () => {
    const stores = await Promise.all([database.open(), database.open()]);
    // As many as the server that stands in for MongoDB here serves in time.
    const count = database.kind === 'sqlite' ? 60 : 24;
    const sessions = Array.from({ length: count }, () => aSession());
    for (const session of sessions) await stores[0].createSession(session);
    const ended = await Promise.all(
      [0, 1, 2, 3].map((turn) => (stores[turn % 2] as Store).revokeMany(idsOf(sessions), anEnding({ at: t0 + turn }), purgeAt)),
    );
    expect(ended.flat().sort()).toEqual(idsOf(sessions).sort());
    for (const [turn, ids] of ended.entries()) {
      for (const id of ids.slice(0, 3)) expect((await stores[0].findSession(id))?.revoked?.at).toBe(t0 + turn);
    }
  });
});

describeStores('purge', (database) => {
  it('removes at most so many of those whose time has come', async () => {
    const store = await database.open();
    const due = Array.from({ length: 5 }, (_, index) => aSession({ purgeAt: t0 + index }));
    const kept = aSession({ purgeAt: t0 + day });
    await Promise.all([...due, kept].map((session) => store.createSession(session)));
    expect(await store.purge(t0 + 4, 3)).toBe(3);
    expect(await store.findSession(String(due[4]?.id))).toEqual(due[4]);
    expect(await store.purge(t0 + 4, 3)).toBe(2);
    expect(await store.purge(t0 + 4, 3)).toBe(0);
    expect(await store.findSession(kept.id)).toEqual(kept);
    expect(store.purgesItself).toBe(database.kind === 'mongo');
  });
});

/** What serves a query is decided by the server; that an index exists which does, and is named to it, by us. */
describe('each search on MongoDB', () => {
  const keysOf = (collection: 'accounts' | 'sessions', name: string) =>
    Object.entries(indexes[collection].find((index) => index.name === name)?.key ?? {});
  const order = [
    ['createdAt', -1],
    ['_id', -1],
  ];

  it.each([
    ['accounts', accountSearch(anAccountQuery({ search: 'a', disabled: false }))],
    ['sessions', sessionSearch(aSearch({ userAgent: 'a', recordState: 'ACTIVE' }))],
    ['sessions', sessionSearch(aSearch({ accountId: 'a', ipAddress: 'b' }))],
    ['sessions', sessionSearch(aSearch({ ipAddress: 'b', createdAfter: t0 }))],
  ] as const)('of %s names an index that has its equalities first and gives its order', (collection, search) => {
    const equalities = Object.keys(search.by).map((field) => [field, 1]);
    expect(keysOf(collection, search.index)).toEqual([...equalities, ...order]);
    const position = { createdAt: t0, id: 'a' };
    const filter = filterOf(search as never, position, position) as Record<string, unknown>;
    expect(Object.keys(filter)).not.toContain('$and');
    expect(filter.createdAt).toMatchObject({ $lte: new Date(t0), $gte: expect.any(Date) });
  });
});
