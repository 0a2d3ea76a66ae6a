import { createTransport, type SMTPPoolOptions, type Transporter } from 'nodemailer';
import { messageOf, type Sender } from './message.js';
import { type Mail, type Mailer, MailRefusedError } from './port.js';
import { hostOf, isLoopback } from './smtp-url.js';

interface SmtpDeps {
  /** `smtp://` or `smtps://`, perhaps with user and password. */
  readonly url: string;
  readonly from: Sender;
  readonly connections: number;
}

const connectTimeoutMs = 10_000;
const silenceTimeoutMs = 20_000;

/** Hands mails to a mail server (RFC 5321), over connections that are kept for a while. */
export class SmtpMailer implements Mailer {
  private readonly transport: Transporter;

  constructor(private readonly deps: SmtpDeps) {
    this.transport = createTransport(poolOptions(deps));
    // A connection that fails while nothing is sent concerns nobody; a mail under way is told by its own promise.
    this.transport.on('error', () => {});
  }

  async send(mail: Mail, signal: AbortSignal): Promise<void> {
    try {
      await this.transport.sendMail({ ...messageOf(mail, this.deps.from), signal });
    } catch (error) {
      throw publicError(error);
    }
  }

  close(): void {
    this.transport.close();
  }
}

/**
 * `smtps`: TLS from the first byte (RFC 8314 3.3). `smtp`: STARTTLS where the server offers it, and required when credentials are sent,
 * for whoever sits in between could take the offer away (RFC 3207 6). On this machine itself nobody does. Certificates are always verified.
 */
export function poolOptions({ url, connections }: Pick<SmtpDeps, 'url' | 'connections'>): SMTPPoolOptions & { pool: true } {
  const parsed = new URL(url);
  const { protocol, port, username, password } = parsed;
  const secure = protocol === 'smtps:';
  const hasCredentials = username !== '';
  const host = hostOf(parsed);
  const isLocal = isLoopback(host);
  return {
    pool: true,
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && hasCredentials && !isLocal,
    ignoreTLS: !secure && isLocal,
    ...(hasCredentials && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    tls: { minVersion: 'TLSv1.2' },
    maxConnections: connections,
    // The outbox repeats, later and durably.
    maxRequeues: 0,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    dnsTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Steps before the server has said anything: what goes wrong there is told in Node's own words. */
const beforeTheTalk = ['CONN', 'TLS', 'STARTTLS'];
/** That the box is not there or takes nothing, where the server has no finer code. */
const noBox = [550, 551, 553];

/**
 * Whether nobody can mend it: the server says of the recipient that there is no such box (RFC 3463 3.2, but for X.1.7 and X.1.8, which are about the
 * sender) or that it takes nothing (3.3). A permanent answer to anything else, of a filter say, of a black list or to a sign-in, is one that the
 * operator can mend while mails wait.
 */
function isFinal(code: number, enhanced: string | undefined, step: string): boolean {
  if (step !== 'RCPT TO' || code < 500) return false;
  return enhanced === undefined ? noBox.includes(code) : /^5\.[12]\./.test(enhanced) && !/^5\.1\.[78]$/.test(enhanced);
}

/**
 * What the log may hold: codes and the step of the conversation. The text of an answer may repeat the address, or the link that a filter
 * did not like.
 */
function publicError(error: unknown): Error {
  const { code, message: words, responseCode, response, command } = (error ?? {}) as Partial<Record<string, unknown>>;
  const enhanced = typeof response === 'string' ? /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1] : undefined;
  const step = typeof command === 'string' && /^[A-Z0-9 -]{1,20}$/.test(command) ? command : 'an unnamed step';
  if (typeof responseCode === 'number') {
    const message = `the mail server answered ${[responseCode, enhanced].filter(Boolean).join(' ')} to ${step}`;
    return isFinal(responseCode, enhanced, step) ? new MailRefusedError(message) : new Error(message);
  }
  const what = !response && beforeTheTalk.includes(step) ? words : code;
  return new Error(`the mail server could not be talked to: ${what ?? 'no code'} at ${step}`);
}
