import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { MailServer } from './mail-server.js';
import { startServer, type TestServer } from './server.js';

/** A port that was free a moment ago: the server must know its own origin before it listens. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A server whose public URL is where it listens, so that its own pages may use cookies and sockets. */
export async function startConsoleServer(
  storeUrl: string,
  overrides: Record<string, string> = {},
  mailer: null | 'by its settings' = null,
): Promise<TestServer & { console: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    try {
      const server = await startServer(storeUrl, { PORT: String(port), LATCHKEY_PUBLIC_URL: origin, ...overrides }, undefined, mailer);
      return { ...server, console: `${origin}/console` };
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if ((error as { code?: unknown }).code !== 'EADDRINUSE' || attempt === 3) throw error;
    }
  }
}

/** A server whose mails are handed to that mail server. */
export const startMailingConsoleServer = (storeUrl: string, mail: MailServer, overrides: Record<string, string> = {}) =>
  startConsoleServer(
    storeUrl,
    { LATCHKEY_SMTP_URL: mail.url, LATCHKEY_MAIL_FROM: 'Latchkey <no-reply@example.com>', ...overrides },
    'by its settings',
  );
