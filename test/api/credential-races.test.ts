import { resolve } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson, type Person } from '../support/people.js';
import { startProcess } from '../support/processes.js';
import { codeOf, type GraphQLAnswer, loginMutation, meQuery, post, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const rounds = 6;
const consumers = 16;

/** Two processes on one store: this one, whose mails can be read, and another. */
describeStores('Credentials that change in two processes at once', (database) => {
  let mailbox: Mailbox;
  let store: Store;
  let here: string;
  let there: string;
  beforeAll(async () => {
    mailbox = new Mailbox();
    const settings = { LATCHKEY_EMAIL_VERIFICATION: 'required' };
    // Only sign-ups and sign-ins ask for that setting; the people of these tests sign up at a third server, without it.
    here = (await startServer(database.url, settings, undefined, mailbox)).url;
    // Without a mailer, so that mails wait for the process that has the mailbox.
    const script = `
      const { createLatchkey } = await import(${JSON.stringify(resolve('dist/index.js'))});
      const latchkey = await createLatchkey({ mailer: null });
      console.log(JSON.stringify({ address: await latchkey.listen() }));`;
    there = (await startProcess(testEnvironment(database.url, settings), undefined, ['--input-type=module', '--eval', script])).url;
    open = (await startServer(database.url)).url;
    store = await database.open();
  });
  let open: string;

  const node = (index: number) => (index % 2 === 0 ? here : there);
  const codes = (answers: readonly GraphQLAnswer[]) => answers.map((answer) => (answer.errors.length === 0 ? 'OK' : codeOf(answer)));
  const logIn = (url: string, email: string, password = goodPassword) => post(url, loginMutation, { input: { login: email, password } });
  /** As the node judges at which every reset here is made: the others know of it a little later. */
  const isAlive = async (token: string) => (await post(here, meQuery, {}, { token })).errors.length === 0;
  async function resetToken(email: string): Promise<string> {
    await calls.requestPasswordReset(here, [email]);
    return mailbox.token(email, 'reset-password');
  }
  /** Sixteen at once: one wins, and the others are told what they would be told a day later. */
  async function expectOneWinner(consume: (url: string, index: number) => Promise<GraphQLAnswer>): Promise<number> {
    const answers = await Promise.all(Array.from({ length: consumers }, (_, index) => consume(node(index), index)));
    const told = codes(answers);
    expect(told.filter((code) => code === 'OK')).toHaveLength(1);
    expect(told.filter((code) => code !== 'OK')).toEqual(Array.from({ length: consumers - 1 }, () => 'ONE_TIME_TOKEN_INVALID'));
    return told.indexOf('OK');
  }

  it('one of sixteen sets the password by one link, and that password is it', async () => {
    const ada = await aPerson(open);
    const token = await resetToken(ada.email);
    const winner = await expectOneWinner((url, index) => calls.resetPassword(url, [token, `passphrase number ${index}`]));
    expect((await logIn(open, ada.email, `passphrase number ${winner}`)).errors).toEqual([]);
  });

  it('one of sixteen verifies the address of an account, completes a sign-up, changes an address, and reverts that', async () => {
    const ada = await aPerson(open);
    await calls.requestEmailVerification(here, [ada.email]);
    const verification = await mailbox.token(ada.email, 'verify-email');
    await expectOneWinner((url) => calls.verifyEmail(url, [verification]));

    const email = `waiting.${ada.email}`;
    await post(here, signupMutation, { input: { email, password: goodPassword } });
    const signup = await mailbox.token(email, 'verify-email');
    await expectOneWinner((url) => calls.verifyEmail(url, [signup]));
    expect((await logIn(there, email)).errors).toEqual([]);

    const wanted = `wanted.${ada.email}`;
    await calls.changeEmail(here, [wanted, goodPassword], ada.token);
    await mailbox.next(ada.email);
    const change = await mailbox.token(wanted, 'verify-email');
    const answers = await Promise.all(Array.from({ length: consumers }, () => calls.verifyEmail(here, [change])));
    expect(codes(answers).filter((code) => code === 'OK')).toHaveLength(1);
    const revert = await mailbox.token(ada.email, 'revert-email-change');
    await expectOneWinner((url) => calls.revertEmailChange(url, [revert]));
    expect(await store.findAccount(ada.id)).toMatchObject({ email: ada.email, passwordHash: null });
  });

  it('a sign-in with the old password that races with a reset does not survive it', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const ada = await aPerson(open);
      const token = await resetToken(ada.email);
      const [reset, ...signIns] = await Promise.all([
        calls.resetPassword(here, [token, 'after the reset']),
        ...Array.from({ length: 4 }, () => logIn(open, ada.email)),
      ]);
      expect(reset.errors).toEqual([]);
      for (const answer of signIns) {
        if (answer.errors.length > 0) expect(codeOf(answer)).toBe('INVALID_CREDENTIALS');
        else expect(await isAlive(answer.data.login.accessToken)).toBe(false);
      }
    }
  });

  it('of two resets by two links one wins, and its password is it', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const ada = await aPerson(open);
      const tokens = [await resetToken(ada.email), await resetToken(ada.email)];
      const answers = await Promise.all(
        tokens.map((token, index) => calls.resetPassword(node(index), [token, `passphrase number ${index}`])),
      );
      expect(codes(answers).sort()).toEqual(['OK', 'ONE_TIME_TOKEN_INVALID']);
      const winner = codes(answers).indexOf('OK');
      expect((await logIn(open, ada.email, `passphrase number ${winner}`)).errors).toEqual([]);
    }
  });

  it('of a change and a reset at once the reset is the last, or the only one', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const ada = await aPerson(open);
      const token = await resetToken(ada.email);
      const [changed, reset] = await Promise.all([
        calls.changePassword(there, [goodPassword, 'after the change'], ada.token),
        calls.resetPassword(here, [token, 'after the reset']),
      ]);
      // A change that came first has made the link void.
      const password = reset.errors.length === 0 ? 'after the reset' : 'after the change';
      if (reset.errors.length > 0) expect([codeOf(reset), changed.errors]).toEqual(['ONE_TIME_TOKEN_INVALID', []]);
      else expect(['INVALID_CREDENTIALS', 'UNAUTHENTICATED']).toContain(codeOf(changed));
      expect((await logIn(open, ada.email, password)).errors).toEqual([]);
      expect(await isAlive(ada.token)).toBe(reset.errors.length > 0);
    }
  });

  it('two changes of one password leave one of them', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const ada = await aPerson(open);
      const answers = await Promise.all(
        [0, 1].map((index) => calls.changePassword(node(index), [goodPassword, `passphrase number ${index}`], ada.token)),
      );
      expect(codes(answers).sort()).toEqual(['INVALID_CREDENTIALS', 'OK']);
      expect((await logIn(open, ada.email, `passphrase number ${codes(answers).indexOf('OK')}`)).errors).toEqual([]);
    }
  });

  it('a verification, a reset and a change of address that race with a deletion bring nothing back', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const ada: Person = await aPerson(open);
      const reset = await resetToken(ada.email);
      await calls.requestEmailVerification(here, [ada.email]);
      const verification = await mailbox.token(ada.email, 'verify-email');
      const [deleted, ...others] = await Promise.all([
        calls.deleteAccount(here, [goodPassword], ada.token),
        calls.verifyEmail(there, [verification]),
        calls.resetPassword(there, [reset, 'after the reset']),
        calls.changeUsername(there, [`Renamed${round}-${process.pid}`], ada.token),
      ]);
      const isDeleted = deleted.errors.length === 0;
      // A reset that came first has changed the password, and ended the session.
      if (!isDeleted) expect(['INVALID_CREDENTIALS', 'UNAUTHENTICATED']).toContain(codeOf(deleted));
      expect((await store.findAccount(ada.id)) === null).toBe(isDeleted);
      if (isDeleted) expect(await store.findAccountByEmail(ada.email)).toBeNull();
      for (const code of codes(others)) expect(['OK', 'ONE_TIME_TOKEN_INVALID', 'UNAUTHENTICATED']).toContain(code);
    }
  });

  it('two accounts that change to one address at once: one gets it', async () => {
    const people = [await aPerson(open), await aPerson(open)];
    const wanted = `both.${people[0]?.email}`;
    const tokens: string[] = [];
    for (const { token } of people) {
      await calls.changeEmail(here, [wanted, goodPassword], token);
      tokens.push(await mailbox.token(wanted, 'verify-email'));
    }
    const answers = await Promise.all(tokens.map((token, index) => calls.verifyEmail(node(index), [token])));
    expect(codes(answers).sort()).toEqual(['EMAIL_TAKEN', 'OK']);
    expect((await store.findAccountByEmail(wanted))?.id).toBe(people[codes(answers).indexOf('OK')]?.id);
  });

  it('a sign-up whose process died between the account and the end of the attempt is completed by the same link', async () => {
    const email = `half.done-${process.pid}@example.com`;
    await post(here, signupMutation, { input: { email, password: goodPassword } });
    const token = await mailbox.token(email, 'verify-email');
    const [signup] = await store.listSignups(email, Date.now(), 1);
    if (signup === undefined) throw new Error('no sign-up waits');
    await calls.verifyEmail(here, [token]);
    await store.addSignup(signup);
    expect((await calls.verifyEmail(there, [token])).errors).toEqual([]);
    expect((await logIn(there, email)).data.login.user.id).toBe(signup.id);
    // Once the account is deleted, no link makes it again.
    const { accessToken } = (await logIn(there, email)).data.login;
    await store.addSignup(signup);
    expect((await calls.deleteAccount(there, [goodPassword], accessToken)).errors).toEqual([]);
    expect(codeOf(await calls.verifyEmail(here, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
    expect(await store.findAccountByEmail(email)).toBeNull();
  });
});
