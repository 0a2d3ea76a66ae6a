import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { SessionPosition, SessionQuery } from '../../src/store/queries.js';
import type { SessionRecord } from '../../src/store/records.js';
import { anEnding, aQuery, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

describeStores('lists of sessions', (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  async function pages(query: SessionQuery, limit: number): Promise<string[][]> {
    const found: string[][] = [];
    let after: SessionPosition | null = null;
    for (;;) {
      const page: SessionRecord[] = await store.listSessions(query, { limit, after });
      if (page.length > 0) found.push(page.map(({ id }) => id));
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return found;
      after = { createdAt: last.createdAt, id: last.id };
    }
  }

  describe('paging', () => {
    const accountId = 'paged';
    /** Three instants of creation for 23 sessions, so that pages break within an instant. */
    const sessions = Array.from({ length: 23 }, (_, index) =>
      aSession({ id: `s${String((index * 7) % 23).padStart(2, '0')}`, accountId, ordinal: index, createdAt: t0 + (index % 3) }),
    );
    const newestFirst = [...sessions].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)).map(({ id }) => id);
    beforeAll(async () => {
      await Promise.all([...sessions, aSession()].map((session) => store.createSession(session)));
    });

    it.each([1, 2, 5, 8, 23, 100])('gives each once, newest first, in pages of %i', async (limit) => {
      expect((await pages(aQuery(accountId), limit)).flat()).toEqual(newestFirst);
      expect((await pages(aQuery(accountId, { state: 'ACTIVE' }), limit)).flat()).toEqual(newestFirst);
    });

    it('goes on strictly after a position that is no session', async () => {
      const after = { createdAt: t0 + 1, id: 's10 and a half' };
      const page = await store.listSessions(aQuery(accountId), { limit: 100, after });
      const expected = sessions.filter(
        ({ createdAt, id }) => createdAt < after.createdAt || (createdAt === after.createdAt && id < after.id),
      );
      expect(page.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    });

    it('gives whole records', async () => {
      const [first] = await store.listSessions(aQuery(accountId), { limit: 1, after: null });
      expect(first).toEqual(sessions.find(({ id }) => id === first?.id));
    });

    it('gives nothing for another account', async () => {
      expect(await store.listSessions(aQuery('nobody'), { limit: 10, after: null })).toEqual([]);
    });
  });

  describe('states', () => {
    const accountId = 'of many states';
    const now = t0 + 2 * day;
    const epochRaisedAt = t0 + day;
    const kept = { epoch: 2, keptSessionId: 'kept', epochRaisedAt, now };
    const rows: [string, Partial<SessionRecord>, SessionQuery['state']][] = [
      ['current', { epoch: 2 }, 'ACTIVE'],
      ['kept', { epoch: 1 }, 'ACTIVE'],
      ['current, over', { epoch: 2, idleExpiresAt: now }, 'EXPIRED'],
      ['revoked', { epoch: 2, revoked: anEnding() }, 'REVOKED'],
      ['revoked, over since', { epoch: 2, revoked: anEnding(), idleExpiresAt: now - 1 }, 'REVOKED'],
      ['ended by the epoch', { epoch: 1 }, 'REVOKED'],
      ['ended by the epoch, over since', { epoch: 1, idleExpiresAt: epochRaisedAt + 1 }, 'REVOKED'],
      ['over when the epoch rose', { epoch: 1, idleExpiresAt: epochRaisedAt }, 'EXPIRED'],
    ];
    beforeAll(async () => {
      await Promise.all(
        rows.map(([id, overrides], index) => store.createSession(aSession({ id, accountId, ordinal: index + 1, ...overrides }))),
      );
    });
    const expected = (state: SessionQuery['state']) =>
      rows
        .filter((row) => row[2] === state)
        .map(([id]) => id)
        .sort();

    it.each(['ACTIVE', 'EXPIRED', 'REVOKED'] as const)('selects %s', async (state) => {
      const query = aQuery(accountId, { ...kept, state });
      for (const limit of [1, 2, 10]) expect((await pages(query, limit)).flat().sort()).toEqual(expected(state));
      expect(await store.countSessions(query, 100)).toBe(expected(state).length);
    });

    it('takes the kept session for ended when there is none', async () => {
      const query = aQuery(accountId, { ...kept, keptSessionId: null, state: 'ACTIVE' });
      expect((await pages(query, 2)).flat()).toEqual(['current']);
      expect((await pages({ ...query, state: 'REVOKED' }, 2)).flat()).toContain('kept');
    });

    it('counts every state, and stops at the limit', async () => {
      expect(await store.countSessions(aQuery(accountId, kept), 100)).toBe(rows.length);
      expect(await store.countSessions(aQuery(accountId, kept), 3)).toBe(3);
      expect(await store.countSessions(aQuery('nobody', kept), 3)).toBe(0);
    });

    it('finds the number of the session beyond the highest', async () => {
      const query = aQuery(accountId, kept);
      expect(await store.findOrdinalBeyond(query, 0)).toBe(2);
      expect(await store.findOrdinalBeyond(query, 1)).toBe(1);
      expect(await store.findOrdinalBeyond(query, 2)).toBeNull();
      expect(await store.findOrdinalBeyond(aQuery('nobody'), 0)).toBeNull();
    });

    it('has each session in exactly one state, before the epoch ever rose too', async () => {
      for (const raised of [epochRaisedAt, null]) {
        const counts = await Promise.all(
          (['ACTIVE', 'EXPIRED', 'REVOKED'] as const).map((state) =>
            store.countSessions(aQuery(accountId, { ...kept, epochRaisedAt: raised, state, now: now + minute }), 100),
          ),
        );
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
      }
    });
  });
});
