import type { Mail, Mailer } from '../../src/mail/port.js';

const patienceMs = 60_000;

/** Takes mails over, and hands them to a test in the order in which they came to each address. */
export class Mailbox implements Mailer {
  readonly all: Mail[] = [];
  private readonly unread: Mail[] = [];
  private readonly waiting: { readonly to: string; readonly resolve: (mail: Mail) => void }[] = [];

  async send(mail: Mail): Promise<void> {
    this.all.push(mail);
    const index = this.waiting.findIndex(({ to }) => to === mail.to);
    const [reader] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (reader === undefined) this.unread.push(mail);
    else reader.resolve(mail);
  }

  /** The next mail to this address; comes when it does. Rejects after a minute. */
  next(to: string): Promise<Mail> {
    const index = this.unread.findIndex((mail) => mail.to === to);
    const [mail] = index < 0 ? [] : this.unread.splice(index, 1);
    if (mail !== undefined) return Promise.resolve(mail);
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error(`no mail came; so far: ${JSON.stringify(this.all.map(({ subject }) => subject))}`));
      const timer = setTimeout(giveUp, patienceMs);
      const arrived = (mail: Mail) => {
        clearTimeout(timer);
        resolve(mail);
      };
      this.waiting.push({ to, resolve: arrived });
    });
  }

  /** The one-time token of the next mail to this address, which must have a link for that. */
  async token(to: string, purpose: 'reset-password' | 'verify-email' | 'revert-email-change'): Promise<string> {
    const { text, subject } = await this.next(to);
    const [, page, token, revert] = /\/([a-z-]+)#token=(lk_ot_[\w-]+)(&purpose=revert\b)?/.exec(text) ?? [];
    const found = revert === undefined ? page : 'revert-email-change';
    if (token === undefined || found !== purpose) throw new Error(`"${subject}" has no link for ${purpose}`);
    return token;
  }
}
