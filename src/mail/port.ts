/** A mail to one person. */
export interface Mail {
  /** The same each time the mail is handed over: one that comes twice can be told by it. */
  readonly id: string;
  /** A normalized address. */
  readonly to: string;
  readonly subject: string;
  /** Plain text, lines ended by `\n`. */
  readonly text: string;
  /** The same as an HTML document. */
  readonly html: string;
  /** The link that the mail is about, a secret; null in one that has none. */
  readonly link: string | null;
}

/** Hands mails over. */
export interface Mailer {
  /**
   * Resolves when the mail is taken over for delivery. When it rejects it is called again with the same mail, later and later, for a day;
   * with `MailRefusedError` not at all. `signal` aborts when the time for this attempt is over: the attempt then counts as failed.
   */
  send(mail: Mail, signal: AbortSignal): Promise<void>;
  /** Lets go of connections. Called once, when the service closes. */
  close?(): void | Promise<void>;
}

/** This mail will never be taken. `message` goes to the log: it must hold nothing of the mail. */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';
}
