import { join } from 'node:path';
import type { Log } from '../auth/log.js';
import type { Sender } from './message.js';
import { mostAtOnce } from './outbox.js';
import type { Mailer } from './port.js';

interface MailerConfig {
  readonly smtpUrl: string | null;
  readonly mailFrom: Sender | null;
  readonly production: boolean;
  readonly dataDir: string;
}

const nobody: Sender = { name: 'Latchkey', address: 'no-reply@localhost' };

/** By the settings: a mail server, in development a folder. Null: none, in production without a mail server. The library is loaded where it is needed. */
export async function openMailer({ smtpUrl, mailFrom, production, dataDir }: MailerConfig, log: Log): Promise<Mailer | null> {
  const from = mailFrom ?? nobody;
  if (smtpUrl !== null) {
    const { SmtpMailer } = await import('./smtp.js');
    return new SmtpMailer({ url: smtpUrl, from, connections: mostAtOnce });
  }
  if (production) return null;
  const { FolderMailer } = await import('./folder.js');
  return new FolderMailer({ folder: join(dataDir, 'outbox'), from, log });
}
