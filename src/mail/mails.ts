import type { EpochMs } from '../store/records.js';
import { type LinkConfig, resetLink, revertLink, verifyLink } from './links.js';
import type { NoticeSettings } from './notices.js';
import type { About } from './outbox.js';
import type { Mail } from './port.js';
import { english } from './templates/english.js';
import { asHtml, asText } from './templates/layout.js';
import type { DeviceFacts, Template, TimedLink } from './templates/templates.js';

/** Who gets a mail. */
export interface Addressee {
  /** Of the account that it is about; null where there is none yet. */
  readonly id: string | null;
  /** Normalized. */
  readonly email: string;
}

/** What goes into a link, and nowhere else. */
export interface MailedToken {
  readonly token: string;
  readonly expiresAt: EpochMs;
}

/**
 * The mails about accounts and their credentials. Each promise resolves when the mail is durably in the outbox, which sends it; it rejects with
 * `StoreUnavailableError`.
 */
export interface AccountMails {
  verifyEmail(to: Addressee, minted: MailedToken): Promise<void>;
  /** To somebody who has an account, and with whose address somebody signs up. */
  emailTaken(to: Addressee): Promise<void>;
  resetPassword(to: Addressee, minted: MailedToken): Promise<void>;
  accountCreated(to: Addressee, minted: MailedToken): Promise<void>;
  /** To the new address. */
  confirmNewEmail(to: Addressee, minted: MailedToken): Promise<void>;
  /** To the old address. `newMasked`: as much of the new one as its holder may see. */
  emailChangeStarted(to: Addressee, newMasked: string): Promise<void>;
  /** To the old address. */
  emailChanged(to: Addressee, minted: MailedToken): Promise<void>;
  passwordChanged(to: Addressee): Promise<void>;
}

/** The mails about sessions. */
export interface SessionMails {
  newDevice(to: Addressee, device: DeviceFacts): Promise<void>;
  reuseDetected(to: Addressee, device: DeviceFacts): Promise<void>;
}

export interface MailsConfig extends LinkConfig {
  /** Mails that somebody asked for are always sent. */
  readonly notices: NoticeSettings;
}

interface MailsDeps {
  /** Resolves when the mail is durably in the outbox. */
  readonly put: (kind: string, mail: Omit<Mail, 'id'>, about: About) => Promise<void>;
  readonly config: MailsConfig;
}

/** Words every mail and puts it into the outbox. The one place where it is decided whether a notice is sent. */
export class Mails implements AccountMails, SessionMails {
  /** Of all mails; another language is another module beside it. */
  private readonly words = english;

  constructor(private readonly deps: MailsDeps) {}

  verifyEmail(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    const link = timed(verifyLink(config, minted.token), minted);
    return this.put('verifyEmail', to, this.words.verifyEmail(config.publicUrl, link), link);
  }

  emailTaken(to: Addressee): Promise<void> {
    return this.put('emailTaken', to, this.words.emailTaken(this.deps.config.publicUrl));
  }

  resetPassword(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    const link = timed(resetLink(config, minted.token), minted);
    return this.put('resetPassword', to, this.words.resetPassword(config.publicUrl, link), link);
  }

  accountCreated(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    const link = timed(resetLink(config, minted.token), minted);
    return this.put('accountCreated', to, this.words.accountCreated(config.publicUrl, link), link);
  }

  confirmNewEmail(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    const link = timed(verifyLink(config, minted.token), minted);
    return this.put('confirmNewEmail', to, this.words.confirmNewEmail(config.publicUrl, link), link);
  }

  async emailChangeStarted(to: Addressee, newMasked: string): Promise<void> {
    const { config } = this.deps;
    if (config.notices.emailChanged) await this.put('emailChangeStarted', to, this.words.emailChangeStarted(config.publicUrl, newMasked));
  }

  async emailChanged(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    if (!config.notices.emailChanged) return;
    const link = timed(revertLink(config, minted.token), minted);
    await this.put('emailChanged', to, this.words.emailChanged(config.publicUrl, link), link);
  }

  async passwordChanged(to: Addressee): Promise<void> {
    const { config } = this.deps;
    if (config.notices.passwordChanged) await this.put('passwordChanged', to, this.words.passwordChanged(config.publicUrl));
  }

  async newDevice(to: Addressee, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.newDevice) await this.put('newDevice', to, this.words.newDevice(config.publicUrl, device));
  }

  async reuseDetected(to: Addressee, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.reuseDetected) await this.put('reuseDetected', to, this.words.reuseDetected(config.publicUrl, device));
  }

  private put(kind: string, to: Addressee, template: Template, link: TimedLink | null = null): Promise<void> {
    const html = asHtml(template, this.words.language);
    const mail = { to: to.email, subject: template.subject, text: asText(template), html, link: link?.url ?? null };
    return this.deps.put(kind, mail, { accountId: to.id, goodUntil: link?.goodUntil ?? null });
  }
}

const timed = (url: string, { expiresAt }: MailedToken): TimedLink => ({ url, goodUntil: expiresAt });
