import type { Log } from '../auth/log.js';
import type { EpochMs } from '../store/records.js';
import { type LinkConfig, resetLink, revertLink, verifyLink } from './links.js';
import type { NoticeSettings } from './notices.js';
import type { About, HeldMail, Outbox } from './outbox.js';
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
 * Makes the token of a mail, only when that is going to be put: one that pushes out or replaces an earlier one must not do so for a mail that is
 * dropped. Null: there is nothing to mail any more.
 */
export type Minting = () => Promise<MailedToken | null>;

/**
 * Who wants a mail. `anybody`: it is counted, and dropped where its address has got too many. `service`: what was done owes it, so that it is never
 * dropped and its promise never rejects.
 */
export type Asker = 'anybody' | 'administrator' | 'service';

/**
 * The mails about accounts and their credentials. Each promise resolves when the mail is durably in the outbox, which sends it, or was dropped
 * because its address got too many of its kind; it rejects with `StoreUnavailableError`.
 */
export interface AccountMails {
  verifyEmail(to: Addressee, minting: Minting): Promise<void>;
  /** To somebody who has an account, and with whose address somebody signs up. */
  emailTaken(to: Addressee): Promise<void>;
  /** To somebody who has an account, and whose address somebody wants for another. */
  newEmailTaken(to: Addressee): Promise<void>;
  resetPassword(to: Addressee, minting: Minting, asker?: Asker): Promise<void>;
  /** Never rejects: the account is there. */
  accountCreated(to: Addressee, minted: MailedToken): Promise<void>;
  /** To the new address. */
  confirmNewEmail(to: Addressee, minted: MailedToken): Promise<void>;
  /** To the old address. `newMasked`: as much of the new one as its holder may see. */
  emailChangeStarted(to: Addressee, newMasked: string): Promise<void>;
  /** To the old address, with the way back. It is to be in the outbox before the change is made, for afterwards it could be lost. */
  emailChanged(to: Addressee, minted: MailedToken): Promise<HeldMail>;
  /** Never rejects: the password is changed. */
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
  readonly outbox: Pick<Outbox, 'put' | 'putSurely' | 'hold'>;
  /** Counts a mail, and says whether it may be sent. Rejects with `StoreUnavailableError`. */
  readonly admits: (kind: string, address: string) => Promise<boolean>;
  readonly log: Log;
  readonly config: MailsConfig;
}

const nothingHeld: HeldMail = { release: async () => {}, drop: async () => {} };

/** Words every mail and puts it into the outbox. The one place where it is decided whether one is sent: see `admitted`, and the settings of the notices. */
export class Mails implements AccountMails, SessionMails {
  /** Of all mails; another language is another module beside it. */
  private readonly words = english;

  constructor(private readonly deps: MailsDeps) {}

  async verifyEmail(to: Addressee, minting: Minting): Promise<void> {
    const { config } = this.deps;
    const minted = (await this.admitted(to.id === null ? 'signup' : 'verifyEmail', to)) ? await minting() : null;
    if (minted === null) return;
    const link = timed(verifyLink(config, minted.token), minted);
    await this.put('verifyEmail', to, this.words.verifyEmail(config.publicUrl, link), link);
  }

  async emailTaken(to: Addressee): Promise<void> {
    if (await this.admitted('emailTaken', to)) await this.put('emailTaken', to, this.words.emailTaken(this.deps.config.publicUrl));
  }

  async newEmailTaken(to: Addressee): Promise<void> {
    if (await this.admitted('newEmailTaken', to)) await this.put('newEmailTaken', to, this.words.newEmailTaken(this.deps.config.publicUrl));
  }

  async resetPassword(to: Addressee, minting: Minting, asker: Asker = 'anybody'): Promise<void> {
    const { config } = this.deps;
    const isAdmitted = asker !== 'anybody' || (await this.admitted('resetPassword', to));
    const minted = isAdmitted ? await minting() : null;
    if (minted === null) return;
    const link = timed(resetLink(config, minted.token), minted);
    const template = this.words.resetPassword(config.publicUrl, link);
    await (asker === 'service' ? this.putSurely('resetPassword', to, template, link) : this.put('resetPassword', to, template, link));
  }

  accountCreated(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    const link = timed(resetLink(config, minted.token), minted);
    return this.putSurely('accountCreated', to, this.words.accountCreated(config.publicUrl, link), link);
  }

  async confirmNewEmail(to: Addressee, minted: MailedToken): Promise<void> {
    const { config } = this.deps;
    if (!(await this.admitted('confirmNewEmail', to))) return;
    const link = timed(verifyLink(config, minted.token), minted);
    await this.put('confirmNewEmail', to, this.words.confirmNewEmail(config.publicUrl, link), link);
  }

  async emailChangeStarted(to: Addressee, newMasked: string): Promise<void> {
    const { config } = this.deps;
    if (config.notices.emailChanged && (await this.admitted('emailChangeStarted', to)))
      await this.put('emailChangeStarted', to, this.words.emailChangeStarted(config.publicUrl, newMasked));
  }

  async emailChanged(to: Addressee, minted: MailedToken): Promise<HeldMail> {
    const { config, outbox } = this.deps;
    if (!config.notices.emailChanged) return nothingHeld;
    const link = timed(revertLink(config, minted.token), minted);
    const { content, about } = this.letter(to, this.words.emailChanged(config.publicUrl, link), link);
    return outbox.hold('emailChanged', content, about);
  }

  async passwordChanged(to: Addressee): Promise<void> {
    const { config } = this.deps;
    // Where it cannot be counted it is sent.
    const isSent = config.notices.passwordChanged && (await this.admitted('passwordChanged', to).catch(() => true));
    if (isSent) await this.putSurely('passwordChanged', to, this.words.passwordChanged(config.publicUrl));
  }

  async newDevice(to: Addressee, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.newDevice && (await this.admitted('newDevice', to)))
      await this.put('newDevice', to, this.words.newDevice(config.publicUrl, device));
  }

  async reuseDetected(to: Addressee, device: DeviceFacts): Promise<void> {
    const { config } = this.deps;
    if (config.notices.reuseDetected && (await this.admitted('reuseDetected', to)))
      await this.put('reuseDetected', to, this.words.reuseDetected(config.publicUrl, device));
  }

  /** Beyond its quota a mail is dropped, and nothing of that shows to whoever asked. */
  private async admitted(kind: string, { email }: Addressee): Promise<boolean> {
    const isAdmitted = await this.deps.admits(kind, email);
    if (!isAdmitted) this.deps.log.info({ kind }, 'a mail was dropped: its address has got too many of its kind in the last hour');
    return isAdmitted;
  }

  private put(kind: string, to: Addressee, template: Template, link: TimedLink | null = null): Promise<void> {
    const { content, about } = this.letter(to, template, link);
    return this.deps.outbox.put(kind, content, about);
  }

  private putSurely(kind: string, to: Addressee, template: Template, link: TimedLink | null = null): Promise<void> {
    const { content, about } = this.letter(to, template, link);
    return this.deps.outbox.putSurely(kind, content, about);
  }

  private letter(to: Addressee, template: Template, link: TimedLink | null): { readonly content: Omit<Mail, 'id'>; readonly about: About } {
    const html = asHtml(template, this.words.language);
    const content = { to: to.email, subject: template.subject, text: asText(template), html, link: link?.url ?? null };
    return { content, about: { accountId: to.id, goodUntil: link?.goodUntil ?? null } };
  }
}

const timed = (url: string, { expiresAt }: MailedToken): TimedLink => ({ url, goodUntil: expiresAt });
