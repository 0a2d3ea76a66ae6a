import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { Advance } from '../../src/store/queries.js';
import type { SessionRecord } from '../../src/store/records.js';
import { anEnding, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

function anAdvance(overrides: Partial<Advance> = {}): Advance {
  return {
    expectedGeneration: 0,
    at: t0 + minute,
    attemptId: 'attempt',
    idleExpiresAt: t0 + 8 * day,
    purgeAt: t0 + 121 * day,
    ...overrides,
  };
}

describeStores('sessions', (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });
  const created = async (overrides: Partial<SessionRecord> = {}) => {
    const session = aSession(overrides);
    await store.createSession(session);
    return session;
  };

  describe('createSession', () => {
    it('keeps every field', async () => {
      const session = await created({
        epoch: 3,
        ordinal: 4,
        generation: 5,
        confirmedGeneration: 4,
        confirmedAt: t0 + 1,
        rotations: [t0 + 2, t0 + 3],
        attemptId: 'attempt',
        revoked: anEnding({ by: 'admin' }),
      });
      expect(await store.findSession(session.id)).toEqual(session);
    });

    it('keeps null as null', async () => {
      const device = { label: 'Unknown', browser: null, os: null, kind: 'UNKNOWN' } as const;
      const session = await created({ ipAddress: null, userAgent: null, device });
      expect(await store.findSession(session.id)).toEqual(session);
    });

    it.each(['nul \0 here', '👩‍👩‍👧', '{"$ne":1}', '$userAgent', "' OR 1=1 --", '\\u0000 "', 'x'.repeat(5_000)])(
      'keeps %j as it is',
      async (text) => {
        const device = { label: text, browser: text, os: text, kind: 'BOT' } as const;
        const revoked = anEnding({ by: text });
        const session = await created({ attemptId: text, ipAddress: text, userAgent: text, device, revoked });
        expect(await store.findSession(session.id)).toEqual(session);
        expect(await store.findSession(text)).toBeNull();
      },
    );

    it('writes what another connection reads', async () => {
      const session = await created();
      expect(await database.row('sessions', session.id)).toMatchObject({ generation: 0, revoked: null });
    });

    it('may be repeated after a lost answer, and undoes nothing then', async () => {
      const session = await created();
      await store.advance(session.id, anAdvance());
      await store.createSession(session);
      expect((await store.findSession(session.id))?.generation).toBe(1);
    });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await store.findSession('none')).toBeNull();
  });

  describe('advance', () => {
    it('writes the next generation', async () => {
      const session = await created();
      expect(await store.advance(session.id, anAdvance())).toBe(true);
      expect(await store.findSession(session.id)).toEqual({
        ...session,
        generation: 1,
        attemptId: 'attempt',
        rotations: [t0 + minute],
        lastSeenAt: t0 + minute,
        idleExpiresAt: t0 + 8 * day,
        purgeAt: t0 + 121 * day,
      });
      expect(await database.row('sessions', session.id)).toMatchObject({ generation: 1 });
    });

    it('remembers the last eight rotations', async () => {
      const session = await created();
      for (let generation = 0; generation < 11; generation += 1) {
        await store.advance(session.id, anAdvance({ expectedGeneration: generation, at: t0 + generation }));
      }
      const expected = [3, 4, 5, 6, 7, 8, 9, 10].map((offset) => t0 + offset);
      expect((await store.findSession(session.id))?.rotations).toEqual(expected);
    });

    it('refuses another generation, a revoked, an ended and an unknown session', async () => {
      const session = await created();
      const revoked = await created({ revoked: anEnding() });
      const over = await created({ idleExpiresAt: t0 + minute });
      expect(await store.advance(session.id, anAdvance({ expectedGeneration: 1 }))).toBe(false);
      expect(await store.advance(session.id, anAdvance({ expectedGeneration: -1 }))).toBe(false);
      expect(await store.advance(revoked.id, anAdvance())).toBe(false);
      expect(await store.advance(over.id, anAdvance())).toBe(false);
      expect(await store.advance('none', anAdvance())).toBe(false);
      expect(await store.findSession(session.id)).toEqual(session);
      expect(await store.findSession(revoked.id)).toEqual(revoked);
      expect(await store.findSession(over.id)).toEqual(over);
    });
  });

  describe('assertCurrent', () => {
    it('is true for the present generation and changes nothing but lastSeenAt, never backwards', async () => {
      const session = await created({ generation: 2 });
      expect(await store.assertCurrent(session.id, 2, t0 + minute, false)).toBe(true);
      expect(await store.assertCurrent(session.id, 2, t0, false)).toBe(true);
      expect(await store.findSession(session.id)).toEqual({ ...session, lastSeenAt: t0 + minute });
    });

    it('is false for another generation, a revoked, an ended and an unknown session', async () => {
      const session = await created({ generation: 2 });
      const revoked = await created({ revoked: anEnding() });
      const over = await created({ idleExpiresAt: t0 + minute });
      expect(await store.assertCurrent(session.id, 1, t0, true)).toBe(false);
      expect(await store.assertCurrent(session.id, 3, t0, true)).toBe(false);
      expect(await store.assertCurrent(revoked.id, 0, t0, true)).toBe(false);
      expect(await store.assertCurrent(over.id, 0, t0 + minute, true)).toBe(false);
      expect(await store.assertCurrent('none', 0, t0, true)).toBe(false);
      expect(await store.findSession(session.id)).toEqual(session);
    });

    it('notes once that the client holds the generation', async () => {
      const session = await created({ generation: 2 });
      await store.assertCurrent(session.id, 2, t0 + 1, true);
      await store.assertCurrent(session.id, 2, t0 + 2, true);
      const confirmed = { confirmedGeneration: 2, confirmedAt: t0 + 1, lastSeenAt: t0 + 2 };
      expect(await store.findSession(session.id)).toEqual({ ...session, ...confirmed });
    });
  });

  describe('reauthenticate', () => {
    it('says when the password was proved, and changes nothing else', async () => {
      const session = await created({ generation: 3, rotations: [t0] });
      const after = { ...session, authenticatedAt: t0 + minute };
      expect(await store.reauthenticate(session.id, session.accountId, t0 + minute)).toEqual(after);
      expect(await store.findSession(session.id)).toEqual(after);
    });

    it('also mends an instant that a leaping clock has left in the future, and may be repeated', async () => {
      const session = await created({ authenticatedAt: t0 + day });
      for (let times = 0; times < 2; times += 1) {
        expect(await store.reauthenticate(session.id, session.accountId, t0)).toEqual({ ...session, authenticatedAt: t0 });
      }
    });

    it("refuses another account's, a revoked, an ended and an unknown session", async () => {
      const [session, revoked, over] = [
        await created(),
        await created({ revoked: anEnding() }),
        await created({ idleExpiresAt: t0 + minute }),
      ];
      const at = t0 + minute;
      expect(await store.reauthenticate(session.id, 'another', at)).toBeNull();
      expect(await store.reauthenticate(revoked.id, revoked.accountId, at)).toBeNull();
      expect(await store.reauthenticate(over.id, over.accountId, at)).toBeNull();
      expect(await store.reauthenticate('none', session.accountId, at)).toBeNull();
      for (const one of [session, revoked, over]) expect(await store.findSession(one.id)).toEqual(one);
    });

    it('never revives: after a revoke that was acknowledged it is refused, and the revoke stands', async () => {
      for (let round = 0; round < 12; round += 1) {
        const session = await created();
        let isAcknowledged = false;
        const revoking = store.revoke(session.id, null, anEnding(), session.purgeAt).then(() => {
          isAcknowledged = true;
        });
        for (let at = t0 + 1; ; at += 1) {
          const askedAfter = isAcknowledged;
          const result = await store.reauthenticate(session.id, session.accountId, at);
          if (askedAfter) expect(result).toBeNull();
          if (result === null) break;
        }
        await revoking;
        expect((await store.findSession(session.id))?.revoked).toEqual(anEnding());
      }
    });
  });

  describe('recordUses', () => {
    it('notes uses, confirmations of the present generation only, and leaves revoked sessions alone', async () => {
      const [current, older, revoked, known] = await Promise.all([
        created({ generation: 3 }),
        created({ generation: 3 }),
        created({ generation: 3, revoked: anEnding() }),
        created({ generation: 3, confirmedGeneration: 3, confirmedAt: t0, lastSeenAt: t0 + day }),
      ]);
      const at = t0 + minute;
      await store.recordUses([
        { sessionId: current.id, generation: 3, at },
        { sessionId: current.id, generation: 3, at: at + 1 },
        { sessionId: older.id, generation: 2, at },
        { sessionId: revoked.id, generation: 3, at },
        { sessionId: known.id, generation: 3, at },
        { sessionId: 'none', generation: 3, at },
      ]);
      const confirmed = { confirmedGeneration: 3, confirmedAt: at, lastSeenAt: at + 1 };
      expect(await store.findSession(current.id)).toEqual({ ...current, ...confirmed });
      expect(await store.findSession(older.id)).toEqual({ ...older, lastSeenAt: at });
      expect(await store.findSession(revoked.id)).toEqual(revoked);
      expect(await store.findSession(known.id)).toEqual(known);
    });

    it('takes none and many', async () => {
      await store.recordUses([]);
      const session = await created();
      await store.recordUses(Array.from({ length: 450 }, (_, at) => ({ sessionId: session.id, generation: 0, at: t0 + at })));
      expect(await store.findSession(session.id)).toMatchObject({ lastSeenAt: t0 + 449, confirmedAt: t0 });
    });
  });

  describe('revoke', () => {
    const purgeAt = t0 + 30 * day;

    it('ends the session once', async () => {
      const session = await created();
      const ending = anEnding({ by: 'somebody' });
      const after = { ...session, revoked: ending, purgeAt };
      expect(await store.revoke(session.id, null, ending, purgeAt)).toEqual({ session: after, ended: true });
      const again = await store.revoke(session.id, null, anEnding({ reason: 'LOGOUT' }), purgeAt + 1);
      expect(again).toEqual({ session: after, ended: false });
      expect(await store.findSession(session.id)).toEqual(after);
    });

    it('ends one past its idle end too: the clock that says so may have leapt, and an acknowledged revoke holds', async () => {
      const session = await created({ idleExpiresAt: t0 + minute });
      const after = { ...session, revoked: anEnding(), purgeAt };
      expect(await store.revoke(session.id, null, anEnding(), purgeAt)).toEqual({ session: after, ended: true });
    });

    it('ends only the own session when an owner is named', async () => {
      const session = await created();
      expect(await store.revoke(session.id, 'another', anEnding(), purgeAt)).toBeNull();
      expect(await store.findSession(session.id)).toEqual(session);
      expect(await store.revoke(session.id, session.accountId, anEnding(), purgeAt)).toMatchObject({ ended: true });
      expect(await store.revoke('none', null, anEnding(), purgeAt)).toBeNull();
    });

    it('is done by one of many at once', async () => {
      const session = await created();
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, index) => store.revoke(session.id, null, anEnding({ by: `${index}` }), purgeAt)),
      );
      const winner = results.findIndex((result) => result?.ended);
      expect(results.filter((result) => result?.ended)).toHaveLength(1);
      expect((await store.findSession(session.id))?.revoked?.by).toBe(`${winner}`);
    });
  });

  describe('revokeWhere', () => {
    const purgeAt = t0 + 30 * day;
    const everything = { epochBelow: null, ordinalAtMost: null, exceptId: null };

    it.each([
      ['all that are alive', {}, ['1', '2', '3']],
      ['those of lower epochs', { epochBelow: 2 }, ['1', '2']],
      ['those with lower numbers', { ordinalAtMost: 1 }, ['1']],
      ['all but one', { exceptId: '2' }, ['1', '3']],
      ['by all at once', { epochBelow: 2, ordinalAtMost: 3, exceptId: '1' }, ['2']],
    ])('selects %s', async (_, selector, expected) => {
      const accountId = `account of ${JSON.stringify(selector)}`;
      const id = (name: string) => `${name} of ${accountId}`;
      await Promise.all([
        created({ id: id('1'), accountId, epoch: 1, ordinal: 1 }),
        created({ id: id('2'), accountId, epoch: 1, ordinal: 2 }),
        created({ id: id('3'), accountId, epoch: 2, ordinal: 3 }),
        created({ id: id('over'), accountId, idleExpiresAt: t0 + minute }),
        created({ id: id('revoked'), accountId, revoked: anEnding({ reason: 'LOGOUT' }) }),
        created({ id: id('foreign') }),
      ]);
      const exceptId = 'exceptId' in selector && selector.exceptId ? id(selector.exceptId) : null;
      const ending = anEnding({ reason: 'PASSWORD_CHANGED' });
      const count = await store.revokeWhere({ ...everything, ...selector, exceptId, accountId }, ending, purgeAt);
      expect(count).toBe(expected.length);
      for (const name of ['1', '2', '3', 'over', 'revoked', 'foreign']) {
        const session = await store.findSession(id(name));
        const wasEnded = session?.revoked?.reason === 'PASSWORD_CHANGED';
        expect([name, wasEnded, session?.purgeAt === purgeAt]).toEqual([name, expected.includes(name), expected.includes(name)]);
      }
    });
  });
});
