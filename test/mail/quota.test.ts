import { afterEach, expect, it } from '@jest/globals';
import { networkQuotas } from '../../src/auth/throttle-limits.js';
import { credentialCalls as calls } from '../support/credentials.js';
import { Mailbox } from '../support/mailbox.js';
import { aPerson } from '../support/people.js';
import { codeOf } from '../support/requests.js';
import { startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const other = 'another good passphrase';
const minting = async () => ({ token: 'lk_ot_0123456789', expiresAt: Date.now() + 86_400_000 });
const dropped = 'a mail was dropped: its address has got too many of its kind in the last hour';

describeStores('Mails that anybody can ask for', (database) => {
  /** Each test has its mails to itself: a server left running would take them. */
  const running: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });
  const start = async (throttle: 'on' | 'off') => {
    const mailbox = new Mailbox();
    const server = await startServer(database.url, { LATCHKEY_THROTTLE: throttle }, undefined, mailbox);
    running.push(server);
    return { mailbox, server };
  };
  const settle = async ({ app }: TestServer) => {
    await app.services.settle();
    await app.services.outbox.settle();
  };
  const ask = async (server: TestServer, email: string, times: number) => {
    for (let count = 0; count < times; count += 1) {
      expect((await calls.requestPasswordReset(server.url, [email])).data.requestPasswordReset).toBe(true);
      await settle(server);
    }
  };
  const resetsTo = ({ all }: Mailbox, email: string) =>
    all.filter(({ to, subject }) => to === email && subject === 'Set a new password').map(({ text }) => /#token=(\S+)/.exec(text)?.[1]);

  it('come ten times an hour to an address, and those that came stay good', async () => {
    const { server, mailbox } = await start('on');
    const { email } = await aPerson(server.url);
    const bob = await aPerson(server.url);
    await ask(server, email, 16);
    const tokens = resetsTo(mailbox, email);
    expect(tokens).toHaveLength(10);
    expect(server.log().split(dropped)).toHaveLength(7);
    expect(server.log()).not.toContain(email);
    // Of six that were dropped none has pushed one out.
    expect((await calls.resetPassword(server.url, [tokens.at(-5), other])).data.resetPassword).toBe(true);
    await ask(server, bob.email, 1);
    expect(resetsTo(mailbox, bob.email)).toHaveLength(1);
    server.advanceClock(3_600_000);
    await ask(server, email, 1);
    expect(resetsTo(mailbox, email)).toHaveLength(11);
  });

  it('are counted by their kind, and what an administrator or the service sends is not', async () => {
    const { server, mailbox } = await start('on');
    const { email } = await aPerson(server.url);
    await ask(server, email, 11);
    const { mails } = server.app.services;
    const to = { id: null, email };
    await mails.verifyEmail(to, minting);
    await mails.resetPassword(to, minting, 'administrator');
    await mails.resetPassword(to, minting, 'service');
    for (let count = 0; count < 11; count += 1) await (await mails.emailChanged(to, await minting())).release();
    await settle(server);
    const subjects = mailbox.all.filter((mail) => mail.to === email).map(({ subject }) => subject);
    const countOf = (wanted: string) => subjects.filter((subject) => subject === wanted).length;
    expect(['Set a new password', 'Confirm your address', 'Your address was changed'].map(countOf)).toEqual([12, 1, 11]);
  });

  it('are not bounded where throttling is off', async () => {
    const { server, mailbox } = await start('off');
    const { email } = await aPerson(server.url);
    await ask(server, email, 12);
    expect(resetsTo(mailbox, email)).toHaveLength(12);
  });

  it('a change of address counts as a request for verification, before the password is tried', async () => {
    const { server } = await start('on');
    const { token, email } = await aPerson(server.url);
    for (let count = 0; count < networkQuotas.verification.limit; count += 1)
      await calls.requestEmailVerification(server.url, ['nobody@example.com']);
    expect(codeOf(await calls.changeEmail(server.url, [`new.${email}`, 'not the password'], token))).toBe('RATE_LIMITED');
    server.advanceClock(3_600_000);
    expect((await calls.requestEmailVerification(server.url, ['nobody@example.com'])).errors).toEqual([]);
  });
});
