import { beforeEach, describe, expect, it } from '@jest/globals';
import { Sessions } from '../../src/auth/sessions.js';
import type { SignedIn } from '../../src/auth/viewer.js';
import type { Store } from '../../src/store/port.js';
import type { AccountRecord, SessionRecord } from '../../src/store/records.js';
import { aClock, anAudit, aRequest, aRoleBook, aThrottle, FakeTime, memoryStore, storeWith } from '../support/factories.js';
import { anAccount, anEnding, aSession } from '../support/records.js';

const config = {
  refreshTokenTtlSeconds: 604_800,
  sessionMaxAgeSeconds: 7_776_000,
  sessionHistorySeconds: 0,
  accessTokenTtlSeconds: 3_600,
  reauthenticationAgeSeconds: 900,
};
const sessionsOver = (store: Store) =>
  new Sessions({ store, clock: aClock(new FakeTime()), roles: aRoleBook(), audit: anAudit(store), throttle: aThrottle(store), config });

let store: Store;
let account: AccountRecord;
let here: SessionRecord;
let viewer: SignedIn;
beforeEach(async () => {
  store = await memoryStore();
  account = anAccount();
  here = aSession({ accountId: account.id });
  await store.createAccount(account);
  await store.createSession(here);
  viewer = {
    kind: 'account',
    accountId: account.id,
    roles: account.roles,
    permissions: [],
    sessionId: here.id,
    authenticatedAt: here.authenticatedAt,
    epoch: account.sessionEpoch,
  };
});

describe('ending all sessions but this one', () => {
  it('leaves alone a session that signed in after it and was kept by an end of its own, though that came before the marking', async () => {
    const later = aSession({ accountId: account.id, epoch: 2, ordinal: 2 });
    const overtaken = storeWith(store, {
      endSessions: async (accountId, ending) => {
        await store.endSessions(accountId, ending);
        await store.createSession(later);
        return store.endSessions(accountId, { ...ending, kept: { id: later.id, epoch: 2 } });
      },
    });
    await sessionsOver(overtaken).revokeOthers(viewer, aRequest());
    expect((await store.findSession(later.id))?.revoked).toBeNull();
    expect((await store.findSession(here.id))?.revoked).not.toBeNull();
  });

  it('is refused to a session that was ended by itself meanwhile, and ends nothing', async () => {
    const other = aSession({ accountId: account.id });
    await store.createSession(other);
    await store.revoke(here.id, null, anEnding(), here.purgeAt);
    await expect(sessionsOver(store).revokeOthers(viewer, aRequest())).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      details: { reason: 'REVOKED' },
    });
    expect((await store.findAccount(account.id))?.sessionEpoch).toBe(account.sessionEpoch);
    expect((await store.findSession(other.id))?.revoked).toBeNull();
  });

  it('is refused to a session that another end of all has ended, and does not bring it back', async () => {
    await sessionsOver(store).revokeAll(viewer, aRequest());
    await expect(sessionsOver(store).revokeOthers(viewer, aRequest())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await store.findAccount(account.id)).toMatchObject({ keptSessionId: null });
  });

  it('reports at most 100 sessions and the full count', async () => {
    await Promise.all(
      Array.from({ length: 120 }, (_, index) => store.createSession(aSession({ accountId: account.id, ordinal: index + 2 }))),
    );
    const { count, sessions } = await sessionsOver(store).revokeOthers(viewer, aRequest());
    expect(count).toBe(120);
    expect(sessions).toHaveLength(100);
    expect(sessions.every(({ state, id }) => state === 'REVOKED' && id !== here.id)).toBe(true);
  });
});
