import { readFileSync } from 'node:fs';
import { AccessTokens } from './auth/access-tokens.js';
import { Accounts } from './auth/accounts.js';
import { Clock, type MachineClocks } from './auth/clock.js';
import type { Log } from './auth/log.js';
import { Logouts } from './auth/logouts.js';
import { Notices } from './auth/notices.js';
import type { OwnClaimsSource } from './auth/own-claims.js';
import { Passwords } from './auth/passwords.js';
import { RefreshTokens } from './auth/refresh-tokens.js';
import { Refreshes } from './auth/refreshes.js';
import { ReadThroughCheck } from './auth/revocations.js';
import { ServerKeys } from './auth/server-keys.js';
import { SessionUses } from './auth/session-uses.js';
import { Sessions } from './auth/sessions.js';
import { SignIns } from './auth/sign-ins.js';
import { SigningKeys } from './auth/signing-keys.js';
import { TokenIssuer } from './auth/token-issuer.js';
import { Viewers } from './auth/viewers.js';
import { KeyWrapping } from './auth/wrapped-keys.js';
import type { Config } from './config.js';
import { Housekeeping } from './housekeeping.js';
import type { Mailer } from './mail/port.js';
import type { Store } from './store/port.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** So many expired records are removed by one write, between which requests have their turn. */
const purgeBatch = 500;
/** So many batches at a time at most: a stop waits for them. */
const mostBatches = 100;

async function removeExpired(store: Store, clock: Clock): Promise<void> {
  for (let batches = 0; batches < mostBatches; batches += 1) {
    if ((await store.purge(clock.now(), purgeBatch)) < purgeBatch) return;
  }
}

interface ServiceDeps {
  readonly config: Config;
  /** The present secret first. */
  readonly secrets: readonly string[];
  readonly store: Store;
  readonly log: Log;
  /** Null: no mail is sent. */
  readonly mailer?: Mailer | null;
  readonly ownClaims?: OwnClaimsSource | null;
  /** For tests. */
  readonly clocks?: MachineClocks;
}

/** Everything of `auth/`, joined together over one store. */
export type AuthServices = Awaited<ReturnType<typeof openServices>>;

/** Throws `SealedKeyError` when the secrets do not open the store's keys, `StoreUnavailableError` when the store does not answer. */
export async function openServices({ config, secrets, store, log, mailer = null, ownClaims = null, clocks }: ServiceDeps) {
  const clock = new Clock({ readStoreClock: () => store.readClock(), machine: clocks });
  await clock.synchronize();
  const serverKeys = new ServerKeys({ store, wrapping: new KeyWrapping(secrets) });
  const refreshTokens = new RefreshTokens(await serverKeys.loadOrCreate('refresh-mac', clock.now()));
  const passwords = await Passwords.open(config, await serverKeys.loadOrCreate('pepper', clock.now()));
  const signingKeys = await SigningKeys.open({ serverKeys, clock, log, config });

  const accessTokens = new AccessTokens({ keys: signingKeys, clock, config });
  const issuer = new TokenIssuer({ accessTokens, refreshTokens, clock, ownClaims });
  const notices = new Notices({ mailer, log, publicUrl: config.publicUrl });
  const uses = new SessionUses({ store, log });
  const accounts = new Accounts({ store, clock, passwords, config });
  const sessions = new Sessions({ store, clock, config });
  const housekeeping = new Housekeeping(log, [
    { name: 'write uses of sessions', everyMs: 5_000, run: () => uses.flush() },
    { name: 'synchronize the clock', everyMs: 30_000, run: () => clock.synchronize() },
    { name: 'tend the signing keys', everyMs: 60_000, run: () => signingKeys.tend() },
    { name: 'remove expired records', everyMs: 60_000, run: () => removeExpired(store, clock) },
  ]);
  return {
    accounts,
    sessions,
    signIns: new SignIns({ store, clock, accounts, issuer, config }),
    refreshes: new Refreshes({ store, clock, refreshTokens, uses, issuer, notices, log, config }),
    logouts: new Logouts({ accessTokens, refreshTokens, sessions }),
    viewers: new Viewers({ accessTokens, sessionCheck: new ReadThroughCheck({ store, clock, uses }) }),
    signingKeys,
    refreshTokens,
    now: () => clock.now(),
    serverInfo: {
      version,
      signupEnabled: config.signupEnabled,
      passwordMinLength: config.passwordMinLength,
      passwordMaxLength: config.passwordMaxLength,
    },
    housekeeping,
    flushUses: () => uses.flush(),
    /** Writes down what is only in memory. The store stays open. */
    close: async () => {
      await housekeeping.stop();
      await notices.settle();
      await uses.flush();
    },
  };
}
