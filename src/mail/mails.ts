/**
 * The mails about accounts, one method for each. `to` is a normalized address; `token` is the one-time token that the mail's link carries. A
 * promise that resolves says that the mail is taken over for delivery.
 */
export interface AccountMails {
  /** The link verifies the address. */
  verifyEmail(to: string, token: string): Promise<void>;
  /** Somebody signed up with, or wanted to change to, an address that has an account. */
  emailTaken(to: string): Promise<void>;
  /** The link sets a new password. */
  resetPassword(to: string, token: string): Promise<void>;
  /** An administrator made the account; the link sets its first password. */
  accountCreated(to: string, token: string): Promise<void>;
  /** To the new address: the link completes the change. */
  confirmNewEmail(to: string, token: string): Promise<void>;
  /** To the old address: a change was asked for. */
  emailChangeStarted(to: string, newMasked: string): Promise<void>;
  /** To the old address: the change was made; the link reverts it. */
  emailChanged(to: string, revertToken: string): Promise<void>;
  /** The password is another one now. */
  passwordChanged(to: string): Promise<void>;
}
