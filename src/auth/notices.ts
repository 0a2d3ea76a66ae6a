import type { Mail, Mailer } from '../mail/port.js';
import type { AccountRecord, SessionRecord } from '../store/records.js';
import type { Log } from './log.js';

interface NoticesDeps {
  /** Null: no mail is sent. */
  readonly mailer: Mailer | null;
  readonly log: Log;
  readonly publicUrl: string;
}

/** Mails that tell a person what happened to the account. No request waits for one. */
export class Notices {
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly deps: NoticesDeps) {}

  /** Two parties held one session: the person is to know, and only the person can tell whether one was a thief (RFC 9700 4.14.2). */
  reuseDetected(account: AccountRecord, session: SessionRecord): void {
    const { device, createdAt } = session;
    const lines = [
      `A session of your account at ${this.deps.publicUrl} was ended for safety.`,
      '',
      `Device: ${device.label}`,
      `Signed in: ${new Date(createdAt).toISOString()}`,
      '',
      'Its refresh token was used a second time. Either a program kept an old copy, or somebody else had one.',
      'Sign in again. If you do not know the device, or this comes again, change your password.',
      '',
    ];
    this.send({ to: account.email, subject: 'A session was ended for safety', text: lines.join('\n') });
  }

  /** Resolves when no mail is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private send(mail: Mail): void {
    const { mailer, log } = this.deps;
    if (mailer === null) return;
    const sending = (async () => mailer.send(mail))()
      .catch((error: unknown) => log.error({ err: error, subject: mail.subject }, 'a mail could not be handed over'))
      .finally(() => this.underWay.delete(sending));
    this.underWay.add(sending);
  }
}
