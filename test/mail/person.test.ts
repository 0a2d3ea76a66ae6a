import { afterEach, expect, it } from '@jest/globals';
import { credentialCalls as calls } from '../support/credentials.js';
import { linkIn, type MailServer, startMailServer } from '../support/mail-server.js';
import { codeOf, extensionsOf, loginMutation, meQuery, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const email = 'ada@example.com';
const another = 'another good passphrase';
const required = { LATCHKEY_EMAIL_VERIFICATION: 'required', LATCHKEY_MAIL_FROM: 'Latchkey <no-reply@example.com>' };

describeStores('A person, by the mails that a mail server gets', (database) => {
  let server: TestServer | null = null;
  afterEach(async () => server?.close());
  const logIn = (url: string, password: string) => post(url, loginMutation, { input: { login: email, password } });

  /** What was put after answers is in the outbox, and what is due there was handed over. */
  async function handOver({ app }: TestServer): Promise<void> {
    await app.services.settle();
    await app.services.outbox.deliverDue();
    await app.services.outbox.settle();
  }
  /** The token of the newest mail with this subject. */
  function tokenOf(mail: MailServer, subject: string): string {
    const found = mail.received.findLast(({ to, message }) => to[0] === email && message.subject === subject);
    if (found === undefined) throw new Error(`no mail "${subject}" among ${mail.received.map(({ message }) => message.subject)}`);
    return linkIn(found).split('#token=')[1] ?? '';
  }

  it('signs up, verifies, forgets the password and resets it by the mailed link, and every other device is out', async () => {
    const mail = await startMailServer();
    server = await startServer(database.url, { ...required, LATCHKEY_SMTP_URL: mail.url }, undefined, 'by its settings');
    const { url } = server;
    const signedUp = await post(url, signupMutation, { input: { email, password: goodPassword } });
    expect(signedUp.data.signup).toEqual({ auth: null, emailVerificationRequired: true });
    await handOver(server);
    expect((await calls.verifyEmail(url, [tokenOf(mail, 'Confirm your address')])).data).toEqual({ verifyEmail: true });
    const devices = [await logIn(url, goodPassword), await logIn(url, goodPassword)].map(({ data }) => data.login);

    // From here on the mail server is down, and nobody waits for it.
    await mail.stop();
    expect((await calls.requestPasswordReset(url, [email])).data).toEqual({ requestPasswordReset: true });
    await handOver(server);
    expect(server.log()).toContain('ECONNREFUSED');
    await mail.start();
    server.advanceClock(10_000);
    await handOver(server);
    expect((await calls.resetPassword(url, [tokenOf(mail, 'Set a new password'), another])).data).toEqual({ resetPassword: true });

    for (const { accessToken, refreshToken } of devices) {
      expect(extensionsOf(await post(url, meQuery, {}, { token: accessToken }))).toMatchObject({
        code: 'UNAUTHENTICATED',
        reason: 'REVOKED',
      });
      expect(extensionsOf(await post(url, refreshMutation, { token: refreshToken }))).toMatchObject({
        code: 'SESSION_REVOKED',
        reason: 'PASSWORD_RESET',
      });
    }
    expect(codeOf(await logIn(url, goodPassword))).toBe('INVALID_CREDENTIALS');
    const { data } = await logIn(url, another);
    expect((await post(url, meQuery, {}, { token: data.login.accessToken })).data.me.email).toBe(email);
    await handOver(server);
    expect(mail.received.map(({ message }) => message.subject)).toEqual([
      'Confirm your address',
      'Set a new password',
      'Your password was changed',
    ]);
  });
});
