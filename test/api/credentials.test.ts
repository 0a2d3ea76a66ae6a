import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { storeWith } from '../support/factories.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson, type Person } from '../support/people.js';
import { codeOf, extensionsOf, loginMutation, meQuery, post, refreshMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const other = 'another good passphrase';
const day = 86_400_000;

describeStores('Passwords and addresses', (database) => {
  let server: TestServer;
  let mailbox: Mailbox;
  let store: Store;
  let url: string;
  beforeAll(async () => {
    mailbox = new Mailbox();
    server = await startServer(database.url, {}, undefined, mailbox);
    store = await database.open();
    ({ url } = server);
  });

  const logIn = (login: string, password = goodPassword) => post(url, loginMutation, { input: { login, password } });
  const isAlive = async (token: string) => (await post(url, meQuery, {}, { token })).errors.length === 0;
  const account = async ({ id }: Pick<Person, 'id'>) => (await store.findAccount(id)) ?? undefined;
  const resetToken = async (email: string) => {
    await calls.requestPasswordReset(url, [email]);
    return mailbox.token(email, 'reset-password');
  };
  const ok = async (answer: Promise<{ readonly errors: readonly unknown[] }>) => expect((await answer).errors).toEqual([]);
  /** Until the answer's afterwards are done. */
  const types = async ({ id }: Pick<Person, 'id'>) => {
    await server.app.services.audit.flush();
    const query = { types: null, accountId: id, sessionId: null, ipAddress: null, createdAfter: null, createdBefore: null };
    return (await store.listAudit(query, { limit: 50, after: null })).rows.map(({ type }) => type);
  };

  describe('changePassword', () => {
    it('keeps this session, ends the others, and tells the person', async () => {
      const ada = await aPerson(url);
      const elsewhere = (await logIn(ada.email)).data.login;
      const { data, errors } = await calls.changePassword(url, [goodPassword, other], ada.token);
      expect(errors).toEqual([]);
      const { accessToken, refreshToken, session } = data.changePassword;
      expect(session).toEqual({ id: ada.sessionId, isCurrent: true });
      expect(refreshToken).toBe(ada.refreshToken);
      expect([await isAlive(accessToken), await isAlive(ada.token), await isAlive(elsewhere.accessToken)]).toEqual([true, true, false]);
      expect(extensionsOf(await post(url, refreshMutation, { token: elsewhere.refreshToken }))).toMatchObject({
        code: 'SESSION_REVOKED',
        reason: 'PASSWORD_CHANGED',
      });
      await ok(post(url, refreshMutation, { token: refreshToken }));
      expect(codeOf(await logIn(ada.email))).toBe('INVALID_CREDENTIALS');
      await ok(logIn(ada.email, other));
      expect((await mailbox.next(ada.email)).subject).toBe('Your password was changed');
      expect(await types(ada)).toContain('PASSWORD_CHANGED');
      await ok(calls.changePassword(url, [other, goodPassword], accessToken));
      await mailbox.next(ada.email);
    });

    it('refuses a wrong password, a weak one, and nobody', async () => {
      const ada = await aPerson(url);
      expect(codeOf(await calls.changePassword(url, ['not the password', other], ada.token))).toBe('INVALID_CREDENTIALS');
      expect(codeOf(await calls.changePassword(url, [goodPassword, other]))).toBe('UNAUTHENTICATED');
      expect(extensionsOf(await calls.changePassword(url, [goodPassword, 'Password'], ada.token))).toMatchObject({
        code: 'WEAK_PASSWORD',
        reason: 'COMMON',
        reasons: ['COMMON'],
        field: 'newPassword',
      });
      expect(extensionsOf(await calls.changePassword(url, [goodPassword, ada.email.toUpperCase()], ada.token)).reasons).toEqual([
        'SAME_AS_LOGIN',
      ]);
      expect(extensionsOf(await calls.changePassword(url, [goodPassword, '123456'], ada.token)).reasons).toEqual(['TOO_SHORT']);
      await ok(logIn(ada.email));
    });
  });

  describe('a reset', () => {
    it('sets the password by the mailed link, verifies the address, and every device is out', async () => {
      const ada = await aPerson(url);
      const token = await resetToken(ada.email);
      await ok(calls.resetPassword(url, [token, other]));
      expect(await isAlive(ada.token)).toBe(false);
      expect(extensionsOf(await post(url, refreshMutation, { token: ada.refreshToken }))).toMatchObject({ reason: 'PASSWORD_RESET' });
      expect(codeOf(await logIn(ada.email))).toBe('INVALID_CREDENTIALS');
      await ok(logIn(ada.email, other));
      expect(await account(ada)).toMatchObject({ emailVerified: true, oneTimeTokens: [] });
      expect((await mailbox.next(ada.email)).subject).toBe('Your password was changed');
      expect(await types(ada)).toEqual(expect.arrayContaining(['PASSWORD_RESET', 'PASSWORD_RESET_REQUESTED']));
      expect(codeOf(await calls.resetPassword(url, [token, goodPassword]))).toBe('ONE_TIME_TOKEN_INVALID');
    });

    it('leaves the token good where the new password is refused', async () => {
      const ada = await aPerson(url);
      const token = await resetToken(ada.email);
      expect(codeOf(await calls.resetPassword(url, [token, 'short']))).toBe('WEAK_PASSWORD');
      await ok(calls.resetPassword(url, [token, other]));
    });

    it.each<[string, (ada: Person) => Promise<unknown>]>([
      ['an end of all sessions', (ada) => post(url, 'mutation { revokeAllSessions { count } }', {}, { token: ada.token })],
      ['a change of the password', (ada) => calls.changePassword(url, [goodPassword, other], ada.token)],
      ['another reset', async (ada) => calls.resetPassword(url, [await resetToken(ada.email), other])],
      ['a deletion', (ada) => calls.deleteAccount(url, [goodPassword], ada.token)],
    ])('is void after %s', async (_, act) => {
      const ada = await aPerson(url);
      const token = await resetToken(ada.email);
      await act(ada);
      expect(codeOf(await calls.resetPassword(url, [token, other]))).toBe('ONE_TIME_TOKEN_INVALID');
    });

    it('answers alike to whatever is no good token', async () => {
      const ada = await aPerson(url);
      const token = await resetToken(ada.email);
      const flipped = `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`;
      const answers = [];
      for (const bad of [
        '',
        'nonsense',
        'lk_ot_',
        flipped,
        `${token} `,
        token.toUpperCase(),
        ada.refreshToken,
        `lk_ot_${'A'.repeat(64)}`,
      ]) {
        const answer = await calls.resetPassword(url, [bad, other]);
        answers.push(answer.text.replace(/"requestId":"[^"]*"/, ''));
        expect(codeOf(await calls.verifyEmail(url, [bad]))).toBe('ONE_TIME_TOKEN_INVALID');
        expect(codeOf(await calls.revertEmailChange(url, [bad]))).toBe('ONE_TIME_TOKEN_INVALID');
      }
      expect(new Set(answers).size).toBe(1);
      expect(codeOf(await calls.verifyEmail(url, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
    });

    it('is not mailed to an account that is disabled, nor is its older link good', async () => {
      const ada = await aPerson(url);
      const token = await resetToken(ada.email);
      const at = Date.now();
      await store.disableAccount(ada.id, { at, until: null, reason: null }, { at, reason: 'ACCOUNT_DISABLED', by: null });
      await calls.requestPasswordReset(url, [ada.email]);
      expect(codeOf(await calls.resetPassword(url, [token, other]))).toBe('ONE_TIME_TOKEN_INVALID');
      await resetToken((await aPerson(url)).email);
      expect(mailbox.all.filter(({ to }) => to === ada.email)).toHaveLength(1);
    });

    it('keeps at most five links good, and none in the store or the log', async () => {
      const ada = await aPerson(url);
      const tokens: string[] = [];
      for (let round = 0; round < 6; round += 1) tokens.push(await resetToken(ada.email));
      expect(codeOf(await calls.resetPassword(url, [tokens[0], other]))).toBe('ONE_TIME_TOKEN_INVALID');
      const row = JSON.stringify(await database.row('accounts', ada.id));
      for (const token of tokens) expect(row + server.log()).not.toContain(token.slice(-40));
      await ok(calls.resetPassword(url, [tokens[1], other]));
    });
  });

  it('links expire: after an hour to reset, after a day to verify', async () => {
    const late = await startServer(database.url, {}, undefined, mailbox);
    const ada = await aPerson(late.url);
    await calls.requestPasswordReset(late.url, [ada.email]);
    await calls.requestEmailVerification(late.url, [ada.email]);
    const links = [await mailbox.next(ada.email), await mailbox.next(ada.email)];
    const tokenOf = (page: string) => links.map(({ text }) => new RegExp(`${page}#token=(\\S+)`).exec(text)?.[1]).find(Boolean);
    late.advanceClock(3_600_000);
    expect(codeOf(await calls.resetPassword(late.url, [tokenOf('reset-password'), other]))).toBe('ONE_TIME_TOKEN_INVALID');
    late.advanceClock(day - 3_600_000);
    expect(codeOf(await calls.verifyEmail(late.url, [tokenOf('verify-email')]))).toBe('ONE_TIME_TOKEN_INVALID');
    // It would take the mails of later tests, and with its clock those that are not due yet.
    await late.close();
  });

  it('a verification verifies once, and asks for nothing where nothing is to verify', async () => {
    const ada = await aPerson(url);
    await calls.requestEmailVerification(url, [ada.email.toUpperCase()]);
    const token = await mailbox.token(ada.email, 'verify-email');
    await ok(calls.verifyEmail(url, [token]));
    expect(await account(ada)).toMatchObject({ emailVerified: true, sessionEpoch: 0 });
    expect(await isAlive(ada.token)).toBe(true);
    expect(codeOf(await calls.verifyEmail(url, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
    await calls.requestEmailVerification(url, [ada.email]);
    await resetToken(ada.email);
    expect(mailbox.all.filter(({ to }) => to === ada.email)).toHaveLength(2);
    expect(await types(ada)).toEqual(expect.arrayContaining(['EMAIL_VERIFICATION_REQUESTED', 'EMAIL_VERIFIED']));
  });

  describe('a change of address', () => {
    /** Asked for and confirmed; gives the token of the way back. */
    async function change(from: string, to: string, token: string, password = goodPassword): Promise<string> {
      await ok(calls.changeEmail(url, [to, password], token));
      await ok(calls.verifyEmail(url, [await mailbox.token(to, 'verify-email')]));
      expect((await mailbox.next(from)).subject).toBe('Your address is about to change');
      return mailbox.token(from, 'revert-email-change');
    }

    it('takes effect when the new address confirms it', async () => {
      const ada = await aPerson(url);
      const wanted = `new.${ada.email}`;
      await ok(calls.changeEmail(url, [` ${wanted.toUpperCase()}`, goodPassword], ada.token));
      const token = await mailbox.token(wanted, 'verify-email');
      const told = await mailbox.next(ada.email);
      expect(told.text).toContain('n***@example.com');
      expect((await account(ada))?.email).toBe(ada.email);
      await ok(calls.verifyEmail(url, [token]));
      expect(await account(ada)).toMatchObject({ email: wanted, emailVerified: true });
      expect(await isAlive(ada.token)).toBe(true);
      expect(codeOf(await logIn(ada.email))).toBe('INVALID_CREDENTIALS');
      await ok(logIn(wanted));
      expect(codeOf(await calls.verifyEmail(url, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
      expect(await types(ada)).toContain('EMAIL_CHANGED');
    });

    it('is reverted from the old address within 7 days, also when the password was changed meanwhile', async () => {
      const ada = await aPerson(url);
      const wanted = `thief.${ada.email}`;
      const token = await change(ada.email, wanted, ada.token);
      const { accessToken } = (await calls.changePassword(url, [goodPassword, other], ada.token)).data.changePassword;
      await post(url, 'mutation { revokeOtherSessions { count } }', {}, { token: accessToken });
      await ok(calls.revertEmailChange(url, [token]));
      expect(await account(ada)).toMatchObject({ email: ada.email, emailVerified: true, passwordHash: null });
      expect(await isAlive(accessToken)).toBe(false);
      for (const password of [goodPassword, other]) expect(codeOf(await logIn(ada.email, password))).toBe('INVALID_CREDENTIALS');
      expect(codeOf(await calls.revertEmailChange(url, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
      await ok(calls.resetPassword(url, [await mailbox.token(ada.email, 'reset-password'), 'a third good passphrase']));
      await ok(logIn(ada.email, 'a third good passphrase'));
      expect(await types(ada)).toContain('EMAIL_CHANGE_REVERTED');
    });

    it('is not reverted by a later address, once the first one was brought back', async () => {
      const ada = await aPerson(url);
      const [second, third] = [`second.${ada.email}`, `third.${ada.email}`];
      const first = await change(ada.email, second, ada.token);
      const later = await change(second, third, ada.token);
      await ok(calls.revertEmailChange(url, [first]));
      expect(codeOf(await calls.revertEmailChange(url, [later]))).toBe('ONE_TIME_TOKEN_INVALID');
      expect((await account(ada))?.email).toBe(ada.email);
    });

    it('is not reverted after 7 days, and the first way back is not pushed out by further changes', async () => {
      const late = await startServer(database.url, { LATCHKEY_ACCESS_TOKEN_TTL: '24h' }, undefined, mailbox);
      const ada = await aPerson(late.url);
      const tokens: string[] = [];
      let from = ada.email;
      for (let round = 0; round < 5; round += 1) {
        const to = `round${round}.${ada.email}`;
        await ok(calls.changeEmail(late.url, [to, goodPassword], ada.token));
        await ok(calls.verifyEmail(late.url, [await mailbox.token(to, 'verify-email')]));
        await mailbox.next(from);
        tokens.push(await mailbox.token(from, 'revert-email-change'));
        from = to;
      }
      const refused = await calls.changeEmail(late.url, [`sixth.${ada.email}`, goodPassword], ada.token);
      expect(extensionsOf(refused)).toMatchObject({ code: 'RATE_LIMITED' });
      expect(Number(extensionsOf(refused).retryAfter)).toBeGreaterThan(7 * 86_400 - 60);
      late.advanceClock(7 * day - 60_000);
      await ok(calls.revertEmailChange(late.url, [tokens[1]]));
      await ok(calls.revertEmailChange(late.url, [tokens[0]]));
      expect((await account(ada))?.email).toBe(ada.email);
      late.advanceClock(60_000);
      expect(codeOf(await calls.revertEmailChange(late.url, [tokens[2]]))).toBe('ONE_TIME_TOKEN_INVALID');
      await late.close();
    });

    it('back to an earlier address leaves no way to the one between', async () => {
      const ada = await aPerson(url);
      const evil = `evil.${ada.email}`;
      const own = await change(ada.email, evil, ada.token);
      await ok(calls.changeEmail(url, [ada.email, goodPassword], ada.token));
      await ok(calls.verifyEmail(url, [await mailbox.token(ada.email, 'verify-email')]));
      expect(await account(ada)).toMatchObject({ email: ada.email, oneTimeTokens: [] });
      await server.app.services.settle();
      expect(mailbox.all.filter(({ to, text }) => to === evil && text.includes('purpose=revert'))).toEqual([]);
      expect(codeOf(await calls.revertEmailChange(url, [own]))).toBe('ONE_TIME_TOKEN_INVALID');
    });

    it('refuses a wrong password, the present address, one that is taken, and what is none', async () => {
      const [ada, eve] = [await aPerson(url), await aPerson(url)];
      expect(codeOf(await calls.changeEmail(url, [`x.${ada.email}`, 'not the password'], ada.token))).toBe('INVALID_CREDENTIALS');
      expect(extensionsOf(await calls.changeEmail(url, [ada.email, goodPassword], ada.token))).toMatchObject({ field: 'email' });
      expect(codeOf(await calls.changeEmail(url, [eve.email, goodPassword], ada.token))).toBe('EMAIL_TAKEN');
      expect(codeOf(await calls.changeEmail(url, ['nobody', goodPassword], ada.token))).toBe('BAD_USER_INPUT');
    });

    it('to an address that is signed up meanwhile is refused, and leaves both accounts as they are', async () => {
      const ada = await aPerson(url);
      const wanted = `wanted.${ada.email}`;
      await calls.changeEmail(url, [wanted, goodPassword], ada.token);
      const token = await mailbox.token(wanted, 'verify-email');
      const signup = 'mutation ($i: SignupInput!) { signup(input: $i) { auth { user { id } } } }';
      await ok(post(url, signup, { i: { email: wanted, password: goodPassword } }));
      expect(codeOf(await calls.verifyEmail(url, [token]))).toBe('EMAIL_TAKEN');
      expect((await account(ada))?.email).toBe(ada.email);
    });
  });

  it('a username is set, replaced, and unique without regard to case', async () => {
    const [ada, eve] = [await aPerson(url), await aPerson(url)];
    expect((await calls.changeUsername(url, ['Countess.Ada'], ada.token)).data.changeUsername.username).toBe('Countess.Ada');
    expect((await logIn('countess.ada')).errors).toEqual([]);
    expect(codeOf(await logIn(ada.username))).toBe('INVALID_CREDENTIALS');
    expect(codeOf(await calls.changeUsername(url, ['COUNTESS.ada'], eve.token))).toBe('USERNAME_TAKEN');
    expect(codeOf(await calls.changeUsername(url, ['a@b'], ada.token))).toBe('BAD_USER_INPUT');
    await ok(calls.changeUsername(url, ['COUNTESS.ada'], ada.token));
    await ok(calls.changeUsername(url, ['COUNTESS.ada'], ada.token));
    // One that changes nothing is no event.
    expect((await types(ada)).filter((type) => type === 'USERNAME_CHANGED')).toHaveLength(2);
    await calls.changeUsername(url, [ada.username], ada.token);
  });

  describe('deleteAccount', () => {
    it('asks for the password, ends the sessions and frees the address', async () => {
      const ada = await aPerson(url);
      expect(codeOf(await calls.deleteAccount(url, ['not the password'], ada.token))).toBe('INVALID_CREDENTIALS');
      await ok(calls.deleteAccount(url, [goodPassword], ada.token));
      expect(await isAlive(ada.token)).toBe(false);
      expect(await account(ada)).toBeUndefined();
      expect(codeOf(await logIn(ada.email))).toBe('INVALID_CREDENTIALS');
      expect(await types(ada)).toContain('ACCOUNT_DELETED');
    });

    it('proved by a password that is reset meanwhile is not done', async () => {
      let overtake: (() => Promise<unknown>) | null = null;
      const open = async () =>
        storeWith(store, {
          deleteAccount: async (...args) => {
            const first = overtake;
            overtake = null;
            await first?.();
            return store.deleteAccount(...args);
          },
          close: async () => {},
        });
      const slow = await startServer(database.url, {}, open, mailbox);
      const ada = await aPerson(slow.url);
      const link = await resetToken(ada.email);
      overtake = () => ok(calls.resetPassword(url, [link, other]));
      expect(codeOf(await calls.deleteAccount(slow.url, [goodPassword], ada.token))).toBe('INVALID_CREDENTIALS');
      await ok(logIn(ada.email, other));
    });

    it('does not leave a service without an administrator', async () => {
      const lonely = await startServer(database.url.startsWith('sqlite') ? 'sqlite::memory:' : database.url);
      const ada = await aPerson(lonely.url);
      await lonely.app.services.accounts.grantRole(ada.email, 'admin');
      expect(extensionsOf(await calls.deleteAccount(lonely.url, [goodPassword], ada.token))).toMatchObject({
        code: 'BAD_USER_INPUT',
        reason: 'LAST_ADMINISTRATOR',
      });
      const eve = await aPerson(lonely.url);
      await lonely.app.services.accounts.grantRole(eve.email, 'admin');
      await ok(calls.deleteAccount(lonely.url, [goodPassword], ada.token));
      await lonely.app.services.accounts.grantRole((await aPerson(lonely.url)).email, 'admin');
      await ok(calls.deleteAccount(lonely.url, [goodPassword], eve.token));
    });
  });

  describe('an administrator', () => {
    let admin: Person;
    beforeAll(async () => {
      admin = await aPerson(url);
      await server.app.services.accounts.grantRole(admin.email, 'admin');
    });

    it('makes an account whose person sets the password by a mailed link', async () => {
      const made = 'mutation ($i: CreateUserInput!) { createUser(input: $i) { id } }';
      const email = `made.${admin.email}`;
      await ok(post(url, made, { i: { email } }, { token: admin.token }));
      await ok(calls.resetPassword(url, [await mailbox.token(email, 'reset-password'), other]));
      await ok(logIn(email, other));
    });

    it('sends a reset, not beyond the own authority, and not to an account that is disabled', async () => {
      const ada = await aPerson(url);
      await ok(calls.sendPasswordReset(url, [ada.id], admin.token));
      const token = await mailbox.token(ada.email, 'reset-password');
      expect(await isAlive(ada.token)).toBe(true);
      await ok(calls.resetPassword(url, [token, other]));
      expect(codeOf(await calls.sendPasswordReset(url, [admin.id], ada.token))).toBe('UNAUTHENTICATED');
      expect(codeOf(await calls.sendPasswordReset(url, ['nobody'], admin.token))).toBe('NOT_FOUND');
      await post(url, 'mutation ($id: ID!) { disableUser(userId: $id) { id } }', { id: ada.id }, { token: admin.token });
      expect(codeOf(await calls.sendPasswordReset(url, [ada.id], admin.token))).toBe('ACCOUNT_DISABLED');
    });
  });
});
