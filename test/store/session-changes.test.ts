import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import type { SessionChange, SessionFeed, Store } from '../../src/store/port.js';
import { anAccount, anEnding, aSession, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const purgeAt = t0 + 1_000 * minute;

class Told {
  readonly changes: SessionChange[] = [];
  lost: unknown = null;
  readonly listener = {
    onChange: (change: SessionChange) => void this.changes.push(change),
    onLost: (cause: unknown) => {
      this.lost = cause;
    },
  };

  of(sessionId: string): SessionChange[] {
    return this.changes.filter((change) => change.sessionId === sessionId);
  }

  async until(found: () => boolean): Promise<void> {
    const giveUp = Date.now() + 60_000;
    while (!found()) {
      if (Date.now() > giveUp) throw new Error(`not told in time; so far: ${JSON.stringify(this.changes)}`);
      await delay(10);
    }
  }
}

async function watch(store: Store): Promise<Told & { readonly feed: SessionFeed }> {
  const told = new Told();
  const feed = await store.watchSessions(told.listener);
  if (feed === null) throw new Error('this database does not tell of sessions');
  return Object.assign(told, { feed });
}

const refresh = (store: Store, id: string, expectedGeneration: number, at: number) =>
  store.advance(id, { expectedGeneration, at, attemptId: 'a', idleExpiresAt: t0 + 900 * minute, purgeAt });

describeStores('changes of sessions', (database) => {
  let store: Store;
  let elsewhere: Store;
  beforeEach(async () => {
    store ??= await database.open();
    elsewhere ??= await database.open();
  });

  it.each(['here', 'elsewhere'])('made %s are told in order, with whose they are and when, and a use is none', async (where) => {
    const told = await watch(store);
    const by = where === 'here' ? store : elsewhere;
    const session = aSession();
    await by.createSession(session);
    await by.createSession(session);
    await by.recordUses([{ sessionId: session.id, generation: 0, at: t0 + 1 }]);
    await by.assertCurrent(session.id, 0, t0 + 2, true);
    await refresh(by, session.id, 0, t0 + 3);
    await refresh(by, session.id, 0, t0 + 4);
    await refresh(by, session.id, 1, t0 + 5);
    await by.revoke(session.id, null, anEnding({ at: t0 + 6 }), purgeAt);
    await by.revoke(session.id, null, anEnding({ at: t0 + 7 }), purgeAt);
    await told.until(() => told.of(session.id).some(({ kind }) => kind === 'REVOKED'));
    const about = { sessionId: session.id, accountId: session.accountId };
    expect(told.of(session.id)).toEqual([
      { kind: 'CREATED', ...about, at: session.createdAt },
      { kind: 'REFRESHED', ...about, at: t0 + 3 },
      { kind: 'REFRESHED', ...about, at: t0 + 5 },
      { kind: 'REVOKED', ...about, at: t0 + 6 },
    ]);
    await told.feed.close();
  });

  it('that an account ended all at once are told session by session when they are marked', async () => {
    const account = anAccount();
    await store.createAccount(account);
    const sessions = Array.from({ length: 5 }, () => aSession({ accountId: account.id }));
    for (const session of sessions) await store.createSession(session);
    const told = await watch(store);
    await elsewhere.endSessions(account.id, { ...anEnding(), kept: null });
    await elsewhere.revokeWhere({ accountId: account.id, epochBelow: 2, ordinalAtMost: null, exceptId: null }, anEnding(), purgeAt);
    await told.until(() => told.changes.length >= 5);
    expect(new Set(told.changes.map(({ kind, sessionId }) => `${kind} ${sessionId}`))).toEqual(
      new Set(sessions.map(({ id }) => `REVOKED ${id}`)),
    );
    await told.feed.close();
  });

  it('are told to all who watch, from the moment on at which they do, until they stop', async () => {
    const one = await watch(store);
    const before = aSession();
    await store.createSession(before);
    const other = await watch(elsewhere);
    const during = aSession();
    await store.createSession(during);
    await one.until(() => one.of(during.id).length > 0);
    await one.feed.close();
    const after = aSession();
    await store.createSession(after);
    await other.until(() => other.of(after.id).length > 0);
    expect(other.of(before.id)).toEqual([]);
    expect([one.of(before.id).length, one.of(during.id).length, one.of(after.id).length]).toEqual([1, 1, 0]);
    expect([one.lost, other.lost]).toEqual([null, null]);
    await other.feed.close();
  });

  it('are all told when many come at once from two sides', async () => {
    const told = await watch(store);
    // As many as the server that stands in for MongoDB here serves in time.
    const count = database.kind === 'sqlite' ? 40 : 16;
    const sessions = Array.from({ length: count }, () => aSession());
    await Promise.all(
      sessions.map(async (session, index) => {
        const by = index % 2 === 0 ? store : elsewhere;
        await by.createSession(session);
        await refresh(by, session.id, 0, t0 + 1);
      }),
    );
    await told.until(() => told.changes.length >= 2 * count);
    for (const { id } of sessions) expect(told.of(id).map(({ kind }) => kind)).toEqual(['CREATED', 'REFRESHED']);
    await told.feed.close();
  });

  it('do not mix with the feed of revocations', async () => {
    const kinds: string[] = [];
    const feed = await store.watchChanges({ onChange: ({ kind }) => void kinds.push(kind), onLost: () => undefined });
    const told = await watch(store);
    const session = aSession();
    await store.createSession(session);
    await refresh(store, session.id, 0, t0 + 1);
    await told.until(() => told.of(session.id).length === 2);
    expect(kinds.filter((kind) => kind !== 'beat')).toEqual([]);
    await Promise.all([feed?.close(), told.feed.close()]);
  });

  it('end with the store, without a word', async () => {
    const own = await database.open();
    const told = await watch(own);
    await own.close();
    await store.createSession(aSession());
    await delay(150);
    expect([told.changes, told.lost]).toEqual([[], null]);
  });

  // Only SQLite writes them down.
  if (database.kind !== 'sqlite') return;
  describe('on SQLite', () => {
    const bare = <T>(ask: (connection: Database.Database) => T): T => {
      const connection = new Database(database.url.replace('sqlite:', ''), { timeout: 1_000 });
      try {
        return ask(connection);
      } finally {
        connection.close();
      }
    };
    const count = (table: string) =>
      bare((connection) => (connection.prepare(`SELECT count(*) AS n FROM ${table}`).all()[0] as { n: number }).n);

    it('are written down only while somebody watches', async () => {
      bare((connection) => connection.exec('DELETE FROM session_watchers'));
      const before = count('session_changes');
      const session = aSession();
      await store.createSession(session);
      await refresh(store, session.id, 0, t0 + 1);
      await store.revoke(session.id, null, anEnding(), purgeAt);
      expect(count('session_changes')).toBe(before);
      const told = await watch(store);
      await store.createSession(aSession());
      expect([count('session_changes'), count('session_watchers')]).toEqual([before + 1, 1]);
      await told.feed.close();
      expect(count('session_watchers')).toBe(0);
    });

    it('of a process that died are not written down for more than a minute, and its lease goes with the next watch', async () => {
      bare((connection) => connection.exec('INSERT INTO session_watchers (until) VALUES (unixepoch() - 1)'));
      const before = count('session_changes');
      await store.createSession(aSession());
      expect(count('session_changes')).toBe(before);
      const told = await watch(store);
      expect(count('session_watchers')).toBe(1);
      await told.feed.close();
    });

    it('are kept to the last 10,000, and a watcher that missed some is told that its feed is lost', async () => {
      const told = await watch(store);
      bare((connection) =>
        connection.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
          INSERT INTO session_changes (at, kind, session_id, account_id) SELECT 1, 'CREATED', 's', 'a' FROM n`),
      );
      expect(count('session_changes')).toBe(10_000);
      await told.until(() => told.lost !== null);
      expect(String(told.lost)).toContain('removed before they were told');
      expect(told.changes).toEqual([]);
    });
  });
});
