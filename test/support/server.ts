import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { type App, createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';
import type { Mailer } from '../../src/mail/port.js';
import { openStore as openStoreByUrl } from '../../src/store/open.js';
import type { Store } from '../../src/store/port.js';
import { storeWith } from './factories.js';

/** The page that these servers allow; also their public URL. */
export const allowedOrigin = 'http://auth.test';
export const testSecret = 'a secret of these tests: 0123456789 abcdef';
export const goodPassword = 'correct horse battery';

/** A server in this process, over real HTTP, with a clock that can be moved. */
export interface TestServer {
  /** `http://127.0.0.1:PORT/graphql`. */
  readonly url: string;
  readonly app: App;
  /** Everything logged so far. */
  readonly log: () => string;
  advanceClock(ms: number): void;
  close(): Promise<void>;
}

const running = new Set<TestServer>();
afterAll(async () => {
  await Promise.all([...running].map((server) => server.close()));
});

export function temporaryFolder(): string {
  return mkdtempSync(join(process.env.LATCHKEY_TEST_DIR ?? tmpdir(), 'data-'));
}

/** The settings of a test server: cheap hashes, a free port, and as many sign-ins from this machine as a test likes. */
export function testEnvironment(storeUrl: string, overrides: Record<string, string> = {}): Record<string, string> {
  return {
    PORT: '0',
    LATCHKEY_STORE_URL: storeUrl,
    LATCHKEY_DATA_DIR: temporaryFolder(),
    LATCHKEY_SECRET: testSecret,
    LATCHKEY_PUBLIC_URL: allowedOrigin,
    LATCHKEY_BCRYPT_COST: '4',
    LATCHKEY_PASSWORD_MIN_LENGTH: '8',
    LATCHKEY_THROTTLE: overrides.NODE_ENV === 'production' ? 'on' : 'off',
    ...overrides,
  };
}

/**
 * Starts a server and stops it after the file's tests. It leaves mails to other servers on its store, unless it is given a mailer, or told to go
 * by its settings.
 */
export async function startServer(
  storeUrl: string,
  overrides: Record<string, string> = {},
  openStore: (url: string) => Promise<Store> = openStoreByUrl,
  mailer: Mailer | null | 'by its settings' = null,
): Promise<TestServer> {
  const lines: string[] = [];
  let shift = 0;
  // The clock of the database goes with this one, which is set by it every now and then.
  const openShifted = async (url: string) => {
    const store = await openStore(url);
    const readClock = async () => {
      const now = await store.readClock();
      return now === null ? null : now + shift;
    };
    return storeWith(store, { readClock });
  };
  const app = await createApp(loadConfig(testEnvironment(storeUrl, overrides)), {
    logger: createLogger('info', { write: (line) => void lines.push(line) }),
    clocks: { wall: () => Date.now() + shift, monotonic: () => performance.now() + shift },
    openStore: openShifted,
    mailer: mailer === 'by its settings' ? undefined : mailer,
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= app.close();
    return closing;
  };
  const server: TestServer = {
    url: await app.listen(),
    app,
    log: () => lines.join(''),
    advanceClock: (ms) => {
      shift += ms;
    },
    close,
  };
  running.add(server);
  return server;
}
