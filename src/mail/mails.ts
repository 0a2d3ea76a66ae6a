import { type LinkConfig, resetLink, revertLink, verifyLink } from './links.js';
import type { NoticeSettings } from './notices.js';
import type { Mail } from './port.js';
import { english } from './templates/english.js';
import { asHtml, asText } from './templates/layout.js';
import type { DeviceFacts, Template } from './templates/templates.js';

/**
 * The mails about accounts and their credentials. `to`: a normalized address. `token`: goes into a link, and nowhere else. Each promise
 * resolves when the mail is durably in the outbox, which sends it; it rejects with `StoreUnavailableError`.
 */
export interface AccountMails {
  verifyEmail(to: string, token: string): Promise<void>;
  /** To somebody who has an account, and with whose address somebody signs up. */
  emailTaken(to: string): Promise<void>;
  resetPassword(to: string, token: string): Promise<void>;
  accountCreated(to: string, token: string): Promise<void>;
  /** To the new address. */
  confirmNewEmail(to: string, token: string): Promise<void>;
  /** To the old address. `newMasked`: as much of the new one as its holder may see. */
  emailChangeStarted(to: string, newMasked: string): Promise<void>;
  /** To the old address. */
  emailChanged(to: string, revertToken: string): Promise<void>;
  passwordChanged(to: string): Promise<void>;
}

/** The mails about sessions. */
export interface SessionMails {
  newDevice(to: string, device: DeviceFacts): Promise<void>;
  reuseDetected(to: string, device: DeviceFacts): Promise<void>;
}

export interface MailsConfig extends LinkConfig {
  readonly resetTtlSeconds: number;
  readonly verificationTtlSeconds: number;
  /** Mails that somebody asked for are always sent. */
  readonly notices: NoticeSettings;
}

/** So long a change of address can be taken back from the old one. */
export const revertTtlSeconds = 7 * 86_400;

interface MailsDeps {
  /** Resolves when the mail is durably in the outbox. */
  readonly put: (kind: string, mail: Omit<Mail, 'id'>) => Promise<void>;
  readonly config: MailsConfig;
}

/** Words every mail and puts it into the outbox. The one place where it is decided whether a notice is sent. */
export class Mails implements AccountMails, SessionMails {
  /** Of all mails; another language is another module beside it. */
  private readonly words = english;

  constructor(private readonly deps: MailsDeps) {}

  verifyEmail(to: string, token: string): Promise<void> {
    const { config } = this.deps;
    const url = verifyLink(config, token);
    return this.put(
      'verifyEmail',
      to,
      this.words.verifyEmail(config.publicUrl, { url, goodForSeconds: config.verificationTtlSeconds }),
      url,
    );
  }

  emailTaken(to: string): Promise<void> {
    return this.put('emailTaken', to, this.words.emailTaken(this.deps.config.publicUrl));
  }

  resetPassword(to: string, token: string): Promise<void> {
    const { config } = this.deps;
    const url = resetLink(config, token);
    return this.put('resetPassword', to, this.words.resetPassword(config.publicUrl, { url, goodForSeconds: config.resetTtlSeconds }), url);
  }

  /** `token` null: the account's person is to hear of it, and there is no link to set a password by. */
  accountCreated(to: string, token: string | null): Promise<void> {
    const { config } = this.deps;
    const url = token === null ? null : resetLink(config, token);
    const link = url === null ? null : { url, goodForSeconds: config.resetTtlSeconds };
    return this.put('accountCreated', to, this.words.accountCreated(config.publicUrl, link), url);
  }

  confirmNewEmail(to: string, token: string): Promise<void> {
    const { config } = this.deps;
    const url = verifyLink(config, token);
    const link = { url, goodForSeconds: config.verificationTtlSeconds };
    return this.put('confirmNewEmail', to, this.words.confirmNewEmail(config.publicUrl, link), url);
  }

  async emailChangeStarted(to: string, newMasked: string): Promise<void> {
    const { config } = this.deps;
    if (config.notices.emailChanged) await this.put('emailChangeStarted', to, this.words.emailChangeStarted(config.publicUrl, newMasked));
  }

  async emailChanged(to: string, revertToken: string): Promise<void> {
    const { config } = this.deps;
    if (!config.notices.emailChanged) return;
    const url = revertLink(config, revertToken);
    await this.put('emailChanged', to, this.words.emailChanged(config.publicUrl, { url, goodForSeconds: revertTtlSeconds }), url);
  }

  async passwordChanged(to: string): Promise<void> {
    const { config } = this.deps;
    if (config.notices.passwordChanged) await this.put('passwordChanged', to, this.words.passwordChanged(config.publicUrl));
  }

  async newDevice(to: string, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.newDevice) await this.put('newDevice', to, this.words.newDevice(config.publicUrl, device));
  }

  async reuseDetected(to: string, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.reuseDetected) await this.put('reuseDetected', to, this.words.reuseDetected(config.publicUrl, device));
  }

  private put(kind: string, to: string, template: Template, link: string | null = null): Promise<void> {
    const html = asHtml(template, this.words.language);
    return this.deps.put(kind, { to, subject: template.subject, text: asText(template), html, link });
  }
}
