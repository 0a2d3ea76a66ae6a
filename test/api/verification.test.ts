import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/store/port.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson } from '../support/people.js';
import { codeOf, type GraphQLAnswer, loginMutation, meQuery, post, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const intruders = 'what an intruder chose';
/** What an answer says to everybody: without what names the request. */
const bytesOf = ({ status, text, headers }: GraphQLAnswer) => {
  const own = ['date', 'x-request-id', 'etag'];
  return JSON.stringify([status, text.replace(/"requestId":"[^"]*"/, ''), [...headers].filter(([name]) => !own.includes(name))]);
};

let people = 0;
const anAddress = () => {
  people += 1;
  return `somebody${people}-${process.pid}@example.com`;
};

describeStores('Where addresses must be verified', (database) => {
  let server: TestServer;
  let mailbox: Mailbox;
  let store: Store;
  let url: string;
  beforeAll(async () => {
    mailbox = new Mailbox();
    server = await startServer(database.url, { LATCHKEY_EMAIL_VERIFICATION: 'required' }, undefined, mailbox);
    store = await database.open();
    ({ url } = server);
  });

  const signUp = (email: string, password = goodPassword, username?: string) =>
    post(url, signupMutation, { input: { email, password, username } });
  const logIn = (login: string, password = goodPassword) => post(url, loginMutation, { input: { login, password } });
  /** Signed up and verified. */
  async function anAccount(username?: string) {
    const email = anAddress();
    await signUp(email, goodPassword, username);
    expect((await calls.verifyEmail(url, [await mailbox.token(email, 'verify-email')])).errors).toEqual([]);
    return { email, login: (await logIn(email)).data.login };
  }

  it('a sign-up waits, and becomes an account by its link', async () => {
    const email = anAddress();
    const answer = await signUp(email, goodPassword, `Waiting${people}`);
    expect(answer.data.signup).toEqual({ auth: null, emailVerificationRequired: true });
    expect(await store.findAccountByEmail(email)).toBeNull();
    expect(codeOf(await logIn(email))).toBe('EMAIL_NOT_VERIFIED');
    expect(codeOf(await logIn(email, 'not the password'))).toBe('INVALID_CREDENTIALS');
    const token = await mailbox.token(email, 'verify-email');
    expect((await calls.verifyEmail(url, [token])).data).toEqual({ verifyEmail: true });
    expect(codeOf(await calls.verifyEmail(url, [token]))).toBe('ONE_TIME_TOKEN_INVALID');
    const { user } = (await logIn(email)).data.login;
    expect(user).toMatchObject({ email, username: `Waiting${people}` });
    expect(await store.findAccount(user.id)).toMatchObject({ emailVerified: true, roles: ['user'] });
    expect((await post(url, '{ serverInfo { emailVerificationRequired } }')).data.serverInfo.emailVerificationRequired).toBe(true);
  });

  it('sign-up, sign-in, reset and verification answer the same bytes for known, unknown and disabled addresses', async () => {
    const known = (await anAccount()).email;
    const unknown = anAddress();
    const disabled = await anAccount();
    const at = server.app.services.now();
    const ending = { at, reason: 'ACCOUNT_DISABLED', by: null } as const;
    await store.disableAccount(disabled.login.user.id, { at, until: null, reason: null }, ending);
    const acts = [
      (email: string) => signUp(email, intruders),
      (email: string) => logIn(email, intruders),
      (email: string) => logIn(email, 'not the password'),
      (email: string) => calls.requestPasswordReset(url, [email]),
      (email: string) => calls.requestEmailVerification(url, [email]),
    ];
    for (const act of acts) {
      const answers = [];
      for (const email of [known, unknown, disabled.email]) answers.push(bytesOf(await act(email)));
      expect(new Set(answers).size).toBe(1);
      // Mails to one address come in the order of the acts then.
      await server.app.services.settle();
    }
    expect((await mailbox.next(known)).subject).toBe('You have an account already');
    expect((await mailbox.next(unknown)).subject).toBe('Confirm your address');
    expect((await mailbox.next(disabled.email)).subject).toBe('You have an account already');
  });

  it('the store is asked the same before the answer, whether or not the address is known', async () => {
    const { counting } = await import('../support/counting.js');
    const verbs: string[] = [];
    const watched = await startServer(database.url, { LATCHKEY_EMAIL_VERIFICATION: 'required' }, counting(verbs), mailbox);
    const known = (await anAccount()).email;
    const asked = new Map<string, Set<string>>();
    for (const email of [known, anAddress()]) {
      const acts: Record<string, () => Promise<unknown>> = {
        signup: () => post(watched.url, signupMutation, { input: { email, password: intruders } }),
        login: () => post(watched.url, loginMutation, { input: { login: email, password: intruders } }),
        reset: () => calls.requestPasswordReset(watched.url, [email]),
        verification: () => calls.requestEmailVerification(watched.url, [email]),
      };
      for (const [name, act] of Object.entries(acts)) {
        verbs.length = 0;
        await act();
        const seen = verbs.filter((verb) => /Account|Signup|Token/.test(verb)).join(' ');
        asked.set(name, (asked.get(name) ?? new Set()).add(seen));
        // What comes after the answer is over before the next act.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    for (const [name, seen] of asked) expect({ name, seen: [...seen] }).toEqual({ name, seen: [expect.stringMatching(/\w/)] });
    // It would take the mails of later tests.
    await watched.close();
  });

  it('a verification can be asked for again, where one attempt waits', async () => {
    const email = anAddress();
    await signUp(email);
    const first = await mailbox.token(email, 'verify-email');
    await calls.requestEmailVerification(url, [email]);
    const second = await mailbox.token(email, 'verify-email');
    expect(codeOf(await calls.verifyEmail(url, [first]))).toBe('ONE_TIME_TOKEN_INVALID');
    expect((await calls.verifyEmail(url, [second])).errors).toEqual([]);
    expect((await logIn(email)).errors).toEqual([]);
  });

  it('a username that was taken meanwhile is left out', async () => {
    const email = anAddress();
    const name = `Wanted${people}`;
    await signUp(email, goodPassword, name);
    await anAccount(name);
    expect(codeOf(await signUp(anAddress(), goodPassword, name.toUpperCase()))).toBe('USERNAME_TAKEN');
    expect((await calls.verifyEmail(url, [await mailbox.token(email, 'verify-email')])).errors).toEqual([]);
    expect((await logIn(email)).data.login.user.username).toBeNull();
  });

  it('an account from before, or made by an operator, is told after the right password alone that it is not verified', async () => {
    const open = await startServer(database.url);
    const ada = await aPerson(open.url);
    await open.close();
    expect(codeOf(await logIn(ada.email))).toBe('EMAIL_NOT_VERIFIED');
    expect(codeOf(await logIn(ada.email, 'not the password'))).toBe('INVALID_CREDENTIALS');
    await calls.requestEmailVerification(url, [ada.email]);
    await calls.verifyEmail(url, [await mailbox.token(ada.email, 'verify-email')]);
    expect((await logIn(ada.email)).errors).toEqual([]);
  });

  it('a change of address does not tell who has one: the address gets a mail that says so', async () => {
    const [ada, eve] = [await anAccount(), await anAccount()];
    const free = anAddress();
    const answers = [];
    for (const email of [eve.email, free])
      answers.push(bytesOf(await calls.changeEmail(url, [email, goodPassword], ada.login.accessToken)));
    expect(new Set(answers).size).toBe(1);
    expect((await mailbox.next(eve.email)).subject).toBe('You have an account already');
    expect((await calls.verifyEmail(url, [await mailbox.token(free, 'verify-email')])).errors).toEqual([]);
  });

  it('a link that follows a sign-up which failed leaves no event', async () => {
    const email = anAddress();
    await signUp(email);
    const late = await mailbox.token(email, 'verify-email');
    await signUp(email);
    expect((await calls.verifyEmail(url, [await mailbox.token(email, 'verify-email')])).errors).toEqual([]);
    const signups = async () => {
      await server.app.services.audit.flush();
      const { rows } = await server.app.services.auditSearch.list({ types: ['SIGNUP'] }, { limit: 100, after: null });
      return rows.length;
    };
    const before = await signups();
    for (let nth = 0; nth < 3; nth += 1) expect(codeOf(await calls.verifyEmail(url, [late]))).toBe('ONE_TIME_TOKEN_INVALID');
    expect(await signups()).toBe(before);
  });

  describe('an intruder', () => {
    it('who signs up an address after its owner gets no link by which the owner would make good what the intruder chose', async () => {
      const email = anAddress();
      const later = await startServer(database.url, { LATCHKEY_EMAIL_VERIFICATION: 'required' }, undefined, mailbox);
      await signUp(email);
      await mailbox.token(email, 'verify-email');
      later.advanceClock(86_400_000 - 60_000);
      await post(later.url, signupMutation, { input: { email, password: intruders } });
      await mailbox.token(email, 'verify-email');
      later.advanceClock(120_000);
      // The owner's attempt is over by now, the intruder's is not.
      await calls.requestEmailVerification(later.url, [email]);
      await calls.requestPasswordReset(later.url, [email]);
      await later.app.services.settle();
      expect(mailbox.all.filter(({ to }) => to === email)).toHaveLength(2);
      await post(later.url, signupMutation, { input: { email, password: goodPassword } });
      expect((await calls.verifyEmail(later.url, [await mailbox.token(email, 'verify-email')])).errors).toEqual([]);
      expect((await logIn(email)).errors).toEqual([]);
      // By its clock the mails of later tests are a day old: it would give them up.
      await later.close();
    });

    it("who signs up another person's address ends with nothing", async () => {
      const email = anAddress();
      await signUp(email, intruders);
      const intrudersLink = await mailbox.token(email, 'verify-email');
      await signUp(email);
      const ownLink = await mailbox.token(email, 'verify-email');
      await signUp(email, intruders);
      const lastLink = await mailbox.token(email, 'verify-email');
      // Whose password a further link would make good, nobody could tell.
      await calls.requestEmailVerification(url, [email]);
      expect((await calls.verifyEmail(url, [ownLink])).errors).toEqual([]);
      for (const link of [intrudersLink, lastLink]) expect(codeOf(await calls.verifyEmail(url, [link]))).toBe('ONE_TIME_TOKEN_INVALID');
      expect((await logIn(email)).errors).toEqual([]);
      expect((await logIn(email, intruders)).data).toBeNull();
      expect(mailbox.all.filter(({ to }) => to === email)).toHaveLength(3);
    });

    it('who starts a change of address before the owner resets the password ends with nothing', async () => {
      const { email, login } = await anAccount();
      const evil = anAddress();
      expect((await calls.changeEmail(url, [evil, goodPassword], login.accessToken)).errors).toEqual([]);
      const link = await mailbox.token(evil, 'verify-email');
      expect((await mailbox.next(email)).subject).toBe('Your address is about to change');
      await calls.requestPasswordReset(url, [email]);
      await calls.resetPassword(url, [await mailbox.token(email, 'reset-password'), 'the owner is back here']);
      expect(codeOf(await calls.verifyEmail(url, [link]))).toBe('ONE_TIME_TOKEN_INVALID');
      expect(codeOf(await post(url, meQuery, {}, { token: login.accessToken }))).toBe('UNAUTHENTICATED');
      expect(codeOf(await logIn(email))).toBe('INVALID_CREDENTIALS');
      expect((await logIn(email, 'the owner is back here')).errors).toEqual([]);
      expect(await store.findAccountByEmail(evil)).toBeNull();
    });
  });
});

describeStores('Where addresses need no verification', (database) => {
  it("an intruder who signed up another person's address is out when the owner resets the password", async () => {
    const mailbox = new Mailbox();
    const { url } = await startServer(database.url, {}, undefined, mailbox);
    const intruder = await aPerson(url);
    const owner = intruder.email;
    await calls.changeEmail(url, [`evil.${owner}`, goodPassword], intruder.token);
    const link = await mailbox.token(`evil.${owner}`, 'verify-email');
    await mailbox.next(owner);
    await calls.requestPasswordReset(url, [owner]);
    await calls.resetPassword(url, [await mailbox.token(owner, 'reset-password'), 'the owner is back here']);
    expect(codeOf(await calls.verifyEmail(url, [link]))).toBe('ONE_TIME_TOKEN_INVALID');
    expect(codeOf(await post(url, meQuery, {}, { token: intruder.token }))).toBe('UNAUTHENTICATED');
    const logIn = (password: string) => post(url, loginMutation, { input: { login: owner, password } });
    expect(codeOf(await logIn(goodPassword))).toBe('INVALID_CREDENTIALS');
    expect((await logIn('the owner is back here')).errors).toEqual([]);
  });
});
