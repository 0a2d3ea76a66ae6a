import type { AccountMails } from './mails.js';
import type { Mailer } from './port.js';

interface PlainAccountMailsDeps {
  /** Null: no mail is sent. */
  readonly mailer: Mailer | null;
  /** Without a trailing slash; links begin with it, never with what a request says. */
  readonly publicUrl: string;
}

/** The mails about accounts as plain text. A link has its token behind `#`, which no browser sends to any server or in a `Referer`. */
export class PlainAccountMails implements AccountMails {
  constructor(private readonly deps: PlainAccountMailsDeps) {}

  verifyEmail(to: string, token: string): Promise<void> {
    return this.send(to, 'Verify your email address', [
      `Follow this link to verify your address at ${this.deps.publicUrl}:`,
      '',
      this.link('verify-email', token),
      '',
      'If you did not sign up there yourself, do not follow it: somebody else entered your address.',
    ]);
  }

  emailTaken(to: string): Promise<void> {
    return this.send(to, 'You have an account already', [
      `Somebody entered your address at ${this.deps.publicUrl}, where it has an account already. Nothing was changed.`,
      '',
      'If it was you, sign in; if you do not know the password, ask for a new one there.',
    ]);
  }

  resetPassword(to: string, token: string): Promise<void> {
    return this.send(to, 'Set a new password', [
      `Follow this link to set a new password at ${this.deps.publicUrl}:`,
      '',
      this.link('reset-password', token),
      '',
      'If you did not ask for it, you need not do anything: your password is as it was.',
    ]);
  }

  accountCreated(to: string, token: string): Promise<void> {
    return this.send(to, 'An account was made for you', [
      `An account with this address was made for you at ${this.deps.publicUrl}.`,
      'Follow this link to set its password:',
      '',
      this.link('reset-password', token),
      '',
      'If you expected no such account, you need not do anything.',
    ]);
  }

  confirmNewEmail(to: string, token: string): Promise<void> {
    return this.send(to, 'Confirm your new email address', [
      `An account at ${this.deps.publicUrl} is to get this address. Follow this link to agree:`,
      '',
      this.link('verify-email', token),
      '',
      'If you did not ask for it, do not follow the link: the account is not yours.',
    ]);
  }

  emailChangeStarted(to: string, newMasked: string): Promise<void> {
    return this.send(to, 'Your email address is about to change', [
      `Somebody who knows your password asked to change the address of your account at ${this.deps.publicUrl} to ${newMasked}.`,
      '',
      'If it was not you, change your password now: that stops the change.',
    ]);
  }

  emailChanged(to: string, revertToken: string): Promise<void> {
    return this.send(to, 'Your email address was changed', [
      `Your account at ${this.deps.publicUrl} has another email address now.`,
      '',
      'If it was not you, follow this link within 7 days. It brings this address back, signs everybody out and lets you set a new password:',
      '',
      this.link('revert-email-change', revertToken),
    ]);
  }

  passwordChanged(to: string): Promise<void> {
    return this.send(to, 'Your password was changed', [
      `The password of your account at ${this.deps.publicUrl} was changed.`,
      '',
      'If it was not you, ask for a new password there at once.',
    ]);
  }

  private link(page: string, token: string): string {
    return `${this.deps.publicUrl}/${page}#token=${token}`;
  }

  private async send(to: string, subject: string, lines: readonly string[]): Promise<void> {
    await this.deps.mailer?.send({ to, subject, text: [...lines, ''].join('\n') });
  }
}
