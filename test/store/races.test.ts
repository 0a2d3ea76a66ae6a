import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { anAccount, anEnding, aSession, day, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

function change(generation: number, attemptId: string) {
  return { expectedGeneration: generation, at: t0, attemptId, idleExpiresAt: t0 + day, purgeAt: t0 + 90 * day };
}

/** `tokens.md`, "When is a session alive?" */
function isAlive(session: SessionRecord | null, account: AccountRecord | null): boolean {
  if (session === null || account === null || session.revoked !== null || account.disabled !== null) return false;
  return session.epoch === account.sessionEpoch || session.id === account.keptSessionId;
}

describeStores('races', (database) => {
  let stores: [Store, Store];
  beforeAll(async () => {
    stores = [await database.open(), await database.open()];
  });

  it.each([
    ['one store', 1],
    ['two stores on one database', 2],
  ])('lets one of sixteen rotations win, through %s', async (_, count) => {
    const session = aSession();
    await stores[0].createSession(session);
    for (let generation = 0; generation < 5; generation += 1) {
      const won = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          stores[count === 2 && index % 2 ? 1 : 0].advance(session.id, change(generation, `${generation}-${index}`)),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      const after = await stores[1].findSession(session.id);
      expect(after).toMatchObject({ generation: generation + 1, attemptId: `${generation}-${won.indexOf(true)}` });
    }
  });

  it('never rotates after a revoke was acknowledged', async () => {
    for (let round = 0; round < 12; round += 1) {
      const session = aSession();
      await stores[0].createSession(session);
      let revokedAcknowledged = false;
      const revoking = delay(round % 4).then(async () => {
        await stores[1].revoke(session.id, null, anEnding(), t0 + day);
        revokedAcknowledged = true;
      });
      for (let generation = 0; ; generation += 1) {
        const askedAfter = revokedAcknowledged;
        const advanced = await stores[0].advance(session.id, change(generation, 'a'));
        if (askedAfter) expect(advanced).toBe(false);
        if (!advanced) break;
      }
      await revoking;
      expect((await stores[0].findSession(session.id))?.revoked).toEqual(anEnding());
      expect(await stores[0].assertCurrent(session.id, 0, t0, false)).toBe(false);
    }
  });

  it.each([
    ['an end of all sessions', (store: Store, account: AccountRecord) => store.endSessions(account.id, { ...anEnding(), kept: null })],
    [
      'a change of password',
      (store: Store, account: AccountRecord) =>
        store.changePassword(account.id, String(account.passwordHash), 'new', { ...anEnding(), kept: null }),
    ],
    [
      'a disabling',
      (store: Store, account: AccountRecord) => store.disableAccount(account.id, { at: t0, until: null, reason: null }, anEnding()),
    ],
  ])('never lets a sign-in survive %s that came after its read', async (_, end) => {
    for (let round = 0; round < 12; round += 1) {
      const account = anAccount();
      await stores[0].createAccount(account);
      const signIn = async () => {
        const read = await stores[0].findAccount(account.id);
        const session = aSession({ accountId: account.id, epoch: Number(read?.sessionEpoch) });
        await stores[0].createSession(session);
        const again = await stores[0].findAccount(account.id);
        return { session, signed: again?.sessionEpoch === session.epoch, epochRead: session.epoch };
      };
      const ending = delay(round % 3).then(() => end(stores[1], account));
      const [{ session, signed, epochRead }] = await Promise.all([signIn(), ending]);
      const after = await stores[0].findAccount(account.id);
      const alive = isAlive(await stores[0].findSession(session.id), after);
      expect(alive).toBe(epochRead === 2 && after?.disabled === null);
      if (alive) expect(signed).toBe(true);
    }
  });
});
