import { randomBytes } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import { createTransport } from 'nodemailer';
import type { Log } from '../auth/log.js';
import { messageOf, type Sender } from './message.js';
import type { Mail, Mailer } from './port.js';

interface FolderDeps {
  /** Made when it is missing, readable by its owner alone. */
  readonly folder: string;
  readonly from: Sender;
  readonly log: Log;
  /** For tests. */
  readonly now?: () => Date;
}

const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

/** For development: each mail becomes a file `UTC-INSTANT-SEQ.eml`, whose names sort by time, and its link a line in the log. */
export class FolderMailer implements Mailer {
  constructor(private readonly deps: FolderDeps) {}

  async send(mail: Mail): Promise<void> {
    const { folder, from, log } = this.deps;
    const { message } = await composer.sendMail(messageOf(mail, from));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const draft = join(folder, `.${randomBytes(8).toString('hex')}.draft`);
    // Whoever watches the folder sees whole mails only.
    await writeFile(draft, message as Buffer, { mode: 0o600, flag: 'wx' });
    try {
      const file = await this.place(draft);
      log.info({ file, to: mail.to, subject: mail.subject, link: mail.link }, 'a mail was written to the outbox folder');
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Under the first free number of this millisecond, also among several processes: a link is made once, or not at all. */
  private async place(draft: string): Promise<string> {
    const instant = (this.deps.now ?? (() => new Date()))().toISOString().replaceAll(':', '-');
    for (let sequence = 1; ; sequence += 1) {
      const file = join(this.deps.folder, `${instant}-${String(sequence).padStart(4, '0')}.eml`);
      try {
        await link(draft, file);
        return file;
      } catch (error) {
        if (!(isNativeError(error) && 'code' in error && error.code === 'EEXIST')) throw error;
      }
    }
  }
}
