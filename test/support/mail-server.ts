import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as a mail server got it. */
export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | null;
  readonly message: ParsedMail;
}

/** A mail server on loopback, over real SMTP. */
export interface MailServer {
  /** `smtp://127.0.0.1:PORT`; the same after a restart. */
  readonly url: string;
  readonly received: Received[];
  /** What it answers next; null: it takes the mail. */
  answer: { readonly at: 'RCPT' | 'DATA'; readonly code: number; readonly text: string } | null;
  /** Resolves when so many mails have come. */
  got(count: number): Promise<Received[]>;
  /** The first mail to this address with this subject; comes when it does. */
  letter(to: string, subject: string): Promise<Received>;
  /** Ends the server; its port is then refused. */
  stop(): Promise<void>;
  /** Begins again at the same port. */
  start(): Promise<void>;
}

const running = new Set<MailServer>();
afterAll(async () => {
  await Promise.all([...running].map((server) => server.stop()));
});

const refusal = ({ code, text }: { readonly code: number; readonly text: string }) =>
  Object.assign(new Error(text), { responseCode: code });

/** Starts a mail server, and stops it after the file's tests. `stalls`: it takes the whole message and never answers. */
export async function startMailServer(options: SMTPServerOptions & { readonly stalls?: () => boolean } = {}): Promise<MailServer> {
  const waiting: (() => void)[] = [];
  let port = 0;
  let smtp: SMTPServer | null = null;
  const { stalls = () => false, ...rest } = options;
  const create = () =>
    new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 1,
      onRcptTo: (_address, _session, done) => done(server.answer?.at === 'RCPT' ? refusal(server.answer) : null),
      onData: (stream, session, done) => {
        simpleParser(stream)
          .then((message) => {
            if (stalls()) return;
            if (server.answer?.at === 'DATA') return done(refusal(server.answer));
            const { mailFrom, rcptTo } = session.envelope;
            const from = mailFrom === false ? '' : mailFrom.address;
            const user = typeof session.user === 'string' ? session.user : null;
            server.received.push({ from, to: rcptTo.map(({ address }) => address), secure: session.secure, user, message });
            done();
            for (const look of waiting) look();
          })
          .catch(done);
      },
      ...rest,
    });
  const found = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = () => {
        const result = find();
        if (result !== undefined) resolve(result);
      };
      waiting.push(look);
      look();
    });
  const server: MailServer = {
    get url() {
      return `smtp://127.0.0.1:${port}`;
    },
    received: [],
    answer: null,
    got: (count) => found(() => (server.received.length >= count ? server.received : undefined)),
    letter: (to, subject) => found(() => server.received.find((mail) => mail.to[0] === to && mail.message.subject === subject)),
    start: async () => {
      smtp = create();
      // A client that goes away in the middle is what some tests are about.
      smtp.on('error', () => {});
      const listener = smtp.listen(port, '127.0.0.1');
      await once(listener, 'listening');
      port = (listener.address() as AddressInfo).port;
    },
    stop: async () => {
      const stopping = smtp;
      smtp = null;
      if (stopping !== null) await new Promise<void>((resolve) => stopping.close(resolve));
    },
  };
  await server.start();
  running.add(server);
  return server;
}

/** The link in a mail's text. */
export const linkIn = ({ message }: Received): string => /https?:\/\/\S+#\S+/.exec(message.text ?? '')?.[0] ?? '';
