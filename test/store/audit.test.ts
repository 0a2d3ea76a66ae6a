import { beforeAll, describe, expect, it } from '@jest/globals';
import { indexes } from '../../src/store/mongo/indexes.js';
import { auditSearches, filterOf } from '../../src/store/mongo/searches.js';
import type { Store } from '../../src/store/port.js';
import type { AuditQuery, CreationPosition, Found } from '../../src/store/queries.js';
import type { AuditRecord } from '../../src/store/records.js';
import { anAuditQuery, anAuditRecord, aSession, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

/** Every row, page by page. */
async function all(store: Store, query: Partial<AuditQuery>, limit = 100): Promise<AuditRecord[]> {
  const rows: AuditRecord[] = [];
  let after: CreationPosition | null = null;
  do {
    const page: Found<AuditRecord> = await store.listAudit(anAuditQuery(query), { limit, after });
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null);
  return rows;
}
const newestFirst = (a: CreationPosition, b: CreationPosition) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

describeStores('the audit log', (database) => {
  let store: Store;
  const events: AuditRecord[] = [
    anAuditRecord({ id: 'a1', createdAt: t0 + 5, accountId: 'ada', sessionId: 's1' }),
    anAuditRecord({ id: 'a2', createdAt: t0 + 5, accountId: 'ada', sessionId: 's1', type: 'LOGOUT', ipAddress: '2001:db8::1' }),
    anAuditRecord({ id: 'b1', createdAt: t0 + 5, type: 'LOGIN_FAILED', count: 7, accountId: null, sessionId: null, userAgent: null }),
    anAuditRecord({ id: 'b2', createdAt: t0 + 4, type: 'ROLES_CHANGED', actorId: 'ada', detail: { 'roles.$': 'a, "b" \0', x: '' } }),
    anAuditRecord({ id: 'b3', createdAt: t0 + 3, accountId: 'ada', type: 'SESSION_REVOKED', sessionId: 's2', ipAddress: null }),
    anAuditRecord({ id: 'c1', createdAt: t0 + 2, type: 'LOGOUT', sessionId: 's2' }),
    anAuditRecord({ id: 'c2', createdAt: t0 + 1, ipAddress: '2001:db8::1' }),
  ];
  beforeAll(async () => {
    store = await database.open();
    await store.appendAudit(events);
  });

  it.each([1, 2, 3, 7, 100])('comes whole, each event once, newest first, in pages of %i', async (limit) => {
    expect(await all(store, {}, limit)).toEqual([...events].sort(newestFirst));
    expect(idsOf(await all(store, { types: ['LOGIN', 'LOGOUT'] }, limit))).toEqual(['a2', 'a1', 'c1', 'c2']);
    expect(idsOf(await all(store, { accountId: 'ada' }, limit))).toEqual(['a2', 'a1', 'b3']);
    expect(idsOf(await all(store, { sessionId: 's2' }, limit))).toEqual(['b3', 'c1']);
    expect(idsOf(await all(store, { ipAddress: '2001:db8::1' }, limit))).toEqual(['a2', 'c2']);
    expect(idsOf(await all(store, { accountId: 'ada', types: ['LOGIN', 'SESSION_REVOKED'] }, limit))).toEqual(['a1', 'b3']);
  });

  it.each<[string, Partial<AuditQuery>, string[]]>([
    ['one type', { types: ['ROLES_CHANGED'] }, ['b2']],
    ['a type that never came', { types: ['EMAIL_CHANGED'] }, []],
    ['no type', { types: [] }, []],
    ['after, inclusive', { createdAfter: t0 + 5 }, ['b1', 'a2', 'a1']],
    ['before, exclusive', { createdBefore: t0 + 3 }, ['c1', 'c2']],
    ['types within a span', { types: ['LOGIN', 'LOGOUT'], createdAfter: t0 + 2, createdBefore: t0 + 5 }, ['c1']],
    ['an empty span', { createdAfter: t0 + 5, createdBefore: t0 + 5 }, []],
    ['account and session', { accountId: 'ada', sessionId: 's2' }, ['b3']],
    ['account and address', { accountId: 'ada', ipAddress: '2001:db8::1' }, ['a2']],
    [
      'everything at once',
      { types: ['LOGOUT'], accountId: 'ada', sessionId: 's1', ipAddress: '2001:db8::1', createdAfter: t0 + 5, createdBefore: t0 + 6 },
      ['a2'],
    ],
  ])('is searched by %s', async (_, query, expected) => {
    expect(idsOf(await all(store, query))).toEqual(expected);
  });

  it.each(['\0', '{"$ne":""}', '%', '.*', "' OR 1=1 --", '\ud800', 'x'.repeat(10_000)])('holds nothing for %j', async (text) => {
    for (const query of [{ accountId: text }, { sessionId: text }, { ipAddress: text }]) expect(await all(store, query)).toEqual([]);
  });

  it('leaves an event as it is that is written again', async () => {
    const [first] = events;
    const fresh = anAuditRecord({ id: 'z', accountId: 'repeated' });
    await store.appendAudit([{ ...(first as AuditRecord), type: 'SIGNUP' }, fresh, { ...fresh, count: 9 }]);
    expect(await all(store, { accountId: 'repeated' })).toEqual([fresh]);
    expect((await all(store, { sessionId: 's1' })).find(({ id }) => id === 'a1')).toEqual(first);
    await store.appendAudit([]);
  });
});

describeStores('a count of like events', (database) => {
  it('is exact for many at once through two stores, and keeps the first event as it was', async () => {
    const stores = await Promise.all([database.open(), database.open()]);
    const event = anAuditRecord({ type: 'LOGIN_FAILED', accountId: 'counted' });
    await stores[0].countAudit(event);
    await Promise.all(
      Array.from({ length: 60 }, (_, turn) =>
        (stores[turn % 2] as Store).countAudit({ ...event, createdAt: t0 + turn, count: (turn % 3) + 1, userAgent: 'later', purgeAt: t0 }),
      ),
    );
    expect(await all(stores[1], { accountId: 'counted' })).toEqual([{ ...event, count: 121 }]);
  });

  it('begins with one event, though many are the first', async () => {
    const stores = await Promise.all([database.open(), database.open()]);
    const event = anAuditRecord({ type: 'LOGIN_FAILED', accountId: 'raced' });
    await Promise.all(Array.from({ length: 16 }, (_, turn) => (stores[turn % 2] as Store).countAudit(event)));
    expect(await all(stores[0], { accountId: 'raced' })).toEqual([{ ...event, count: 16 }]);
  });
});

describeStores('sums of the audit log', (database) => {
  it('add up the counts of each type from each instant to the next', async () => {
    const store = await database.open();
    const at = (createdAt: number, type: AuditRecord['type'], count = 1) => anAuditRecord({ createdAt, type, count });
    await store.appendAudit([
      at(t0 - 1, 'LOGIN'),
      at(t0, 'LOGIN'),
      at(t0 + 9, 'LOGIN', 2),
      at(t0 + 9, 'LOGIN_FAILED', 40),
      at(t0 + 10, 'LOGIN_FAILED'),
      at(t0 + 29, 'LOGIN_THROTTLED'),
      at(t0 + 29, 'LOGOUT', 99),
      at(t0 + 30, 'LOGIN'),
    ]);
    const types = ['LOGIN', 'LOGIN_FAILED', 'LOGIN_THROTTLED'] as const;
    const sums = await store.sumAudit(types, [t0, t0 + 10, t0 + 20, t0 + 30]);
    expect(sums.map((sum) => types.map((type) => sum[type] ?? 0))).toEqual([
      [3, 40, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
  });
});

describeStores('purge of the audit log', (database) => {
  it('removes events that are due after sessions that are, up to its limit', async () => {
    const store = await database.open();
    await Promise.all([1, 2].map(() => store.createSession(aSession({ purgeAt: t0 }))));
    const kept = anAuditRecord({ purgeAt: t0 + minute + 1 });
    await store.appendAudit([kept, ...[0, 1, 2].map(() => anAuditRecord({ purgeAt: t0 + minute }))]);
    expect(await store.purge(t0 + minute, 4)).toBe(4);
    expect(await store.purge(t0 + minute, 4)).toBe(1);
    expect(await store.purge(t0 + minute, 4)).toBe(0);
    expect(await all(store, {})).toEqual([kept]);
  });
});

/** What serves a query is decided by the server; that an index exists which does, and is named to it, by us. */
describe('each search of the audit log on MongoDB', () => {
  it.each([
    anAuditQuery(),
    anAuditQuery({ types: ['LOGIN'] }),
    anAuditQuery({ accountId: 'a', ipAddress: 'b' }),
    anAuditQuery({ sessionId: 'a', types: ['LOGIN'] }),
    anAuditQuery({ ipAddress: 'a', createdAfter: t0 }),
  ])('names an index that has its equalities first and gives its order', (query) => {
    for (const search of auditSearches(query)) {
      const key = Object.entries(indexes.auditEvents.find(({ name }) => name === search.index)?.key ?? {});
      expect(key).toEqual([...Object.keys(search.by).map((field) => [field, 1]), ['createdAt', -1], ['_id', -1]]);
      expect(Object.keys(filterOf(search, { createdAt: t0, id: 'a' }, null))).not.toContain('$and');
    }
  });
});
