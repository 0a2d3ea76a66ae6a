import type { SendMailOptions } from 'nodemailer';
import type { Mail } from './port.js';

/** Who a mail comes from. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** The mail as an internet message (RFC 5322). The same mail has the same `Message-ID` each time it is handed over. */
export function messageOf({ id, to, subject, text, html }: Mail, from: Sender): SendMailOptions {
  return {
    from: { ...from },
    // As an object, and the envelope given: nothing of the address is parsed as a list.
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    messageId: `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    // No answer of a machine to a machine (RFC 3834 5).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
