/** What a mail says, before it is set as text and as HTML. Whatever a person or client chose is put in as it is: setting it escapes it. */
export interface Template {
  readonly subject: string;
  readonly parts: readonly Part[];
}

export type Part =
  /** A paragraph. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly label: string; readonly url: string }
  /** Lines of a name and a value. */
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [name: string, value: string])[] };

/** The device of a session, as its client describes itself. */
export interface DeviceFacts {
  readonly label: string;
  readonly signedInAt: Date;
}

/** A link that is good for a while. */
export interface TimedLink {
  readonly url: string;
  /** Epoch milliseconds. */
  readonly goodUntil: number;
}

/** The words of every mail in one language. `service`: the URL that people know the service by. */
export interface Templates {
  readonly language: string;
  verifyEmail(service: string, link: TimedLink): Template;
  emailTaken(service: string): Template;
  newEmailTaken(service: string): Template;
  resetPassword(service: string, link: TimedLink): Template;
  accountCreated(service: string, link: TimedLink): Template;
  confirmNewEmail(service: string, link: TimedLink): Template;
  emailChangeStarted(service: string, newAddress: string): Template;
  emailChanged(service: string, revertLink: TimedLink): Template;
  passwordChanged(service: string): Template;
  newDevice(service: string, device: DeviceFacts): Template;
  reuseDetected(service: string, device: DeviceFacts): Template;
}
