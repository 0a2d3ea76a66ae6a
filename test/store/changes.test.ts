import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, it } from '@jest/globals';
import type { Change, Store } from '../../src/store/port.js';
import { aKey, anAccount, anEnding, aSession, minute, t0 } from '../support/records.js';
import { describeStores, type StoreUnderTest } from '../support/stores.js';

/** What a listener was told. */
class Told {
  readonly changes: Change[] = [];
  private waiting: (() => void)[] = [];
  lost: unknown = null;

  readonly listener = {
    onChange: (change: Change) => {
      this.changes.push(change);
      for (const resolve of this.waiting.splice(0)) resolve();
    },
    onLost: (cause: unknown) => {
      this.lost = cause;
    },
  };

  /** Without the beats. */
  get news(): Change[] {
    return this.changes.filter(({ kind }) => kind !== 'beat');
  }

  async until(found: () => boolean): Promise<void> {
    const giveUp = Date.now() + 60_000;
    while (!found()) {
      if (Date.now() > giveUp) throw new Error(`not told in time; so far: ${JSON.stringify(this.news)}`);
      await Promise.race([new Promise<void>((resolve) => this.waiting.push(resolve)), delay(500)]);
    }
  }
}

const purgeAt = t0 + 1_000 * minute;
const revoked = (sessionId: string, at = anEnding().at) => ({ kind: 'session-revoked', sessionId, ending: anEnding({ at }) });

async function watch(store: Store): Promise<Told> {
  const told = new Told();
  const feed = await store.watchChanges(told.listener);
  if (feed === null) throw new Error('this database tells of no changes');
  return told;
}

describeStores('changes', (database: StoreUnderTest) => {
  let store: Store;
  let elsewhere: Store;
  beforeEach(async () => {
    store ??= await database.open();
    elsewhere ??= await database.open();
  });
  const anOwnedSession = async (overrides = {}) => {
    const session = aSession(overrides);
    await store.createSession(session);
    return session;
  };

  it('made here are told before their own promises resolve', async () => {
    const account = anAccount();
    await store.createAccount(account);
    const [one, two] = [await anOwnedSession({ accountId: account.id }), await anOwnedSession({ accountId: account.id, ordinal: 2 })];
    const told = await watch(store);

    await store.revoke(one.id, null, anEnding(), purgeAt);
    expect(told.news).toContainEqual(revoked(one.id));
    const roles = await store.setRoles(account.id, 1, ['support'], t0 + minute);
    expect(told.news).toContainEqual({
      kind: 'account-changed',
      account: expect.objectContaining({ id: account.id, roles: ['support'], version: 2 }),
    });
    expect(roles?.changedAt).toBe(t0 + minute);
    await store.revokeWhere({ accountId: account.id, epochBelow: null, ordinalAtMost: 2, exceptId: null }, anEnding(), purgeAt);
    expect(told.news).toContainEqual(revoked(two.id));
    const three = await anOwnedSession({ accountId: account.id });
    await store.revokeMany([three.id], anEnding(), purgeAt);
    expect(told.news).toContainEqual(revoked(three.id));
    const key = aKey({ sequence: Math.floor(Math.random() * 1e9) });
    await store.addKey(key);
    await store.revokeKey(key.id, t0);
    expect(told.news.filter(({ kind }) => kind === 'keys-changed').length).toBeGreaterThanOrEqual(2);
    const ending = { ...anEnding(), kept: null };
    await store.endSessions(account.id, ending);
    await store.changePassword(account.id, account.passwordHash ?? '', 'another', ending);
    await store.disableAccount(account.id, { at: t0, until: null, reason: 'spam' }, anEnding());
    const versions = told.news.flatMap((change) => (change.kind === 'account-changed' ? [change.account.version] : []));
    expect(versions).toEqual(expect.arrayContaining([2, 3, 4, 5]));
    const last = told.news.findLast((change) => change.kind === 'account-changed');
    expect(last).toEqual({
      kind: 'account-changed',
      account: {
        id: account.id,
        version: 5,
        sessionEpoch: 4,
        keptSessionId: null,
        sessionsEnded: anEnding(),
        roles: ['support'],
        disabled: { at: t0, until: null, reason: 'spam' },
        deleted: false,
      },
    });
  });

  it('made elsewhere are told, and what is no news is not', async () => {
    const told = await watch(store);
    const account = anAccount();
    await elsewhere.createAccount(account);
    const session = await anOwnedSession({ accountId: account.id });
    await elsewhere.recordSignIn(account.id, t0);
    await elsewhere.rehashPassword(account.id, account.passwordHash ?? '', 'the same');
    await elsewhere.advance(session.id, { expectedGeneration: 0, at: t0, attemptId: 'a', idleExpiresAt: t0 + minute, purgeAt });
    await elsewhere.recordUses([{ sessionId: session.id, generation: 1, at: t0 }]);
    await elsewhere.assertCurrent(session.id, 1, t0, true);
    await elsewhere.revoke(session.id, null, anEnding({ at: t0 + 1 }), purgeAt);
    await elsewhere.setRoles(account.id, 1, ['support'], t0);
    await elsewhere.addKey(aKey({ sequence: Math.floor(Math.random() * 1e9) }));
    await told.until(() => told.news.some(({ kind }) => kind === 'keys-changed'));
    expect(told.news).toEqual([
      revoked(session.id, t0 + 1),
      { kind: 'account-changed', account: expect.objectContaining({ id: account.id, version: 2, roles: ['support'] }) },
      { kind: 'keys-changed' },
    ]);
  });

  it('are all told, in order, when many come at once from two sides', async () => {
    const account = anAccount();
    await store.createAccount(account);
    // As many as the server that stands in for MongoDB here serves in time.
    const count = database.kind === 'sqlite' ? 60 : 24;
    const sessions = await Promise.all(Array.from({ length: count }, () => anOwnedSession({ accountId: account.id })));
    const told = await watch(store);
    await Promise.all(sessions.map(({ id }, index) => (index % 2 === 0 ? store : elsewhere).revoke(id, null, anEnding(), purgeAt)));
    for (let version = 1; version <= 5; version += 1) await elsewhere.setRoles(account.id, version, [`R${version}`], t0);
    await told.until(() => told.news.some((change) => change.kind === 'account-changed' && change.account.version === 6));
    const ids = told.news.flatMap((change) => (change.kind === 'session-revoked' ? [change.sessionId] : []));
    expect(new Set(ids)).toEqual(new Set(sessions.map(({ id }) => id)));
  });

  it('come with beats, which prove that what was committed before has been told', async () => {
    const told = await watch(store);
    const session = await anOwnedSession();
    await elsewhere.revoke(session.id, null, anEnding(), purgeAt);
    const before = told.changes.filter(({ kind }) => kind === 'beat').length;
    await elsewhere.beat();
    await told.until(() => told.changes.filter(({ kind }) => kind === 'beat').length > before);
    const lastBeat = told.changes.findLastIndex(({ kind }) => kind === 'beat');
    expect(told.changes.slice(0, lastBeat)).toContainEqual(revoked(session.id));
    const beat = told.changes[lastBeat];
    const clock = await store.readClock();
    if (beat?.kind === 'beat' && beat.at !== null) expect(Math.abs(beat.at - (clock ?? Date.now()))).toBeLessThan(5_000);
  });

  it('are told to every listener of a store, and to none that was closed', async () => {
    const [one, other] = [new Told(), new Told()];
    const feed = await store.watchChanges(one.listener);
    await store.watchChanges(other.listener);
    await feed?.close();
    const session = await anOwnedSession();
    await store.revoke(session.id, null, anEnding(), purgeAt);
    expect(other.news).toContainEqual(revoked(session.id));
    expect({ news: one.news, lost: one.lost }).toEqual({ news: [], lost: null });
  });

  it('of a time can be asked for: what a starting node must know', async () => {
    const since = t0 + 10_000 * minute;
    const account = anAccount();
    await store.createAccount(account);
    const [before, after] = [await anOwnedSession(), await anOwnedSession()];
    await store.revoke(before.id, null, anEnding({ at: since - 1 }), purgeAt);
    await store.revoke(after.id, null, anEnding({ at: since }), purgeAt);
    await store.setRoles(account.id, 1, ['first'], since);
    await store.setRoles(account.id, 2, ['second'], since + 1);
    const recent = (await elsewhere.recentChanges(since, 100)).filter(({ kind }) => kind !== 'keys-changed');
    expect(recent).toHaveLength(2);
    expect(recent).toEqual(
      expect.arrayContaining([
        revoked(after.id, since),
        { kind: 'account-changed', account: expect.objectContaining({ id: account.id, roles: ['second'], version: 3 }) },
      ]),
    );
    expect(await elsewhere.recentChanges(since, 1)).toHaveLength(1);
    expect(await elsewhere.recentChanges(since + 2, 100)).toEqual([]);
  });

  if (database.kind === 'sqlite') {
    it('are told completely where they are read part by part, many of them at one instant', async () => {
      const at = t0 + 15_000 * minute;
      const { accountId } = await anOwnedSession();
      const ids = Array.from({ length: 1_200 }, () => aSession({ accountId }));
      await Promise.all(ids.map((session) => store.createSession(session)));
      await Promise.all(ids.map(({ id }, index) => store.revoke(id, null, anEnding({ at: at + (index % 2) }), purgeAt)));
      expect(await store.recentChanges(at, 10_000)).toHaveLength(1_200);
      expect(await store.recentChanges(at, 701)).toHaveLength(701);
    });
  }

  it('are kept until they are forgotten, the sessions themselves for longer', async () => {
    const session = await anOwnedSession();
    const at = t0 + 20_000 * minute;
    await store.revoke(session.id, null, anEnding({ at }), purgeAt);
    while ((await store.forgetChanges(at, 10)) === 10);
    expect(await store.recentChanges(at, 10)).toEqual([revoked(session.id, at)]);
    if (database.kind === 'sqlite') {
      expect(await store.forgetChanges(at + 1, 10)).toBe(1);
      expect(await store.recentChanges(at, 10)).toEqual([]);
      expect((await store.findSession(session.id))?.revoked?.at).toBe(at);
    }
  });
});

describeStores('the changes of a closed store', (database) => {
  it('end with it', async () => {
    const store = await database.open();
    const told = await watch(store);
    await store.close();
    const seen = told.changes.length;
    const other = await database.open();
    const session = aSession();
    await other.createSession(session);
    await other.revoke(session.id, null, anEnding(), purgeAt);
    await delay(150);
    expect({ changes: told.changes.length, lost: told.lost }).toEqual({ changes: seen, lost: null });
  });
});
