import { randomBytes } from 'node:crypto';
import { MailSeal } from '../../src/auth/mail-seal.js';
import { type GivenUp, Outbox } from '../../src/mail/outbox.js';
import type { Mail, Mailer } from '../../src/mail/port.js';
import type { Store } from '../../src/store/port.js';
import { aClock, type FakeTime, RecordingLog } from './factories.js';
import { aKey } from './records.js';

/** What nodes share that can read each other's mails. */
export const aSeal = (): MailSeal => new MailSeal([{ record: aKey({ purpose: 'outbox', algorithm: null }), material: randomBytes(32) }]);

export interface OutboxUnderTest {
  readonly outbox: Outbox;
  readonly log: RecordingLog;
  readonly givenUp: GivenUp[];
  readonly outcomes: string[];
}

/** One node's outbox. Retries come after exactly the base of their delay. */
export function anOutbox(
  store: Store,
  mailer: Mailer | null,
  {
    seal,
    time,
    limits,
  }: {
    readonly seal: MailSeal;
    readonly time: FakeTime;
    readonly limits?: { readonly longestAttemptMs?: number; readonly longestStopMs?: number };
  },
): OutboxUnderTest {
  const log = new RecordingLog();
  const givenUp: GivenUp[] = [];
  const outcomes: string[] = [];
  const count = (outcome: string) => void outcomes.push(outcome);
  const onGivenUp = async (mail: GivenUp) => void givenUp.push(mail);
  const outbox = new Outbox({ store, mailer, seal, clock: aClock(time), log, count, onGivenUp, limits, random: () => 0.5 });
  return { outbox, log, givenUp, outcomes };
}

/** A mail with a link whose token must not be seen anywhere. */
export const theToken = 'token-0123456789';
export const aLetter = (to = 'ada@example.com'): Omit<Mail, 'id'> => {
  const link = `https://auth.example.com/reset-password#token=${theToken}`;
  return { to, subject: 'Set a new password', text: `${link}\n`, html: `<a href="${link}">x</a>`, link };
};

/** Takes every mail, once it is told to succeed. */
export class RecordingMailer implements Mailer {
  readonly mails: Mail[] = [];
  attempts = 0;
  fault: Error | null = null;
  send = async (mail: Mail): Promise<void> => {
    this.attempts += 1;
    if (this.fault !== null) throw this.fault;
    this.mails.push(mail);
  };
}
