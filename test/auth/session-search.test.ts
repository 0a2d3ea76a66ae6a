import { beforeEach, describe, expect, it } from '@jest/globals';
import { AccountDirectory } from '../../src/auth/account-directory.js';
import { actorOf } from '../../src/auth/audit.js';
import { BulkRevocations } from '../../src/auth/bulk-revocations.js';
import { SessionSearch } from '../../src/auth/session-search.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import type { CreationPosition } from '../../src/store/queries.js';
import type { SessionRecord } from '../../src/store/records.js';
import { aClock, anAudit, aRequest, aRoleBook, FakeTime, memoryStore, storeWith } from '../support/factories.js';
import { anAccount, anEnding, aSession, day, minute, t0 } from '../support/records.js';

const config = {
  refreshTokenTtlSeconds: 7 * 86_400,
  sessionMaxAgeSeconds: 90 * 86_400,
  sessionHistorySeconds: 0,
  accessTokenTtlSeconds: 60,
};
const first = (limit: number) => ({ limit, after: null });

let store: Store;
let time: FakeTime;
beforeEach(async () => {
  store = await memoryStore();
  time = new FakeTime(t0 + day);
});
const search = (over: Store = store) => new SessionSearch({ store: over, clock: aClock(time), roles: aRoleBook() });
const bulk = (over: Store = store) =>
  new BulkRevocations({ store: over, clock: aClock(time), search: search(over), audit: anAudit(over, time), config });
const idsOf = (rows: readonly { readonly session: { readonly id: string } }[]) => rows.map(({ session }) => session.id);

async function create(...sessions: SessionRecord[]): Promise<SessionRecord[]> {
  await Promise.all(sessions.map((session) => store.createSession(session)));
  return sessions;
}

describe('sessions of all accounts', () => {
  it('are judged with their accounts, whatever their records say', async () => {
    const ended = { at: t0 + minute, reason: 'PASSWORD_RESET', by: null } as const;
    const account = anAccount({ sessionEpoch: 2, sessionsEnded: ended });
    await store.createAccount(account);
    const [alive, outside, orphan, over] = await create(
      aSession({ accountId: account.id, epoch: 2, createdAt: t0 + 4 }),
      aSession({ accountId: account.id, epoch: 1, createdAt: t0 + 3 }),
      aSession({ createdAt: t0 + 2 }),
      aSession({ accountId: account.id, epoch: 1, createdAt: t0 + 1, idleExpiresAt: t0 + 1 }),
    );
    const states = async (state: 'ACTIVE' | 'EXPIRED' | 'REVOKED') => idsOf((await search().list({ state }, first(10))).rows);
    expect(await states('ACTIVE')).toEqual([alive?.id]);
    expect(await states('REVOKED')).toEqual([outside?.id, orphan?.id]);
    expect(await states('EXPIRED')).toEqual([over?.id]);
    const { rows } = await search().list({}, first(10));
    expect(rows[1]).toMatchObject({ session: { revocationReason: 'PASSWORD_RESET' }, account: { id: account.id } });
    expect(rows[2]).toMatchObject({ session: { revocationReason: 'ACCOUNT_DELETED' }, account: null });
    expect(rows[0]?.account).not.toHaveProperty('passwordHash');
    expect(await search().count({ state: 'REVOKED' })).toBe(2);
    expect(await search().count({})).toBe(4);
  });

  it('have their accounts fetched by one call a page', async () => {
    const accounts = Array.from({ length: 30 }, () => anAccount());
    await Promise.all(accounts.map((account) => store.createAccount(account)));
    await create(...accounts.flatMap(({ id }) => [aSession({ accountId: id }), aSession({ accountId: id })]));
    let calls = 0;
    const counting = storeWith(store, {
      findAccounts: (ids) => {
        calls += 1;
        return store.findAccounts(ids);
      },
    });
    expect((await search(counting).list({ state: 'ACTIVE' }, first(50))).rows).toHaveLength(50);
    expect(calls).toBe(1);
  });

  it('of a rare role are found page by page, each once, by reading on', async () => {
    const admin = anAccount({ roles: ['user', 'admin'] });
    const user = anAccount({ roles: ['user'] });
    await Promise.all([admin, user].map((account) => store.createAccount(account)));
    const sessions = await create(
      ...Array.from({ length: 2_500 }, (_, index) =>
        aSession({ accountId: index % 500 === 0 ? admin.id : user.id, createdAt: t0 + Math.floor(index / 3) }),
      ),
    );
    const found: string[] = [];
    let after: CreationPosition | null = null;
    do {
      const page: Awaited<ReturnType<SessionSearch['list']>> = await search().list({ role: 'admin' }, { limit: 2, after });
      found.push(...idsOf(page.rows));
      after = page.next;
    } while (after !== null);
    const expected = sessions.filter(({ accountId }) => accountId === admin.id).sort((a, b) => b.createdAt - a.createdAt);
    expect(found).toEqual(expected.map(({ id }) => id));
  });

  it('are looked for among a bounded number of rows; the cursor then goes on', async () => {
    await create(...Array.from({ length: 2_100 }, (_, index) => aSession({ createdAt: t0 + index })));
    const page = await search().list({ state: 'ACTIVE' }, first(1));
    expect(page).toEqual({ rows: [], next: { createdAt: t0 + 100, id: expect.any(String) } });
    expect(await search().list({ state: 'ACTIVE' }, { limit: 1, after: page.next })).toEqual({ rows: [], next: null });
  });

  it('are refused for an unknown role and too many ids, and none fit malformed ones', async () => {
    await expect(search().list({ role: 'emperor' }, first(1))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      details: { field: 'role' },
    });
    const ids = Array.from({ length: 1_001 }, () => 'a');
    await expect(search().list({ ids }, first(1))).rejects.toMatchObject({ code: 'BAD_USER_INPUT', details: { field: 'ids' } });
    await create(aSession());
    for (const filter of [{ ids: [] }, { ids: ['a'] }, { userAgent: '\ud800' }, { userId: '\udfff' }]) {
      expect(await search().list(filter, first(1))).toEqual({ rows: [], next: null });
      expect(await search().count(filter)).toBe(0);
    }
  });
});

describe('a bulk revocation', () => {
  const account = anAccount({ roles: ['user'] });
  const fleet = (size: number) => Array.from({ length: size }, (_, index) => aSession({ accountId: account.id, createdAt: t0 + index }));
  const run = (over: Store = store, more = {}) => bulk(over).run({ filter: { userId: account.id }, by: null, dryRun: false, ...more });
  const left = () => search().count({ userId: account.id, state: 'ACTIVE' });
  beforeEach(() => store.createAccount(account));

  it('ends active sessions only, in batches, with a sample of the newest and those spared left', async () => {
    const sessions = await create(...fleet(1_203));
    const ended = await create(aSession({ accountId: account.id, revoked: anEnding({ reason: 'LOGOUT' }) }));
    const progress: number[] = [];
    const spared = [sessions[1_202]?.id ?? ''];
    expect(await run(store, { dryRun: true, spared })).toMatchObject({ count: 1_202, dryRun: true });
    expect(await left()).toBe(1_203);
    const result = await run(store, { spared, onProgress: (count: number) => progress.push(count) });
    expect({ count: result.count, progress }).toEqual({ count: 1_202, progress: [499, 999, 1_202] });
    expect(idsOf(result.sessions)).toEqual(
      sessions
        .slice(1_102, 1_202)
        .reverse()
        .map(({ id }) => id),
    );
    expect(result.sessions[0]?.session).toMatchObject({ state: 'REVOKED', revokedAt: t0 + day, revocationReason: 'REVOKED_BY_ADMIN' });
    expect(await left()).toBe(1);
    expect(await store.findSession(String(ended[0]?.id))).toEqual(ended[0]);
  });

  it('shares the work with another one at the same time', async () => {
    await create(...fleet(1_100));
    const [one, other] = await Promise.all([run(), run()]);
    expect(one.count + other.count).toBe(1_100);
    expect(await left()).toBe(0);
  });

  it('that was cut short is finished by a repeat', async () => {
    await create(...fleet(1_100));
    let calls = 0;
    const failing = storeWith(store, {
      revokeMany: async (ids, ending, purgeAt) => {
        calls += 1;
        // The second batch takes effect in part, and its answer is lost.
        if (calls === 2) {
          await store.revokeMany(ids.slice(0, 100), ending, purgeAt);
          throw new StoreUnavailableError();
        }
        return store.revokeMany(ids, ending, purgeAt);
      },
    });
    const progress: number[] = [];
    await expect(run(failing, { onProgress: (count: number) => progress.push(count) })).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(progress).toEqual([500]);
    expect((await run()).count).toBe(500);
    expect(await left()).toBe(0);
  });

  it('refuses a filter that selects everything', async () => {
    await create(...fleet(1));
    for (const filter of [{}, { state: 'ACTIVE' }, { userAgent: '' }, { userId: null }] as const) {
      await expect(bulk().run({ filter, by: null, dryRun: false })).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        details: { field: 'filter' },
      });
    }
    expect(await bulk().run({ filter: { ids: [] }, by: null, dryRun: false })).toMatchObject({ count: 0 });
    expect(await run(store, { filter: { userId: account.id, state: 'REVOKED' } })).toMatchObject({ count: 0 });
    expect(await left()).toBe(1);
  });

  it('of a whole account raises its epoch, and tells of those that were active', async () => {
    await create(...fleet(3), aSession({ accountId: account.id, epoch: 0 }));
    const result = await bulk().endAllOf(account.id, actorOf('actor', aRequest()));
    expect(result.count).toBe(3);
    expect(result.sessions).toHaveLength(3);
    expect(await store.findAccount(account.id)).toMatchObject({
      sessionEpoch: 2,
      sessionsEnded: { reason: 'REVOKED_BY_ADMIN', by: 'actor' },
    });
    expect(await left()).toBe(0);
    await expect(bulk().endAllOf('unknown', null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the account directory', () => {
  it('finds as addresses are kept, without hashes', async () => {
    const directory = new AccountDirectory({ store, clock: aClock(time), roles: aRoleBook() });
    await store.createAccount(anAccount({ email: '\u00e4da@example.com', disabled: { at: t0, until: t0 + 2 * day, reason: null } }));
    const { rows } = await directory.list({ search: ' A\u0308DA@', disabled: true }, first(5));
    expect(rows).toMatchObject([{ email: '\u00e4da@example.com', permissions: [] }]);
    expect(rows[0]).not.toHaveProperty('passwordHash');
    expect(await directory.count({ search: '\u00c4' })).toBe(1);
    time.move(day);
    expect(await directory.count({ disabled: true })).toBe(0);
    expect(await directory.list({ search: '\ud800' }, first(5))).toEqual({ rows: [], next: null });
    await expect(directory.list({ role: 'emperor' }, first(5))).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});
