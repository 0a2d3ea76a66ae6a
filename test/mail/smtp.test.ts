import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { type Mail, MailRefusedError } from '../../src/mail/port.js';
import { poolOptions, SmtpMailer } from '../../src/mail/smtp.js';
import { type MailServer, startMailServer } from '../support/mail-server.js';
import { aLetter, theToken } from '../support/outboxes.js';

const from = { name: 'Ada, "Inc."', address: 'no-reply@example.com' };
const mailers: SmtpMailer[] = [];
afterAll(() => {
  for (const mailer of mailers) mailer.close();
});
const mailerTo = (url: string): SmtpMailer => {
  const mailer = new SmtpMailer({ url, from, connections: 2 });
  mailers.push(mailer);
  return mailer;
};
const unhurried = () => new AbortController().signal;
const aMail = (overrides: Partial<Mail> = {}): Mail => ({ id: '0b2f6f54-6f0c-4b8e-9a43-1d5c0f0a7a11', ...aLetter(), ...overrides });
const failure = async (sending: Promise<void>): Promise<Error> =>
  sending.then(
    () => {
      throw new Error('it was sent');
    },
    (error: Error) => error,
  );

describe('A mail by SMTP', () => {
  it('arrives whole, as text and HTML, from whom the settings say', async () => {
    const server = await startMailServer();
    const subject = 'Pässword\r\nBcc: thief@example.com';
    await mailerTo(server.url).send(aMail({ subject, text: '.\n.. a line of dots\n' }), unhurried());
    const [received] = await server.got(1);
    expect(received).toMatchObject({ from: 'no-reply@example.com', to: ['ada@example.com'] });
    const { message } = received ?? {};
    expect(message?.from?.value).toEqual([from]);
    expect(message?.subject).toBe('Pässword Bcc: thief@example.com');
    expect(message?.bcc).toBeUndefined();
    expect(message?.text).toBe('.\n.. a line of dots\n');
    expect(message?.html).toContain(`#token=${theToken}`);
    expect(message?.messageId).toBe('<0b2f6f54-6f0c-4b8e-9a43-1d5c0f0a7a11@example.com>');
    expect(message?.headers.get('auto-submitted')).toBe('auto-generated');
  });

  it('goes to one address, however that is written', async () => {
    const server = await startMailServer();
    const to = '"a,b"@example.com';
    await mailerTo(server.url).send(aMail({ to }), unhurried());
    expect((await server.got(1))[0]?.to).toEqual([to]);
  });

  it('signs in with the user and password of the URL', async () => {
    const seen: unknown[] = [];
    const server = await startMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) => {
        seen.push(username, password);
        done(null, { user: username ?? 'nobody' });
      },
    });
    await mailerTo(server.url.replace('//', '//a%40b:p%3A%2F@')).send(aMail(), unhurried());
    expect(seen).toEqual(['a@b', 'p:/']);
  });

  it('goes over a connection that is used again, and over another when that was lost', async () => {
    let connections = 0;
    const server = await startMailServer({
      onConnect: (_session, done) => {
        connections += 1;
        done();
      },
    });
    const mailer = mailerTo(server.url);
    await mailer.send(aMail(), unhurried());
    await mailer.send(aMail(), unhurried());
    expect(connections).toBe(1);
    await server.stop();
    expect((await failure(mailer.send(aMail(), unhurried()))).message).toMatch(/^the mail server could not be talked to: /);
    await server.start();
    await mailer.send(aMail(), unhurried());
    expect((await server.got(3)).length).toBe(3);
  });

  it('fails when it is aborted, and the server is let go of', async () => {
    const controller = new AbortController();
    const stalls = () => {
      controller.abort();
      return true;
    };
    const server = await startMailServer({ stalls });
    const error = await failure(mailerTo(server.url).send(aMail(), controller.signal));
    expect(error).not.toBeInstanceOf(MailRefusedError);
    expect(server.received).toEqual([]);
  });
});

describe('An answer of the mail server', () => {
  const secret = `blocked ${theToken} for ada@example.com`;
  let server: MailServer;
  const answered = async (answer: MailServer['answer']) => {
    server ??= await startMailServer();
    server.answer = answer;
    return failure(mailerTo(server.url).send(aMail(), unhurried()));
  };

  it.each([
    ['RCPT', 550, '5.1.1', true],
    ['RCPT', 550, '5.1.10', true],
    ['RCPT', 552, '5.2.2', true],
    ['RCPT', 554, '5.2.1', true],
    ['RCPT', 550, '', true],
    ['RCPT', 551, '', true],
    ['RCPT', 553, '', true],
    ['RCPT', 550, '5.7.1', false],
    ['RCPT', 554, '5.7.1', false],
    ['RCPT', 550, '5.1.8', false],
    ['RCPT', 553, '5.1.7', false],
    ['RCPT', 550, '5.4.1', false],
    ['RCPT', 554, '', false],
    ['RCPT', 552, '', false],
    ['RCPT', 530, '', false],
    ['RCPT', 451, '4.7.1', false],
    ['RCPT', 450, '4.2.2', false],
    ['RCPT', 450, '', false],
    ['DATA', 550, '5.1.1', false],
    ['DATA', 550, '', false],
    ['DATA', 554, '5.7.1', false],
    ['DATA', 552, '5.3.4', false],
    ['DATA', 451, '4.7.1', false],
  ] as const)('to %s of %i %s: for good is %s; nothing of its text is kept', async (at, code, enhanced, isFinal) => {
    const error = await answered({ at, code, text: `${enhanced} ${secret}`.trim() });
    expect(error instanceof MailRefusedError).toBe(isFinal);
    const codes = [code, enhanced].join(' ').trim();
    expect(error.message).toBe(`the mail server answered ${codes} to ${at === 'RCPT' ? 'RCPT TO' : 'DATA'}`);
    expect(`${error.stack}${JSON.stringify(error)}${error.cause}`).not.toMatch(/token-|ada@/);
  });

  it('to the sign-in or the sender is never for good: the operator can mend it', async () => {
    const strict = await startMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(new Error('hunter22 is wrong')),
    });
    const refused = await failure(mailerTo(strict.url.replace('//', '//ada:hunter22@')).send(aMail(), unhurried()));
    expect(refused).not.toBeInstanceOf(MailRefusedError);
    expect(refused.message).toMatch(/^the mail server answered 535 .*to AUTH/);
    expect(refused.message).not.toContain('hunter22');
    const picky = await startMailServer({
      onMailFrom: (_address, _session, done) => done(Object.assign(new Error('not you'), { responseCode: 553 })),
    });
    expect(await failure(mailerTo(picky.url).send(aMail(), unhurried()))).not.toBeInstanceOf(MailRefusedError);
  });
});

describe('Encryption', () => {
  const optionsFor = (url: string) => {
    const { secure, requireTLS, ignoreTLS, port, host } = poolOptions({ url, connections: 1 });
    return { secure, requireTLS, ignoreTLS, port, host };
  };

  it.each([
    ['smtps://ada:x@mail.example.com', { secure: true, requireTLS: false, ignoreTLS: false, port: 465 }],
    ['smtps://127.0.0.1:1465', { secure: true, requireTLS: false, ignoreTLS: false, port: 1465 }],
    ['smtp://ada:x@mail.example.com', { secure: false, requireTLS: true, ignoreTLS: false, port: 587 }],
    ['smtp://mail.example.com:25', { secure: false, requireTLS: false, ignoreTLS: false, port: 25 }],
    ['smtp://ada:x@127.0.0.1:25', { secure: false, requireTLS: false, ignoreTLS: true, port: 25 }],
    ['smtp://ada:x@[::1]:25', { secure: false, requireTLS: false, ignoreTLS: true, port: 25 }],
    ['smtp://ada:x@localhost', { secure: false, requireTLS: false, ignoreTLS: true, port: 587 }],
    ['smtp://ada:x@127.0.0.1.example.com', { secure: false, requireTLS: true, ignoreTLS: false, port: 587 }],
    ['smtp://ada:x@localhost.example.com', { secure: false, requireTLS: true, ignoreTLS: false, port: 587 }],
  ])('of %s', (url, expected) => {
    expect(optionsFor(url)).toMatchObject(expected);
  });

  it('is not begun with a certificate that nobody vouches for', async () => {
    // It says that its own certificate is no secret.
    const warning = jest.spyOn(console, 'error').mockImplementation(() => {});
    const server = await startMailServer({ secure: true });
    warning.mockRestore();
    const error = await failure(mailerTo(server.url.replace('smtp:', 'smtps:')).send(aMail(), unhurried()));
    expect(error).not.toBeInstanceOf(MailRefusedError);
    expect(server.received).toEqual([]);
  });
});
