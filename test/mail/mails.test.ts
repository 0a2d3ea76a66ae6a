import { describe, expect, it } from '@jest/globals';
import { Mails, type MailsConfig } from '../../src/mail/mails.js';
import { allNotices } from '../../src/mail/notices.js';
import type { About, Outbox } from '../../src/mail/outbox.js';
import type { Mail } from '../../src/mail/port.js';
import { RecordingLog } from '../support/factories.js';

const config: MailsConfig = {
  publicUrl: 'https://auth.example.com/auth',
  resetUrl: null,
  verifyUrl: null,
  notices: allNotices,
};
const to = { id: 'account-1', email: 'ada@example.com' };
const expiresAt = Date.parse('2026-11-26T14:05:59.999Z');
const minted = { token: 'lk_ot_0123456789', expiresAt };
const signedInAt = new Date('2026-01-02T03:04:05.678Z');
const device = { label: 'Firefox on Linux', signedInAt };

/** Every mail there is, once. */
const calls: Record<string, (mails: Mails) => Promise<unknown>> = {
  verifyEmail: (mails) => mails.verifyEmail(to, async () => minted),
  emailTaken: (mails) => mails.emailTaken(to),
  newEmailTaken: (mails) => mails.newEmailTaken(to),
  resetPassword: (mails) => mails.resetPassword(to, async () => minted),
  accountCreated: (mails) => mails.accountCreated(to, minted),
  confirmNewEmail: (mails) => mails.confirmNewEmail(to, minted),
  emailChangeStarted: (mails) => mails.emailChangeStarted(to, 'n***@example.org'),
  emailChanged: (mails) => mails.emailChanged(to, minted),
  passwordChanged: (mails) => mails.passwordChanged(to),
  newDevice: (mails) => mails.newDevice(to, device),
  reuseDetected: (mails) => mails.reuseDetected(to, device),
};

async function put(call: (mails: Mails) => Promise<unknown>, overrides: Partial<MailsConfig> = {}) {
  const taken: { kind: string; mail: Omit<Mail, 'id'>; about: About }[] = [];
  const take = async (kind: string, mail: Omit<Mail, 'id'>, about: About = { accountId: 'nobody', goodUntil: 0 }) =>
    void taken.push({ kind, mail, about });
  const hold: Outbox['hold'] = async (...letter) => {
    await take(...letter);
    return { release: async () => {}, drop: async () => {} };
  };
  const mails = new Mails({
    outbox: { put: take, putSurely: take, hold },
    admits: async () => true,
    log: new RecordingLog(),
    config: { ...config, ...overrides },
  });
  await call(mails);
  return taken;
}
const only = async (call: (mails: Mails) => Promise<unknown>, overrides: Partial<MailsConfig> = {}) => {
  const [taken] = await put(call, overrides);
  if (taken === undefined) throw new Error('no mail');
  return taken;
};

describe('The mails', () => {
  it.each(Object.entries(calls))('%s says the same as text and as HTML, to one person, and names the service', async (kind, call) => {
    const { kind: noted, mail, about } = await only(call);
    expect(noted).toBe(kind);
    expect(mail.to).toBe(to.email);
    expect(about.accountId).toBe(to.id);
    expect(mail.subject).toMatch(/^[A-Z][\w -]{10,60}$/);
    const words = mail.html
      .replace(/<head>.*<\/head>/s, '')
      .replace(/<a [^>]*>.*?<\/a><br>/g, '')
      .replaceAll('<br>', '\n')
      .replace(/<[^>]+>/g, '')
      .replaceAll('&amp;', '&');
    expect(words.split(/\s+/).join(' ').trim()).toBe(mail.text.split(/\s+/).join(' ').trim());
    expect(mail.text).toContain('https://auth.example.com/auth');
    expect(mail.html).not.toMatch(/<(script|img|link|style|iframe)|url\(|src=/i);
  });

  it.each([
    ['verifyEmail', 'https://auth.example.com/auth/verify-email#token=lk_ot_0123456789'],
    ['resetPassword', 'https://auth.example.com/auth/reset-password#token=lk_ot_0123456789'],
    ['accountCreated', 'https://auth.example.com/auth/reset-password#token=lk_ot_0123456789'],
    ['confirmNewEmail', 'https://auth.example.com/auth/verify-email#token=lk_ot_0123456789'],
    ['emailChanged', 'https://auth.example.com/auth/verify-email#token=lk_ot_0123456789&purpose=revert'],
  ])('%s holds its link, and says until when it is good', async (kind, link) => {
    const { mail, about } = await only(calls[kind] ?? Promise.reject);
    expect(mail.link).toBe(link);
    expect(mail.text.split('\n')).toContain(link);
    expect(mail.html).toContain(`href="${link.replace('&', '&amp;')}"`);
    expect(mail.text).toContain('once, until 26 November 2026, 14:05 UTC.');
    expect(about.goodUntil).toBe(expiresAt);
  });

  it.each(['emailTaken', 'newEmailTaken', 'emailChangeStarted', 'passwordChanged', 'newDevice', 'reuseDetected'])(
    '%s holds none',
    async (kind) => {
      const { mail, about } = await only(calls[kind] ?? Promise.reject);
      expect(mail.link).toBeNull();
      expect(about.goodUntil).toBeNull();
      expect(mail.text + mail.html).not.toMatch(/#|href/);
    },
  );

  it('of an address that is taken say what it was wanted for', async () => {
    const texts = await Promise.all(
      ['emailTaken', 'newEmailTaken'].map(async (kind) => (await only(calls[kind] ?? Promise.reject)).mail.text),
    );
    expect(texts.map((text) => text.split(' at ')[0])).toEqual([
      'Somebody signed up',
      'Somebody wants to use this address, which has an account already, for another account',
    ]);
  });

  it('lead to the pages that the settings name, whatever is in a token', async () => {
    const pages = { resetUrl: 'https://app.example.com/reset', verifyUrl: 'https://app.example.com/verify' };
    expect((await only((mails) => mails.resetPassword(to, async () => ({ token: 'a#b&c="<', expiresAt })), pages)).mail.link).toBe(
      'https://app.example.com/reset#token=a%23b%26c%3D%22%3C',
    );
    expect((await only(calls.emailChanged ?? Promise.reject, pages)).mail.link).toBe(
      'https://app.example.com/verify#token=lk_ot_0123456789&purpose=revert',
    );
  });

  it('escape what a client calls itself, and give it no line of its own', async () => {
    const label = '<img src=x onerror=alert(1)>\r\n\r\nYour password: "&\'\u2028\u202e';
    const { mail } = await only((mails) => mails.newDevice(to, { label, signedInAt }));
    expect(mail.html).toContain('<strong>&lt;img src=x onerror=alert(1)&gt; Your password: &quot;&amp;&#39; </strong>');
    expect(mail.text).toContain('\nDevice: <img src=x onerror=alert(1)> Your password: "&\' \nSigned in: 2026-01-02T03:04:05.678Z\n');
  });
});

describe('A notice that is switched off', () => {
  const sentWith = async (off: keyof typeof allNotices) => {
    const kinds = await Promise.all(Object.values(calls).map((call) => put(call, { notices: { ...allNotices, [off]: false } })));
    return Object.keys(calls).filter((kind) => !kinds.flat().some((taken) => taken.kind === kind));
  };

  it.each([
    ['newDevice', ['newDevice']],
    ['passwordChanged', ['passwordChanged']],
    ['emailChanged', ['emailChangeStarted', 'emailChanged']],
    ['reuseDetected', ['reuseDetected']],
  ] as const)('%s is not sent, and every other mail is', async (off, missing) => {
    expect(await sentWith(off)).toEqual(missing);
  });
});
