import { afterEach, describe, expect, it } from '@jest/globals';
import { openStore } from '../../src/store/open.js';
import { type Store, StoreUnavailableError } from '../../src/store/port.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { storeWith } from '../support/factories.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson } from '../support/people.js';
import { codeOf, loginMutation, post, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const gone = (): never => {
  throw new StoreUnavailableError(new Error('the connection was lost'));
};
const other = 'another good passphrase';
const subjects = { changed: 'Your address was changed', passwordChanged: 'Your password was changed' };

describeStores('The mail with the way back', (database) => {
  /** Each test has its mails to itself: a server left running would take them. */
  const running: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });
  /** A server over a store of which some verbs are replaced. */
  const start = async (verbsOf: (store: Store) => Partial<Store> = () => ({})) => {
    const mailbox = new Mailbox();
    const open = async (url: string) => {
      const store = await openStore(url);
      return storeWith(store, verbsOf(store));
    };
    const server = await startServer(database.url, {}, open, mailbox);
    running.push(server);
    return { mailbox, server };
  };
  /** Somebody whose change of address waits for its link to be followed. */
  const changing = async (server: TestServer, mailbox: Mailbox) => {
    const person = await aPerson(server.url);
    const wanted = `new.${person.email}`;
    await calls.changeEmail(server.url, [wanted, goodPassword], person.token);
    const token = await mailbox.token(wanted, 'verify-email');
    await mailbox.next(person.email);
    return { ...person, wanted, token };
  };
  const later = async ({ app, advanceClock }: TestServer, ms: number) => {
    advanceClock(ms);
    await app.services.outbox.deliverDue();
    await app.services.outbox.settle();
  };
  const mailsOf = ({ all }: Mailbox, to: string) => all.filter((mail) => mail.to === to).map(({ subject }) => subject);
  const canLogIn = async ({ url }: TestServer, login: string) =>
    (await post(url, loginMutation, { input: { login, password: goodPassword } })).errors.length === 0;

  it('is due at once when the change is done', async () => {
    const { server, mailbox } = await start();
    const { email, token } = await changing(server, mailbox);
    expect((await calls.verifyEmail(server.url, [token])).data.verifyEmail).toBe(true);
    const revert = await mailbox.token(email, 'revert-email-change');
    expect((await calls.revertEmailChange(server.url, [revert])).data.revertEmailChange).toBe(true);
  });

  it('arrives when nothing more is heard of whoever made the change', async () => {
    const { server, mailbox } = await start((store) => ({
      changeEmail: async (...change) => {
        await store.changeEmail(...change);
        return gone();
      },
    }));
    const { email, wanted, token } = await changing(server, mailbox);
    expect(codeOf(await calls.verifyEmail(server.url, [token]))).toBe('SERVICE_UNAVAILABLE');
    expect(await canLogIn(server, wanted)).toBe(true);
    await later(server, 0);
    expect(mailsOf(mailbox, email)).not.toContain(subjects.changed);
    await server.close();
    const heir = await start();
    await later(heir.server, 31_000);
    const revert = await heir.mailbox.token(email, 'revert-email-change');
    expect((await calls.revertEmailChange(heir.server.url, [revert])).data.revertEmailChange).toBe(true);
  });

  it('arrives when it cannot be made due', async () => {
    const { server, mailbox } = await start(() => ({ releaseMail: async () => gone() }));
    const { email, token } = await changing(server, mailbox);
    expect((await calls.verifyEmail(server.url, [token])).data.verifyEmail).toBe(true);
    await later(server, 31_000);
    expect(mailsOf(mailbox, email)).toContain(subjects.changed);
  });

  it('is not sent for a change that was lost, nor for an address that is taken', async () => {
    let losses = 2;
    const { server, mailbox } = await start((store) => ({
      changeEmail: async (...change) => {
        losses -= 1;
        return losses >= 0 ? null : store.changeEmail(...change);
      },
    }));
    const ada = await changing(server, mailbox);
    expect((await calls.verifyEmail(server.url, [ada.token])).data.verifyEmail).toBe(true);
    const bob = await changing(server, mailbox);
    await post(server.url, signupMutation, { input: { email: bob.wanted, password: goodPassword } });
    expect(codeOf(await calls.verifyEmail(server.url, [bob.token]))).toBe('EMAIL_TAKEN');
    await later(server, 31_000);
    expect(mailsOf(mailbox, ada.email).filter((subject) => subject === subjects.changed)).toHaveLength(1);
    expect(mailsOf(mailbox, bob.email)).not.toContain(subjects.changed);
  });

  it('that cannot be put is no reason to be without one: nothing is changed, and the link stays good', async () => {
    let isDown = false;
    const { server, mailbox } = await start((store) => ({ putMail: async (mail) => (isDown ? gone() : store.putMail(mail)) }));
    const { email, wanted, token } = await changing(server, mailbox);
    isDown = true;
    expect(codeOf(await calls.verifyEmail(server.url, [token]))).toBe('SERVICE_UNAVAILABLE');
    expect([await canLogIn(server, email), await canLogIn(server, wanted)]).toEqual([true, false]);
    isDown = false;
    expect((await calls.verifyEmail(server.url, [token])).data.verifyEmail).toBe(true);
    await mailbox.token(email, 'revert-email-change');
  });

  it('of a changed password is in the outbox before the answer, and put again where the store did not take it', async () => {
    let isDown = false;
    // A round of the outbox may come in between, and put it again.
    const puts = new Set<string>();
    const { server, mailbox } = await start((store) => ({
      putMail: async (mail) => {
        puts.add(mail.id);
        return isDown ? gone() : store.putMail(mail);
      },
    }));
    const { email, token } = await aPerson(server.url);
    const before = puts.size;
    isDown = true;
    expect((await calls.changePassword(server.url, [goodPassword, other], token)).errors).toEqual([]);
    expect(puts.size).toBe(before + 1);
    expect(server.log()).toContain('a mail could not be put; it is tried again');
    isDown = false;
    await later(server, 2_000);
    expect(mailsOf(mailbox, email)).toEqual([subjects.passwordChanged]);
  });
});

describe('A mail that is owed', () => {
  it('is put at the stop too, and said to be lost where the store does not take it', async () => {
    let isDown = true;
    const open = async (url: string) => {
      const store = await openStore(url);
      return storeWith(store, { putMail: async (mail) => (isDown ? gone() : store.putMail(mail)) });
    };
    const owing = async () => {
      const mailbox = new Mailbox();
      const server = await startServer('sqlite::memory:', {}, open, mailbox);
      const { email } = await aPerson(server.url);
      await server.app.services.mails.passwordChanged({ id: null, email });
      return { mailbox, server, email };
    };
    const lucky = await owing();
    isDown = false;
    await lucky.server.close();
    expect(lucky.server.log()).not.toContain('mails are lost');
    isDown = true;
    const unlucky = await owing();
    await unlucky.server.close();
    expect(unlucky.server.log()).toContain('mails are lost: the store did not take them');
  });
});
