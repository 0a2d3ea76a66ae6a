/** A mail to one person. */
export interface Mail {
  /** A normalized address. */
  readonly to: string;
  readonly subject: string;
  /** Plain text, lines ended by `\n`. */
  readonly text: string;
}

/** Hands mails over. */
export interface Mailer {
  /** Resolves when the mail is taken over for delivery. A rejection is logged, and holds up nobody's request. */
  send(mail: Mail): Promise<void>;
}
