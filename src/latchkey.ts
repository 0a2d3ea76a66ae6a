import type { Logger } from 'pino';
import { createApp } from './app.js';
import type { Account } from './auth/account.js';
import type { Viewer as SettledViewer } from './auth/viewer.js';
import { type Config, type Environment, loadConfig, noMailWarning, noSignupWarning } from './config.js';
import type { ServerPlugin } from './http/plugin.js';
import type { Mailer } from './mail/port.js';

/** An account as an embedding application sees it. */
export type AccountView = Pick<Account, 'id' | 'email' | 'emailVerified' | 'username' | 'roles' | 'permissions'>;

/** Who holds an access token. */
export type Viewer =
  | {
      readonly kind: 'account';
      readonly accountId: string;
      readonly roles: readonly string[];
      /** What the roles allow, as they are now. */
      readonly permissions: readonly string[];
      readonly sessionId: string;
    }
  | { readonly kind: 'anonymous'; readonly reason: 'NO_TOKEN' | 'EXPIRED' | 'INVALID' | 'REVOKED' }
  /** The store does not answer: neither yes nor no. Answer 503, and let the client repeat. */
  | { readonly kind: 'unavailable' };

export interface LatchkeyOptions {
  /** Settings by the names of docs/configuration.md, or what `loadConfig` made of them. By default the process's environment. */
  readonly settings?: Environment | Config;
  /**
   * Claims to add to every access token, asked for at each sign-in and refresh, before anything is written. A rejection fails
   * that call and no other. At most 2,048 bytes as JSON; names that the server sets (RFC 9068 2.2) are refused.
   */
  readonly claims?: (account: AccountView) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Sends the mails of the service, instead of the mail server or folder that the settings name. */
  readonly mailer?: Mailer;
  /** A pino logger; by default one that writes JSON lines to standard output at `LOG_LEVEL`. */
  readonly logger?: Logger;
}

/** The service, running in this process. */
export interface Latchkey {
  /** Begins to listen at `HOST` and `PORT` (0: any free port) and comes back with the address of the API, e.g. `http://127.0.0.1:4000/graphql`. Throws when the port is taken. */
  listen(): Promise<string>;
  /**
   * Instead of `listen`: the routes for a Fastify 5 instance of your own, `await app.register(latchkey.plugin)`, with a prefix if you
   * like. When the instance closes, the service closes.
   */
  readonly plugin: ServerPlugin;
  /**
   * Who holds this access token now, as the API would judge it: an ended session counts at once. For routes of your own. Null and
   * malformed tokens are anonymous; it never throws for a token.
   */
  viewer(accessToken: string | null): Promise<Viewer>;
  /** The account; null when there is none. One read of the store. Throws `StoreUnavailableError`. */
  account(id: string): Promise<AccountView | null>;
  /** Lets requests in flight finish, writes down what is only in memory, and lets go of the store. */
  close(): Promise<void>;
  readonly version: string;
  /** What is unsafe about the settings in force, and variables that mean nothing. */
  readonly warnings: readonly string[];
  /** Where the secret lies that was made for a quick start; null when the settings gave one. */
  readonly secretPath: string | null;
}

/**
 * The service of `npm start`, for a process of your own. Throws `ConfigError` (each faulty setting by its name), `StoreUnavailableError`,
 * `StoreVersionError` (a newer database), `SealedKeyError` (the secret does not open the store's keys).
 */
export async function createLatchkey({ settings, claims, mailer, logger }: LatchkeyOptions = {}): Promise<Latchkey> {
  const config = isConfig(settings) ? settings : loadConfig(settings);
  const app = await createApp(config, {
    logger,
    mailer,
    ownClaims: claims === undefined ? null : (account) => claims(toView(account)),
  });
  return {
    listen: app.listen,
    plugin: app.plugin,
    viewer: async (accessToken) => toViewer(await app.services.viewers.settle(accessToken)),
    account: async (id) => {
      const account = await app.services.accounts.find(id);
      return account && toView(account);
    },
    close: app.close,
    version: app.services.serverInfo.version,
    warnings: config.warnings.filter((warning) => mailer === undefined || ![noMailWarning, noSignupWarning].includes(warning)),
    secretPath: app.secretPath,
  };
}

/** A list of warnings is what no environment has. */
const isConfig = (settings: Environment | Config | undefined): settings is Config => Array.isArray(settings?.warnings);

const toView = ({ id, email, emailVerified, username, roles, permissions }: Account): AccountView => ({
  id,
  email,
  emailVerified,
  username,
  roles: [...roles],
  permissions: [...permissions],
});

function toViewer(viewer: SettledViewer): Viewer {
  switch (viewer.kind) {
    case 'account':
      return {
        kind: 'account',
        accountId: viewer.accountId,
        roles: [...viewer.roles],
        permissions: [...viewer.permissions],
        sessionId: viewer.sessionId,
      };
    case 'anonymous':
      return { kind: 'anonymous', reason: viewer.reason };
    case 'unavailable':
      return viewer;
  }
}
