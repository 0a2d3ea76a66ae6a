import { AuthError } from './auth/errors.js';
import { SealedKeyError } from './auth/server-keys.js';
import { ConfigError } from './config.js';
import { StoreUnavailableError, StoreVersionError } from './store/port.js';

/** One line for each cause that an operator can mend; the whole error for any other. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return `The settings do not allow a start:\n${error.message.replace(/^/gm, '  ')}`;
  if (error instanceof StoreUnavailableError) return 'LATCHKEY_STORE_URL: the store cannot be reached. Is it running, and may this process use it?';
  if (error instanceof StoreVersionError || error instanceof SealedKeyError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return 'HOST, PORT: the address is in use by another process.';
  if (error instanceof AuthError) return [error.message, error.details.field, error.details.reason].filter(Boolean).join(' ');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
