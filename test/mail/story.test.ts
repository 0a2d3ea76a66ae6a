import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { linkIn, startMailServer } from '../support/mail-server.js';
import { startProcess } from '../support/processes.js';
import { anAuditQuery } from '../support/records.js';
import { codeOf, loginMutation, post, refreshMutation, signupMutation } from '../support/requests.js';
import { goodPassword, startServer, type TestServer, temporaryFolder, testEnvironment } from '../support/server.js';
import { describeStores } from '../support/stores.js';

const mailFrom = { LATCHKEY_MAIL_FROM: 'Latchkey <no-reply@example.com>' };
let people = 0;
const someone = () => {
  people += 1;
  return `person${people}@example.com`;
};
const firefox = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' };
const safari = {
  'user-agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
};
const signUp = async (url: string, email: string, headers: Record<string, string> = firefox) =>
  (await post(url, signupMutation, { input: { email, password: goodPassword } }, { headers })).data.signup.auth;
const signIn = (url: string, email: string, headers: Record<string, string>) =>
  post(url, loginMutation, { input: { login: email, password: goodPassword } }, { headers });
const minted = (token: string) => async () => ({ token, expiresAt: Date.now() + 3 * 86_400_000 });
/** What was begun in the background has come into the outbox, and what is due there was tried. */
const turn = async ({ app }: TestServer) => {
  await app.services.notices.settle();
  await app.services.outbox.deliverDue();
  await app.services.outbox.settle();
};

/** Each test has its mails to itself: a server left running would take them. */
const running: TestServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});
const start = async (storeUrl: string, settings: Record<string, string>): Promise<TestServer> => {
  const server = await startServer(storeUrl, settings, undefined, 'by its settings');
  running.push(server);
  return server;
};

describeStores('Mails of a running service', (database) => {
  it('all arrive once the mail server is up, though it was down for the whole story, and nobody waited', async () => {
    const mail = await startMailServer();
    await mail.stop();
    const server = await start(database.url, { ...mailFrom, LATCHKEY_SMTP_URL: mail.url, LATCHKEY_REFRESH_GRACE: '0s' });
    const [ada, bob] = [someone(), someone()];
    const { refreshToken } = await signUp(server.url, ada);
    await signUp(server.url, bob);
    const { mails } = server.app.services;
    await mails.verifyEmail({ id: null, email: ada }, minted('verify-0123456789'));
    await mails.resetPassword({ id: null, email: bob }, minted('reset-0123456789'));
    await post(server.url, refreshMutation, { token: refreshToken });
    expect(codeOf(await post(server.url, refreshMutation, { token: refreshToken }))).toBe('REFRESH_TOKEN_REUSED');
    await turn(server);
    expect(server.log()).toContain('ECONNREFUSED');
    await mail.start();
    server.advanceClock(10_000);
    await turn(server);
    const received = await mail.got(3);
    expect(received.map(({ to, message }) => [to[0], message.subject]).sort()).toEqual(
      [
        [ada, 'A session was ended for safety'],
        [ada, 'Confirm your address'],
        [bob, 'Set a new password'],
      ].sort(),
    );
    expect(
      received
        .map(linkIn)
        .filter((link) => link !== '')
        .sort(),
    ).toEqual(['http://auth.test/reset-password#token=reset-0123456789', 'http://auth.test/verify-email#token=verify-0123456789']);
    expect(server.log()).not.toMatch(/(verify|reset)-0123456789/);
  });

  it('are given up when the mail server refuses them, with a line in the audit log of their person', async () => {
    const mail = await startMailServer();
    mail.answer = { at: 'RCPT', code: 550, text: '5.1.1 nobody of that name' };
    const server = await start(database.url, { ...mailFrom, LATCHKEY_SMTP_URL: mail.url });
    const email = someone();
    const { user } = await signUp(server.url, email);
    await server.app.services.mails.verifyEmail({ id: user.id, email }, minted('verify-0123456789'));
    await turn(server);
    await server.app.services.audit.flush();
    const store = await database.open();
    const { rows } = await store.listAudit(anAuditQuery({ types: ['MAIL_GIVEN_UP'], accountId: user.id }), { limit: 10, after: null });
    expect(rows.map(({ detail }) => detail)).toEqual([{ mail: 'verifyEmail', reason: 'REFUSED' }]);
    expect(server.log()).not.toContain('verify-0123456789');
    // The answer for now: it comes after a while.
    mail.answer = { at: 'DATA', code: 451, text: '4.3.0 later' };
    await server.app.services.mails.verifyEmail({ id: user.id, email }, minted('verify-0123456789'));
    await turn(server);
    mail.answer = null;
    server.advanceClock(10_000);
    await turn(server);
    expect((await mail.got(1)).map(({ to }) => to)).toEqual([[email]]);
  });

  it('tell of a sign-in from a new device: not of the first one, nor of one whose device is known', async () => {
    const mail = await startMailServer();
    const server = await start(database.url, { ...mailFrom, LATCHKEY_SMTP_URL: mail.url });
    const email = someone();
    await signUp(server.url, email);
    await signIn(server.url, email, firefox);
    await turn(server);
    expect(mail.received).toEqual([]);
    const { accessToken } = (await signIn(server.url, email, safari)).data.login;
    await turn(server);
    expect((await mail.got(1))[0]?.message.text).toContain('Device: Safari on macOS');
    // Known from then on, also when its session is over.
    await post(server.url, 'mutation { logout }', {}, { token: accessToken });
    await signIn(server.url, email, safari);
    await turn(server);
    expect(mail.received).toHaveLength(1);
  });

  it('arrive from another process when the one that was sending them is killed', async () => {
    let reached = () => {};
    const underWay = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const stalling = await startMailServer({
      stalls: () => {
        reached();
        return true;
      },
    });
    const environment = testEnvironment(database.url, { ...mailFrom, LATCHKEY_SMTP_URL: stalling.url, LATCHKEY_REFRESH_GRACE: '0s' });
    const doomed = await startProcess(environment);
    const email = someone();
    const { refreshToken } = await signUp(doomed.url, email);
    await post(doomed.url, refreshMutation, { token: refreshToken });
    await post(doomed.url, refreshMutation, { token: refreshToken });
    await underWay;
    await doomed.end('SIGKILL');
    const mail = await startMailServer();
    const heir = await start(database.url, { ...mailFrom, LATCHKEY_SMTP_URL: mail.url });
    await turn(heir);
    expect(mail.received).toEqual([]);
    heir.advanceClock(121_000);
    await turn(heir);
    expect((await mail.got(1))[0]).toMatchObject({ to: [email] });
  });
});

describe('Without a mail server', () => {
  it('development has a folder of files, and a line in the log with the link', async () => {
    const dataDir = temporaryFolder();
    const server = await start('sqlite::memory:', { LATCHKEY_DATA_DIR: dataDir });
    await server.app.services.mails.resetPassword({ id: null, email: 'ada@example.com' }, minted('reset-0123456789'));
    await turn(server);
    const [file = ''] = readdirSync(join(dataDir, 'outbox'));
    expect(file).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-0001\.eml$/);
    expect(readFileSync(join(dataDir, 'outbox', file), 'utf8')).toContain('To: ada@example.com');
    expect(server.log()).toContain('"link":"http://auth.test/reset-password#token=reset-0123456789"');
  });

  it('production keeps mails, and says neither link nor address', async () => {
    const dataDir = temporaryFolder();
    const production = { NODE_ENV: 'production', LATCHKEY_PUBLIC_URL: 'https://auth.example.com', LATCHKEY_BCRYPT_COST: '10' };
    const server = await start('sqlite::memory:', { ...production, LATCHKEY_DATA_DIR: dataDir });
    await server.app.services.mails.resetPassword({ id: null, email: 'ada@example.com' }, minted('reset-0123456789'));
    await turn(server);
    server.advanceClock(86_400_000);
    await turn(server);
    expect(readdirSync(dataDir)).toEqual([]);
    expect(server.log()).toContain('a mail was given up');
    expect(server.log()).not.toMatch(/reset-0123456789|ada@/);
  });
});
