/** The package's entry: the service for a process of your own. */
export { SealedKeyError } from './auth/server-keys.js';
export { type Config, ConfigError, loadConfig } from './config.js';
export type { ServerPlugin } from './http/plugin.js';
export { type AccountView, createLatchkey, type Latchkey, type LatchkeyOptions, type Viewer } from './latchkey.js';
export { type Mail, type Mailer, MailRefusedError } from './mail/port.js';
export { StoreUnavailableError, StoreVersionError } from './store/port.js';
