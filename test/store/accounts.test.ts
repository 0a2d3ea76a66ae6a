import { beforeAll, describe, expect, it } from '@jest/globals';
import { DuplicateError, type Store } from '../../src/store/port.js';
import { anAccount, anEnding, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

/** Text that databases, drivers and query languages have stumbled over. */
const hostile = [
  'nul \0 in the middle',
  '\0',
  'emoji 👩‍👩‍👧 and 𝒜',
  '{"$ne":""}',
  '$ne',
  '$email',
  'quote \' " ` ; -- /* %',
  'a.b.c',
  '%00 \\ \n \r \t',
  'ß İ ﬁ',
  'x'.repeat(5_000),
];

const ended = (kept: { id: string; epoch: number } | null = null) => ({ ...anEnding(), kept });

describeStores('accounts', (database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  describe('createAccount', () => {
    it('keeps every field', async () => {
      const account = anAccount({
        username: 'Ada.Lovelace',
        emailVerified: true,
        roles: ['USER', 'ADMIN'],
        lastLoginAt: t0 + 1,
        passwordChangedAt: t0 + 2,
        disabled: { at: t0 + 3, until: t0 + 4, reason: 'why' },
        sessionEpoch: 7,
        keptSessionId: 'kept',
        sessionsEnded: anEnding({ by: 'somebody' }),
        signInCount: 9,
        version: 11,
      });
      await store.createAccount(account);
      expect(await store.findAccount(account.id)).toEqual(account);
      expect(await store.findAccountByEmail(account.email)).toEqual(account);
      expect(await store.findAccountByUsername('aDA.lovelace')).toEqual(account);
    });

    it('keeps null as null', async () => {
      const account = anAccount({ passwordHash: null, roles: [] });
      await store.createAccount(account);
      expect(await store.findAccount(account.id)).toEqual(account);
    });

    it('writes what another connection reads', async () => {
      const account = anAccount();
      await store.createAccount(account);
      expect(await database.row('accounts', account.id)).toMatchObject({ email: account.email, version: 1 });
    });

    it.each(hostile)('keeps %j as it is', async (text) => {
      const account = anAccount({
        email: `${text}@${Math.random()}`,
        passwordHash: text,
        roles: [text],
        keptSessionId: text,
        disabled: { at: t0, until: null, reason: text },
      });
      await store.createAccount(account);
      expect(await store.findAccount(account.id)).toEqual(account);
      expect(await store.findAccountByEmail(account.email)).toEqual(account);
      expect(await store.findAccount(text)).toBeNull();
    });

    it('tells texts apart that differ after a NUL only', async () => {
      const [first, second] = [anAccount({ email: 'same\0a' }), anAccount({ email: 'same\0b' })];
      await store.createAccount(first);
      await store.createAccount(second);
      expect((await store.findAccountByEmail('same\0b'))?.id).toBe(second.id);
      expect(await store.findAccountByEmail('same')).toBeNull();
    });

    it('names the field that is taken', async () => {
      const account = anAccount({ username: 'Taken' });
      await store.createAccount(account);
      await expect(store.createAccount(anAccount({ email: account.email }))).rejects.toEqual(new DuplicateError('email'));
      const duplicate = store.createAccount(anAccount({ username: 'tAKEN' }));
      await expect(duplicate).rejects.toMatchObject({ name: 'DuplicateError', field: 'username' });
    });

    it('allows any number of accounts without a username', async () => {
      await store.createAccount(anAccount());
      await expect(store.createAccount(anAccount())).resolves.toBeUndefined();
    });

    it('may be repeated after a lost answer', async () => {
      const account = anAccount({ username: 'repeated' });
      await store.createAccount(account);
      await expect(store.createAccount(account)).resolves.toBeUndefined();
    });

    it('lets one of many at once with the same address win', async () => {
      const email = 'wanted@example.com';
      // As many as the server that stands in for MongoDB here serves in time.
      const count = database.kind === 'sqlite' ? 100 : 30;
      const attempts = Array.from({ length: count }, () => store.createAccount(anAccount({ email })));
      const results = await Promise.allSettled(attempts);
      const lost = results.filter((result) => result.status === 'rejected');
      expect(lost).toHaveLength(count - 1);
      expect(lost.every(({ reason }) => reason instanceof DuplicateError && reason.field === 'email')).toBe(true);
    });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await store.findAccount('nobody')).toBeNull();
    expect(await store.findAccountByEmail('nobody')).toBeNull();
    expect(await store.findAccountByUsername('nobody')).toBeNull();
  });

  describe('recordSignIn', () => {
    it('gives fifty at once fifty numbers', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const taken = await Promise.all(Array.from({ length: 50 }, () => store.recordSignIn(account.id, t0 + minute)));
      expect([...taken].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(await store.findAccount(account.id)).toEqual({ ...account, signInCount: 50, lastLoginAt: t0 + minute });
    });

    it('gives different numbers through two stores', async () => {
      const other = await database.open();
      const account = anAccount();
      await store.createAccount(account);
      const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? store : other).recordSignIn(account.id, t0)));
      expect(new Set(taken).size).toBe(20);
    });

    it('gives null for no account', async () => {
      expect(await store.recordSignIn('nobody', t0)).toBeNull();
    });
  });

  describe('passwords', () => {
    it('rehashes only what was verified, and leaves the version', async () => {
      const account = anAccount();
      await store.createAccount(account);
      expect(await store.rehashPassword(account.id, 'another', 'new')).toBe(false);
      expect(await store.rehashPassword(account.id, String(account.passwordHash), 'new')).toBe(true);
      expect(await store.rehashPassword('nobody', 'new', 'newer')).toBe(false);
      expect(await store.findAccount(account.id)).toEqual({ ...account, passwordHash: 'new' });
    });

    it('changes the password and ends the sessions in one step', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const changed = await store.changePassword(account.id, String(account.passwordHash), 'new', ended());
      const expected = {
        ...account,
        passwordHash: 'new',
        passwordChangedAt: t0 + minute,
        sessionEpoch: 2,
        sessionsEnded: anEnding(),
        version: 2,
        changedAt: anEnding().at,
      };
      expect(changed).toEqual(expected);
      expect(await store.findAccount(account.id)).toEqual(expected);
    });

    it('changes nothing when the hash differs, the kept session is out, or there is no account', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const hash = String(account.passwordHash);
      expect(await store.changePassword(account.id, 'another', 'new', ended())).toBeNull();
      expect(await store.changePassword(account.id, hash, 'new', ended({ id: 's', epoch: 0 }))).toBeNull();
      expect(await store.changePassword('nobody', hash, 'new', ended())).toBeNull();
      expect(await store.findAccount(account.id)).toEqual(account);
    });

    it('never lets an old password come back by a rehash', async () => {
      for (let round = 0; round < 10; round += 1) {
        const account = anAccount();
        await store.createAccount(account);
        const hash = String(account.passwordHash);
        const rehash = () => store.rehashPassword(account.id, hash, 'old, rehashed');
        const change = () => store.changePassword(account.id, hash, 'new', ended());
        const [rehashed, changed] =
          round % 2 ? await Promise.all([rehash(), change()]) : (await Promise.all([change(), rehash()])).reverse();
        expect(Boolean(rehashed) !== Boolean(changed)).toBe(true);
        expect((await store.findAccount(account.id))?.passwordHash).toBe(changed ? 'new' : 'old, rehashed');
      }
    });
  });

  describe('endSessions', () => {
    it('raises epoch and version and returns the account', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const kept = { id: 'this one', epoch: 1 };
      const expected = {
        ...account,
        sessionEpoch: 2,
        version: 2,
        keptSessionId: kept.id,
        sessionsEnded: anEnding(),
        changedAt: anEnding().at,
      };
      expect(await store.endSessions(account.id, ended(kept))).toEqual(expected);
      expect(await store.findAccount(account.id)).toEqual(expected);
    });

    it('keeps a kept session again', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const kept = { id: 'this one', epoch: 1 };
      await store.endSessions(account.id, ended(kept));
      expect(await store.endSessions(account.id, ended(kept))).toMatchObject({ sessionEpoch: 3, keptSessionId: kept.id });
    });

    it('never brings back a session that another end has ended', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const kept = { id: 'this one', epoch: 1 };
      await store.endSessions(account.id, ended());
      expect(await store.endSessions(account.id, ended(kept))).toBeNull();
      expect(await store.findAccount(account.id)).toMatchObject({ sessionEpoch: 2, keptSessionId: null });
    });

    it('never brings it back when both come at once, through two stores', async () => {
      const other = await database.open();
      for (let round = 0; round < 10; round += 1) {
        const account = anAccount();
        await store.createAccount(account);
        const [all, allButOne] = await Promise.all([
          store.endSessions(account.id, ended()),
          other.endSessions(account.id, ended({ id: 'this one', epoch: 1 })),
        ]);
        expect(all).not.toBeNull();
        const after = await store.findAccount(account.id);
        expect(after?.keptSessionId).toBeNull();
        expect(after?.sessionEpoch).toBe(allButOne === null ? 2 : 3);
      }
    });

    it('gives null for no account', async () => {
      expect(await store.endSessions('nobody', ended())).toBeNull();
    });

    it('raises the epoch once for each of many at once', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const results = await Promise.all(Array.from({ length: 16 }, () => store.endSessions(account.id, ended())));
      expect(results.every((result) => result !== null && result.sessionEpoch > 1)).toBe(true);
      expect(await store.findAccount(account.id)).toMatchObject({ sessionEpoch: 17, version: 17 });
    });
  });

  it('disables the account and ends its sessions in one step', async () => {
    const account = anAccount({ keptSessionId: 'kept' });
    await store.createAccount(account);
    const disabled = { at: t0 + minute, until: null, reason: 'spam' };
    const ending = anEnding({ reason: 'ACCOUNT_DISABLED', by: 'admin' });
    const expected = {
      ...account,
      disabled,
      sessionEpoch: 2,
      version: 2,
      rightsVersion: 2,
      keptSessionId: null,
      sessionsEnded: ending,
      changedAt: ending.at,
    };
    expect(await store.disableAccount(account.id, disabled, ending)).toEqual(expected);
    expect(await store.findAccount(account.id)).toEqual(expected);
    expect(await store.disableAccount('nobody', disabled, ending)).toBeNull();
  });

  describe('setRoles', () => {
    it('replaces the roles of the expected version only', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const changed = { ...account, roles: ['ADMIN'], version: 2, rightsVersion: 2, changedAt: t0 + minute };
      expect(await store.setRoles(account.id, 2, ['ADMIN'], t0 + minute)).toBeNull();
      expect(await store.setRoles(account.id, 1, ['ADMIN'], t0 + minute)).toEqual(changed);
      expect(await store.setRoles('nobody', 1, ['ADMIN'], t0 + minute)).toBeNull();
      expect(await store.findAccount(account.id)).toEqual(changed);
    });

    it('lets one of many at once win', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const won = await Promise.all(Array.from({ length: 16 }, (_, index) => store.setRoles(account.id, 1, [`R${index}`], t0)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await store.findAccount(account.id))?.roles).toEqual([`R${won.findIndex(Boolean)}`]);
    });
  });
});
