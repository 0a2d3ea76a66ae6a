import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { anAccount, anAccountQuery, anAuditQuery, anAuditRecord, anEnding, aSession, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const ending = anEnding({ reason: 'ACCOUNT_DELETED', by: 'admin' });
const purgeAt = t0 + 30 * day;

describeStores('an account that is changed by an administrator', (database) => {
  let store: Store;
  let elsewhere: Store;
  beforeAll(async () => {
    store = await database.open();
    elsewhere = await database.open();
  });
  const made = async (overrides: Parameters<typeof anAccount>[0] = {}) => {
    const account = anAccount(overrides);
    await store.createAccount(account);
    return account;
  };

  describe('enableAccount', () => {
    it('enables the expected version only, and raises it', async () => {
      const account = await made({ disabled: { at: t0, until: null, reason: 'spam' } });
      expect(await store.enableAccount(account.id, 2, t0 + minute)).toBeNull();
      const enabled = { ...account, disabled: null, version: 2, rightsVersion: 2, changedAt: t0 + minute };
      expect(await store.enableAccount(account.id, 1, t0 + minute)).toEqual(enabled);
      expect(await store.findAccount(account.id)).toEqual(enabled);
      expect(await store.enableAccount('nobody', 1, t0)).toBeNull();
    });

    it('lets one of many at once win, through two stores', async () => {
      const account = await made({ disabled: { at: t0, until: null, reason: null } });
      const won = await Promise.all(
        Array.from({ length: 16 }, (_, index) => (index % 2 ? store : elsewhere).enableAccount(account.id, 1, t0)),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await store.findAccount(account.id))?.version).toBe(2);
    });
  });

  it('disableAccount changes the expected version only, where one is given', async () => {
    const account = await made();
    const disabled = { at: t0, until: null, reason: null };
    expect(await store.disableAccount(account.id, disabled, ending, 2)).toBeNull();
    expect((await store.findAccount(account.id))?.disabled).toBeNull();
    expect(await store.disableAccount(account.id, disabled, ending, 1)).toMatchObject({ version: 2, disabled });
    expect(await store.disableAccount(account.id, disabled, ending)).toMatchObject({ version: 3 });
  });

  describe('deleteAccount', () => {
    it('leaves an account that no verb finds or changes', async () => {
      const account = await made({ username: `Gone${Date.now()}`, roles: ['admin'] });
      expect(await store.deleteAccount(account.id, 2, ending)).toBe(false);
      expect(await store.deleteAccount('nobody', 1, ending)).toBe(false);
      expect(await store.deleteAccount(account.id, 1, ending, account.sessionEpoch + 1)).toBe(false);
      expect(await store.findAccount(account.id)).toEqual(account);
      expect(await store.deleteAccount(account.id, 1, ending, account.sessionEpoch)).toBe(true);

      const version = 2;
      const found = [
        await store.findAccount(account.id),
        await store.findAccountByEmail(account.email),
        await store.findAccountByUsername(String(account.username)),
        (await store.findCurrent('none', account.id)).account,
        await store.recordSignIn(account.id, t0),
        await store.changePassword(account.id, String(account.passwordHash), 'new', { ...ending, kept: null }),
        await store.endSessions(account.id, { ...ending, kept: null }),
        await store.disableAccount(account.id, { at: t0, until: null, reason: null }, ending),
        await store.enableAccount(account.id, version, t0),
        await store.setRoles(account.id, version, ['admin'], t0),
      ];
      expect(found).toEqual(found.map(() => null));
      expect(await store.rehashPassword(account.id, String(account.passwordHash), 'new')).toBe(false);
      expect(await store.deleteAccount(account.id, version, ending)).toBe(false);
      expect(await store.findAccounts([account.id])).toEqual([]);
      for (const search of [account.email, 'deleted']) expect(await store.countAccounts(anAccountQuery({ search }), 10)).toBe(0);
      const { rows } = await store.listAccounts(anAccountQuery(), { limit: 1_000, after: null });
      expect(rows.map(({ id }) => id)).not.toContain(account.id);
      expect(JSON.stringify(await database.row('accounts', account.id))).not.toMatch(/@example|Gone|gone|hash of|admin@/);
    });

    it('sets the address and the username free, for one of many', async () => {
      const account = await made({ username: `Free${Date.now()}` });
      const heirs = Array.from({ length: 8 }, () => anAccount({ email: account.email, username: account.username }));
      await expect(store.createAccount(heirs[0] ?? anAccount())).rejects.toThrow('taken');
      await store.deleteAccount(account.id, 1, ending);
      const results = await Promise.allSettled(heirs.map((heir, index) => (index % 2 ? store : elsewhere).createAccount(heir)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('is told to every node as a deletion, here at once, and to one that starts later', async () => {
      const account = await made({ roles: ['admin'] });
      const told: unknown[] = [];
      const listener = { onLost: () => undefined, onChange: (change: unknown) => void told.push(change) };
      const feed = await store.watchChanges(listener);
      await store.deleteAccount(account.id, 1, ending);
      const standing = {
        id: account.id,
        version: 2,
        sessionEpoch: 2,
        keptSessionId: null,
        sessionsEnded: ending,
        roles: [],
        disabled: null,
        deleted: true,
      };
      const change = { kind: 'account-changed', account: standing };
      expect(told).toContainEqual(change);
      expect(await elsewhere.recentChanges(ending.at, 100_000)).toContainEqual(change);
      await feed?.close();
    });

    it.each([
      ['a change of roles', (from: Store, id: string) => from.setRoles(id, 1, ['admin'], t0)],
      ['an end of all sessions', (from: Store, id: string) => from.endSessions(id, { ...anEnding(), kept: null })],
      ['a sign-in', (from: Store, id: string) => from.recordSignIn(id, t0)],
      ['another deletion', async (from: Store, id: string) => (await from.deleteAccount(id, 1, ending)) || null],
    ])('and %s at once behave as if one came first', async (_, act) => {
      for (let round = 0; round < 10; round += 1) {
        const account = await made();
        const [deleted] = await Promise.all([store.deleteAccount(account.id, 1, ending), act(elsewhere, account.id)]);
        if (!deleted) {
          const after = await store.findAccount(account.id);
          if (after !== null) expect(await store.deleteAccount(account.id, after.rightsVersion, ending)).toBe(true);
        }
        expect(await store.findAccount(account.id)).toBeNull();
        expect(JSON.stringify(await database.row('accounts', account.id))).not.toMatch(/@example|hash of|"admin"\]/);
      }
    });
  });

  it('is listed as deleted until that is finished, and goes when it is due', async () => {
    const account = await made();
    await store.deleteAccount(account.id, 1, ending);
    const deletion = { accountId: account.id, ending };
    expect(await store.listDeletions(ending.at, 1_000)).not.toContainEqual(deletion);
    expect(await store.listDeletions(ending.at + 1, 1_000)).toContainEqual(deletion);
    await store.purge(purgeAt + day, 1_000);
    expect(await database.row('accounts', account.id)).not.toBeNull();
    await elsewhere.finishDeletion(account.id, purgeAt);
    await elsewhere.finishDeletion(account.id, purgeAt + day);
    expect(await store.listDeletions(ending.at + 1, 1_000)).not.toContainEqual(deletion);
    await store.purge(purgeAt - 1, 1_000);
    expect(await database.row('accounts', account.id)).not.toBeNull();
    const other = await made();
    await store.purge(purgeAt, 1_000);
    expect(await database.row('accounts', account.id)).toBeNull();
    expect(await store.findAccount(other.id)).not.toBeNull();
  });

  it('has its sessions and its events erased, ended ones too, and nobody else has', async () => {
    const [account, other] = [await made(), await made()];
    const upon = { accountId: account.id, ipAddress: '192.0.2.9', userAgent: 'Firefox' };
    const own = [anAuditRecord({ ...upon, actorId: account.id }), anAuditRecord({ ...upon, actorId: null })];
    const others = [anAuditRecord({ ...upon, actorId: other.id }), anAuditRecord({ ...upon, accountId: other.id, actorId: account.id })];
    await store.appendAudit([...own, ...others]);
    const sessions = [
      aSession({ accountId: account.id }),
      aSession({ accountId: account.id, revoked: anEnding() }),
      aSession({ accountId: other.id }),
    ] as const;
    for (const session of sessions) await store.createSession(session);
    await store.eraseTraces(account.id);
    await store.eraseTraces(account.id);
    const device = { label: 'Unknown device', browser: null, os: null, kind: 'UNKNOWN' };
    for (const session of sessions.slice(0, 2))
      expect(await store.findSession(session.id)).toEqual({ ...session, ipAddress: null, userAgent: null, device });
    expect(await store.findSession(sessions[2].id)).toEqual(sessions[2]);
    const events = (await store.listAudit(anAuditQuery(), { limit: 100, after: null })).rows;
    for (const event of own) expect(events).toContainEqual({ ...event, ipAddress: null, userAgent: null });
    for (const event of others) expect(events).toContainEqual(event);
  });
});
