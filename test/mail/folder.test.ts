import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { FolderMailer } from '../../src/mail/folder.js';
import { openMailer } from '../../src/mail/open.js';
import { SmtpMailer } from '../../src/mail/smtp.js';
import { RecordingLog } from '../support/factories.js';
import { aLetter } from '../support/outboxes.js';
import { temporaryFolder } from '../support/server.js';

const from = { name: 'Latchkey', address: 'no-reply@localhost' };
const now = () => new Date('2026-01-02T03:04:05.678Z');

it('The outbox folder holds each mail as a file, in order, for its owner alone, and the log its link', async () => {
  const folder = join(temporaryFolder(), 'outbox');
  const log = new RecordingLog();
  const mailers = [1, 2].map(() => new FolderMailer({ folder, from, log, now }));
  // Two processes in one millisecond.
  await Promise.all(
    Array.from({ length: 8 }, (_, count) => mailers[count % 2]?.send({ id: `${count}`, ...aLetter(`a${count}@example.com`) })),
  );
  const files = readdirSync(folder).sort();
  expect(files).toEqual(Array.from({ length: 8 }, (_, count) => `2026-01-02T03-04-05.678Z-000${count + 1}.eml`));
  expect([folder, join(folder, files[0] ?? '')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
  const messages = await Promise.all(files.map((file) => simpleParser(readFileSync(join(folder, file)))));
  expect(messages.map(({ to }) => (Array.isArray(to) ? '' : to?.text)).sort()).toEqual(
    Array.from({ length: 8 }, (_, count) => `a${count}@example.com`),
  );
  expect(log.lines).toHaveLength(8);
  expect(log.lines[0]?.details).toMatchObject({ to: expect.any(String), subject: 'Set a new password', link: aLetter().link });
});

it('The mailer is a mail server where one is set, else in development the folder, else nothing', async () => {
  const log = new RecordingLog();
  const config = { smtpUrl: null, mailFrom: null, production: false, dataDir: temporaryFolder() };
  expect(await openMailer(config, log)).toBeInstanceOf(FolderMailer);
  expect(await openMailer({ ...config, production: true }, log)).toBeNull();
  const smtp = await openMailer({ ...config, production: true, smtpUrl: 'smtp://127.0.0.1:1', mailFrom: from }, log);
  expect(smtp).toBeInstanceOf(SmtpMailer);
  await smtp?.close?.();
});
