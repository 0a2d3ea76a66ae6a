import { beforeAll, describe, expect, it } from '@jest/globals';
import { DuplicateError, type Store } from '../../src/store/port.js';
import type { AccountRecord, OneTimePurpose } from '../../src/store/records.js';
import { anAccount, anEnding, aOneTimeToken, aSignup, day, minute, t0 } from '../support/records.js';
import { describeStores } from '../support/stores.js';

const ending = (reason: 'PASSWORD_RESET' | 'EMAIL_CHANGED') => anEnding({ reason });
const purposes: OneTimePurpose[] = ['RESET', 'VERIFY', 'CHANGE_EMAIL', 'REVERT_EMAIL'];

describeStores('one-time tokens', (database) => {
  let stores: [Store, Store];
  let store: Store;
  beforeAll(async () => {
    stores = [await database.open(), await database.open()];
    store = stores[0];
  });

  /** An account with one token of each purpose. */
  async function withTokens(overrides: Partial<AccountRecord> = {}) {
    const tokens = purposes.map((purpose) => aOneTimeToken({ purpose }));
    const account = anAccount({ oneTimeTokens: tokens, ...overrides });
    await store.createAccount(account);
    const spent = (purpose: OneTimePurpose, expectedVersion = 1) => ({
      hash: tokens.find((token) => token.purpose === purpose)?.hash ?? '',
      expectedVersion,
    });
    return { account, tokens, spent, revert: tokens[3] as (typeof tokens)[number] };
  }

  describe('addOneTimeToken', () => {
    it('keeps every field', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const token = aOneTimeToken({ purpose: 'CHANGE_EMAIL', email: 'new\0 $ne {"a":1}@example.com' });
      expect(await store.addOneTimeToken(account.id, account.email, token)).toBe(true);
      expect(await store.findAccount(account.id)).toEqual({ ...account, oneTimeTokens: [token] });
    });

    it('keeps the five newest of a purpose, and leaves the others', async () => {
      const { account, tokens } = await withTokens();
      const more = Array.from({ length: 5 }, () => aOneTimeToken());
      for (const token of more) await store.addOneTimeToken(account.id, account.email, token);
      const left = (await store.findAccount(account.id))?.oneTimeTokens ?? [];
      expect(left.filter(({ purpose }) => purpose === 'RESET')).toEqual(more);
      expect(left.filter(({ purpose }) => purpose !== 'RESET')).toEqual(tokens.slice(1));
    });

    it('loses none of five at once, through two stores', async () => {
      const account = anAccount();
      await store.createAccount(account);
      const tokens = Array.from({ length: 5 }, () => aOneTimeToken());
      const added = await Promise.all(
        tokens.map((token, index) => stores[index % 2 ? 1 : 0].addOneTimeToken(account.id, account.email, token)),
      );
      expect(added).toEqual([true, true, true, true, true]);
      expect(new Set((await store.findAccount(account.id))?.oneTimeTokens.map(({ hash }) => hash))).toEqual(
        new Set(tokens.map(({ hash }) => hash)),
      );
    });

    it('adds nothing where address or epoch are others, or there is no account', async () => {
      const account = anAccount();
      await store.createAccount(account);
      expect(await store.addOneTimeToken(account.id, 'other@example.com', aOneTimeToken())).toBe(false);
      expect(await store.addOneTimeToken(account.id, account.email, aOneTimeToken({ epoch: 0 }))).toBe(false);
      expect(await store.addOneTimeToken('nobody', account.email, aOneTimeToken())).toBe(false);
      expect(await store.findAccount(account.id)).toEqual(account);
    });
  });

  it.each<[string, (store: Store, account: AccountRecord) => Promise<unknown>]>([
    ['an end of all sessions', (one, { id }) => one.endSessions(id, { ...anEnding(), kept: null })],
    ['an end of all but one', (one, { id }) => one.endSessions(id, { ...anEnding(), kept: { id: 's', epoch: 1 } })],
    [
      'a change of the password',
      (one, { id, passwordHash }) => one.changePassword(id, String(passwordHash), 'new', { ...anEnding(), kept: null }),
    ],
    ['a disabling', (one, { id }) => one.disableAccount(id, { at: t0, until: null, reason: null }, anEnding())],
  ])('are removed by %s, but for the way back to an old address', async (_, end) => {
    const { account, revert } = await withTokens();
    await end(store, account);
    expect((await store.findAccount(account.id))?.oneTimeTokens).toEqual([revert]);
  });

  it('are all removed by a deletion', async () => {
    const { account } = await withTokens();
    await store.deleteAccount(account.id, 1, anEnding());
    expect(JSON.stringify(await database.row('accounts', account.id))).not.toContain('hash ');
  });

  describe('resetPassword', () => {
    it('sets the password, verifies the address and ends the sessions in one step', async () => {
      const { account, spent, revert } = await withTokens({ passwordHash: null });
      const changed = await store.resetPassword(account.id, spent('RESET'), 'new', ending('PASSWORD_RESET'));
      const expected = {
        ...account,
        passwordHash: 'new',
        passwordChangedAt: t0 + minute,
        emailVerified: true,
        sessionEpoch: 2,
        sessionsEnded: ending('PASSWORD_RESET'),
        version: 2,
        changedAt: t0 + minute,
        oneTimeTokens: [revert],
      };
      expect(changed).toEqual(expected);
      expect(await store.findAccount(account.id)).toEqual(expected);
    });
  });

  it('verifyEmail verifies, and leaves the session epoch', async () => {
    const { account, tokens, spent } = await withTokens();
    const changed = await store.verifyEmail(account.id, spent('VERIFY'), t0 + minute);
    const left = tokens.filter(({ purpose }) => purpose !== 'VERIFY');
    expect(changed).toEqual({ ...account, emailVerified: true, version: 2, changedAt: t0 + minute, oneTimeTokens: left });
  });

  it('changeEmail replaces address and tokens', async () => {
    const { account, spent } = await withTokens();
    const tokens = [aOneTimeToken({ purpose: 'REVERT_EMAIL', email: account.email })];
    const email = `new.${account.email}`;
    const changed = await store.changeEmail(account.id, spent('CHANGE_EMAIL'), { email, tokens }, t0 + minute);
    expect(changed).toEqual({ ...account, email, emailVerified: true, version: 2, changedAt: t0 + minute, oneTimeTokens: tokens });
    expect((await store.findAccountByEmail(email))?.id).toBe(account.id);
    expect(await store.findAccountByEmail(account.email)).toBeNull();
  });

  it('revertEmailChange replaces address and tokens, removes the password and ends the sessions', async () => {
    const { account, spent } = await withTokens();
    const tokens = [aOneTimeToken({ epoch: 2 })];
    const email = `old.${account.email}`;
    const changed = await store.revertEmailChange(account.id, spent('REVERT_EMAIL'), { email, tokens }, ending('EMAIL_CHANGED'));
    expect(changed).toEqual({
      ...account,
      email,
      emailVerified: true,
      passwordHash: null,
      sessionEpoch: 2,
      sessionsEnded: ending('EMAIL_CHANGED'),
      version: 2,
      changedAt: t0 + minute,
      oneTimeTokens: tokens,
    });
  });

  const spendings: [
    string,
    OneTimePurpose,
    (store: Store, id: string, spent: { hash: string; expectedVersion: number }) => Promise<unknown>,
  ][] = [
    ['resetPassword', 'RESET', (one, id, spent) => one.resetPassword(id, spent, 'new', ending('PASSWORD_RESET'))],
    ['verifyEmail', 'VERIFY', (one, id, spent) => one.verifyEmail(id, spent, t0)],
    ['changeEmail', 'CHANGE_EMAIL', (one, id, spent) => one.changeEmail(id, spent, { email: `c.${id}`, tokens: [] }, t0)],
    [
      'revertEmailChange',
      'REVERT_EMAIL',
      (one, id, spent) => one.revertEmailChange(id, spent, { email: `r.${id}`, tokens: [] }, ending('EMAIL_CHANGED')),
    ],
  ];

  it.each(spendings)('%s lets one of sixteen at once win, through two stores', async (_, purpose, spend) => {
    const { account, spent } = await withTokens();
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, index) => spend(stores[index % 2 ? 1 : 0], account.id, spent(purpose))),
    );
    expect(results.filter((result) => result !== null)).toHaveLength(1);
    expect((await store.findAccount(account.id))?.version).toBe(2);
  });

  it.each(spendings)('%s changes nothing by another token, at another version, or of no account', async (_, purpose, spend) => {
    const { account, spent } = await withTokens();
    const other = purposes.find((one) => one !== purpose) as OneTimePurpose;
    expect(await spend(store, account.id, { hash: 'another', expectedVersion: 1 })).toBeNull();
    expect(await spend(store, account.id, spent(other))).toBeNull();
    expect(await spend(store, account.id, spent(purpose, 2))).toBeNull();
    expect(await spend(store, 'nobody', spent(purpose))).toBeNull();
    expect(await store.findAccount(account.id)).toEqual(account);
    await store.deleteAccount(account.id, 1, anEnding());
    expect(await spend(store, account.id, spent(purpose, 2))).toBeNull();
  });

  it('spends nothing where the address is taken', async () => {
    const { account, spent } = await withTokens();
    const { email } = (await withTokens()).account;
    const change = store.changeEmail(account.id, spent('CHANGE_EMAIL'), { email, tokens: [] }, t0);
    await expect(change).rejects.toEqual(new DuplicateError('email'));
    const reversal = store.revertEmailChange(account.id, spent('REVERT_EMAIL'), { email, tokens: [] }, ending('EMAIL_CHANGED'));
    await expect(reversal).rejects.toEqual(new DuplicateError('email'));
    expect(await store.findAccount(account.id)).toEqual(account);
  });

  describe('setUsername', () => {
    it('sets it as typed, unique without regard to case', async () => {
      const [account, other] = [anAccount({ username: 'Before1' }), anAccount({ username: 'Other1' })];
      await store.createAccount(account);
      await store.createAccount(other);
      expect(await store.setUsername(account.id, 'After1')).toEqual({ ...account, username: 'After1' });
      expect((await store.findAccountByUsername('aFTER1'))?.id).toBe(account.id);
      expect(await store.findAccountByUsername('before1')).toBeNull();
      await expect(store.setUsername(account.id, 'oTHER1')).rejects.toEqual(new DuplicateError('username'));
      expect(await store.setUsername(account.id, 'AFTER1')).toEqual({ ...account, username: 'AFTER1' });
      expect(await store.setUsername('nobody', 'nobody')).toBeNull();
    });
  });
});

describeStores('sign-ups that wait', (database) => {
  let stores: [Store, Store];
  let store: Store;
  beforeAll(async () => {
    stores = [await database.open(), await database.open()];
    store = stores[0];
  });

  it('keep every field, and may be added again', async () => {
    const signup = aSignup({ username: 'Ada.$ne\0' });
    await store.addSignup(signup);
    await store.addSignup({ ...signup, passwordHash: 'another' });
    expect(await store.findSignup(signup.id)).toEqual(signup);
    expect(await store.findSignup('nobody')).toBeNull();
  });

  it('are listed by their address while they are good, newest first', async () => {
    const email = 'several@example.com';
    const [old, middle, newest] = [0, 1, 2].map((index) => aSignup({ email, createdAt: t0 + index, expiresAt: t0 + day + index }));
    for (const signup of [middle, newest, old]) await store.addSignup(signup as NonNullable<typeof signup>);
    expect(await store.listSignups(email, t0, 2)).toEqual([newest, middle]);
    expect(await store.listSignups(email, t0 + day + 1, 9)).toEqual([newest]);
    expect(await store.listSignups('others@example.com', t0, 9)).toEqual([]);
  });

  it('are renewed by whoever knows the token', async () => {
    const signup = aSignup();
    await store.addSignup(signup);
    expect(await store.renewSignup(signup.id, 'another', 'new', t0)).toBe(false);
    expect(await store.renewSignup('nobody', signup.tokenHash, 'new', t0)).toBe(false);
    expect(await store.renewSignup(signup.id, signup.tokenHash, 'new', t0 + 2 * day)).toBe(true);
    expect(await store.findSignup(signup.id)).toEqual({ ...signup, tokenHash: 'new', expiresAt: t0 + 2 * day });
  });

  it('are removed by one of sixteen at once, through two stores', async () => {
    const signup = aSignup();
    await store.addSignup(signup);
    expect(await store.removeSignup(signup.id, 'another')).toBe(false);
    const removed = await Promise.all(
      Array.from({ length: 16 }, (_, index) => stores[index % 2 ? 1 : 0].removeSignup(signup.id, signup.tokenHash)),
    );
    expect(removed.filter(Boolean)).toHaveLength(1);
    expect(await store.findSignup(signup.id)).toBeNull();
  });

  it('are purged when they have expired', async () => {
    const [over, good] = [aSignup({ expiresAt: t0 + 10 * day }), aSignup({ expiresAt: t0 + 10 * day + 1 })];
    await store.addSignup(over);
    await store.addSignup(good);
    await store.purge(t0 + 10 * day, 1_000);
    expect(await store.findSignup(over.id)).toBeNull();
    expect(await store.findSignup(good.id)).toEqual(good);
  });
});
