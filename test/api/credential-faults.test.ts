import { beforeAll, describe, expect, it } from '@jest/globals';
import { credentialCalls as calls } from '../support/credentials.js';
import { createFaultyStore } from '../support/faulty-store.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson } from '../support/people.js';
import { codeOf, loginMutation, post, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { sqlitePath } from '../support/stores.js';

const other = 'another good passphrase';

/** An act by a one-time token, and how the world tells whether it was done. */
interface Act {
  readonly use: () => ReturnType<typeof calls.verifyEmail>;
  readonly isDone: () => Promise<boolean>;
}

describe('A store that fails in the middle of an act by a one-time token', () => {
  const faulty = createFaultyStore();
  const mailbox = new Mailbox();
  let plain: TestServer;
  let waiting: TestServer;
  beforeAll(async () => {
    const url = `sqlite:${sqlitePath()}`;
    plain = await startServer(url, {}, faulty.open, mailbox);
    waiting = await startServer(url, { LATCHKEY_EMAIL_VERIFICATION: 'required' }, faulty.open, mailbox);
  });
  const canLogIn = async (login: string, password = goodPassword) =>
    (await post(waiting.url, loginMutation, { input: { login, password } })).errors.length === 0;

  let attempts = 0;
  const acts: Record<string, () => Promise<Act>> = {
    'a reset': async () => {
      const { email } = await aPerson(plain.url);
      await calls.requestPasswordReset(plain.url, [email]);
      const token = await mailbox.token(email, 'reset-password');
      return { use: () => calls.resetPassword(plain.url, [token, other]), isDone: () => canLogIn(email, other) };
    },
    'the end of a sign-up': async () => {
      attempts += 1;
      const email = `waiting${attempts}@example.com`;
      await post(waiting.url, signupMutation, { input: { email, password: goodPassword } });
      const token = await mailbox.token(email, 'verify-email');
      return { use: () => calls.verifyEmail(waiting.url, [token]), isDone: () => canLogIn(email) };
    },
    'a change of address': async () => {
      const ada = await aPerson(plain.url);
      const wanted = `new.${ada.email}`;
      await calls.changeEmail(plain.url, [wanted, goodPassword], ada.token);
      const token = await mailbox.token(wanted, 'verify-email');
      return { use: () => calls.verifyEmail(plain.url, [token]), isDone: () => canLogIn(wanted) };
    },
    'the way back to an old address': async () => {
      const ada = await aPerson(plain.url);
      await calls.changeEmail(plain.url, [`new.${ada.email}`, goodPassword], ada.token);
      await calls.verifyEmail(plain.url, [await mailbox.token(`new.${ada.email}`, 'verify-email')]);
      await mailbox.next(ada.email);
      const token = await mailbox.token(ada.email, 'revert-email-change');
      return { use: () => calls.revertEmailChange(plain.url, [token]), isDone: async () => !(await canLogIn(`new.${ada.email}`)) };
    },
  };

  it.each(
    Object.keys(acts).flatMap((name) => [
      [name, 'before'],
      [name, 'after'],
    ]),
  )('%s is done, or its link is as good as before: a fault %s each call of the store', async (name, fault) => {
    let refused = 0;
    for (let nth = 0; ; nth += 1) {
      const { use, isDone } = await (acts[name] as () => Promise<Act>)();
      // What earlier acts left for after their answers must not meet the fault.
      for (const server of [plain, waiting]) await server.app.services.settle();
      faulty.arm(nth, fault as 'before' | 'after', false);
      const answer = await use();
      const made = faulty.disarm();
      if (answer.errors.length > 0) {
        expect(codeOf(answer)).toBe('SERVICE_UNAVAILABLE');
        refused += 1;
        // Done with the reply lost, or as before. A sign-up's link may be good and its account there: then it says so again.
        const again = await use();
        if (again.errors.length > 0) expect(codeOf(again)).toBe('ONE_TIME_TOKEN_INVALID');
      }
      expect(await isDone()).toBe(true);
      if (nth >= made) break;
    }
    expect(refused).toBeGreaterThan(0);
  });
});
